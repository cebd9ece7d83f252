"""Columns of which the reference says too little, and those that are pinned again from later days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.choices import ColumnType

_AGAIN = "`mlmon reprofile` pins it again from later days"


def tell_unfit(schema: ProfileSchema, table: pa.Table) -> Iterator[str]:
    """Yield what of the reference no later day can be compared with: columns without a value, or of one alone."""
    there = set(table.column_names)
    for column in schema.columns:
        if column.derived is not None or column.name not in there:
            continue
        values = table.column(column.name)
        if pa.types.is_floating(values.type):
            values = pc.if_else(pc.is_nan(values), None, values)
        if values.null_count == len(values):
            yield f"{column.name} has no value: how it was is not known; {_AGAIN}"
        elif not pa.types.is_nested(values.type) and pc.count_distinct(values).as_py() == 1:
            yield f"{column.name} has one value alone: how it varies is not known"


def find_unfit(schema: ProfileSchema, reference: Profile, days: Sequence[Profile]) -> frozenset[str]:
    """Find the columns to pin again: pinned without a value, or too coarsely for later days.

    Only those of which a later day has values.
    """
    unpinned = {
        column.name
        for column in schema.columns
        if not reference.columns[column.name].observed and not column.vocabulary and not column.centre
    }
    return frozenset(
        name
        for day in days
        for name, column in day.columns.items()
        if column.observed
        and column.schema.derived is None
        and not isinstance(column, VectorProfile)
        and (name in unpinned or _is_blurred(column))
    )


def pin_again(schema: ProfileSchema, table: pa.Table, types: Mapping[str, ColumnType]) -> ProfileSchema:
    """Pin the columns of a table again, as if it were the reference; all others stay as they are."""
    there = set(table.column_names)
    columns = [
        pin_column(column.name, types[column.name], table.column(column.name).chunks)
        if column.name in there
        else column
        for column in schema.columns
    ]
    return replace(schema, columns=tuple(columns))


def _is_blurred(column: ColumnProfile) -> bool:
    return isinstance(column, NumericProfile) and column.is_blurred and column.min != column.max
