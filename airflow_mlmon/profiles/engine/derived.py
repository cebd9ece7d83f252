"""Derived columns of rows, computed for their profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa

from airflow_mlmon.profiles.schema import ColumnSchema, Derivation
from airflow_mlmon.profiles.values.forms import derive_forms
from airflow_mlmon.profiles.values.reading import named_column
from airflow_mlmon.profiles.values.times import derive_time
from airflow_mlmon.spec.forms import FormFeature
from airflow_mlmon.spec.times import TimeFeature

_OF_TIMES: frozenset[str] = frozenset(TimeFeature)


def derive(derivations: Sequence[Derivation], sources: Sequence[pa.Array]) -> list[pa.Array]:
    """Derive the values of columns with the same sources from those of the sources.

    Raises:
        SchemaMismatchError: the sources have another type than declared.
    """
    first = derivations[0]
    with named_column(sources[0], first.columns[0]):
        if first.feature in _OF_TIMES:
            return [derive_time(TimeFeature(one.feature), sources, one.zone) for one in derivations]
        found = derive_forms([FormFeature(one.feature) for one in derivations], sources[0], first.every)
        return [found[FormFeature(one.feature)] for one in derivations]


def with_derived(rows: pa.Table, columns: Sequence[ColumnSchema]) -> pa.Table:
    """Return the rows with those derived columns whose sources they have."""
    names = set(rows.column_names)
    for alike in group_derived(columns):
        derivations = [column.derived for column in alike if column.derived]
        if derivations and names.issuperset(alike[0].sources):
            for column, values in zip(alike, derive_chunks(derivations, rows), strict=True):
                rows = rows.append_column(column.name, values)
    return rows


def derive_chunks(derivations: Sequence[Derivation], rows: pa.Table) -> list[pa.ChunkedArray]:
    """Derive the values of columns with the same sources from rows that have these, batch by batch."""
    selected = rows.select(list(derivations[0].columns))
    # of no rows too, because no chunks have no type
    parts = [selected.schema.empty_table().to_batches() or [pa.RecordBatch.from_pylist([], selected.schema)]]
    parts.append(selected.to_batches())
    derived = [derive(derivations, batch.columns) for batches in parts for batch in batches]
    return [pa.chunked_array(values) for values in zip(*derived, strict=True)]


def group_derived(columns: Sequence[ColumnSchema]) -> list[list[ColumnSchema]]:
    """Group derived columns with the same sources; every other column is alone."""
    groups: dict[tuple[bool, tuple[str, ...]], list[ColumnSchema]] = defaultdict(list)
    for column in columns:
        groups[column.derived is not None, column.sources].append(column)
    return list(groups.values())
