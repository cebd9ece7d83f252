"""Ingestion of the labels of one delivery, and their join to the predictions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.ahead import read_ahead
from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.curation.read import ListedSource, Reader, drop_refused
from airflow_mlmon.archive.curation.spool import Spool
from airflow_mlmon.archive.label_keys import key_columns, label_keys
from airflow_mlmon.profiles.engine.id_hashes import hash_ids
from airflow_mlmon.spec import Column, ColumnType, Labels, ModelSpec, Role
from airflow_mlmon.spec.choices import SHARED_ROLES
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.tables.schema import arrow_schema
from airflow_mlmon.tasks.registry import task_of

EXCLUDED = pa.field("excluded", pa.bool_())


def delivery_schema(spec: ModelSpec) -> pa.Schema:
    """Return the columns of a delivery as stored."""
    own = {"id": Column(type=ColumnType.STRING), "label": label_column(spec)}
    return arrow_schema(own).append(EXCLUDED)


def joined_schema(spec: ModelSpec) -> pa.Schema:
    """Return the columns from which performance is measured: those of the outputs, by role, and of the label."""
    outputs = [_joined_field(role, spec) for role in task_of(spec).types]
    return pa.schema([*outputs, *arrow_schema({"label": label_column(spec)}), EXCLUDED])


def label_columns(spec: ModelSpec, labels: Labels) -> dict[str, Column]:
    """Return the columns that the files of a delivery must have."""
    columns = {own: _key_column(spec, name) for name, own in key_columns(spec).items()}
    columns[labels.label] = label_column(spec)
    if labels.outcome:
        columns[labels.outcome] = Column(type=ColumnType.CATEGORY)
    if labels.watermark:
        columns[labels.watermark] = Column(type=ColumnType.TIMESTAMP)
    return columns


class Labelled(NamedTuple):
    """Rows of a delivery, one for each prediction, and the ids of which several rows contradict each other."""

    rows: pa.Table
    contradictory: int


def to_delivery(table: pa.Table, spec: ModelSpec, labels: Labels) -> Labelled:
    """Select the rows of a delivery with a label, or with an outcome that will never be labelled.

    Of several rows of one id the last counts, in the order of the table.
    """
    delivery = _select(table, spec, labels)
    suspects = _doubled(hash_ids(delivery.column("id")))
    if not len(suspects):
        return Labelled(delivery, 0)
    is_suspect = np.zeros(delivery.num_rows, np.bool_)
    is_suspect[suspects] = True
    # some rows of more than 2 GiB of texts cannot be taken, but filtered
    replaced, contradictory = _find_replaced(delivery.filter(pa.array(is_suspect)))
    is_kept = np.ones(delivery.num_rows, np.bool_)
    is_kept[suspects[replaced]] = False
    return Labelled(delivery.filter(pa.array(is_kept)), contradictory)


class TakenIn(NamedTuple):
    """Rows of a delivery in a local file, as of `to_delivery`, and the rows and files that were read."""

    path: Path
    rows: int
    contradictory: int
    read: int
    files: tuple[SourceFile, ...]


def take_in_delivery(source: ListedSource, spec: ModelSpec, labels: Labels, folder: Path) -> TakenIn:
    """Read the rows of a delivery into a file of a local folder, in memory that does not grow with them.

    Args:
        source: the listed files.
        spec: the model.
        labels: how its labels are delivered.
        folder: the folder, which holds the file as long as it is.

    Raises:
        PartitionConflictError: a file changed or was deleted after it was listed.
    """
    reader, attempt = Reader(source), 0
    while attempt == 0 or reader.restart():
        attempt += 1
        rows, hashes, read = Spool(folder, f"labels-{attempt}"), HashLog(folder / f"labels-{attempt}.hashes"), 0
        rows.add(delivery_schema(spec).empty_table())
        with read_ahead(reader.batches()) as batches:
            for batch in batches:
                table = drop_refused(batch, reader.accounts)
                read += table.num_rows
                labelled = _select(table, spec, labels)
                rows.add(labelled)
                hashes.add(hash_ids(labelled.column("id")))
    rows.finish()
    suspects = hashes.positions_of(hashes.doubled())
    contradictory = 0
    if len(suspects):
        replaced, contradictory = _find_replaced(rows.take(suspects, rows.schema.names))
        rows = _without(rows, suspects[replaced], Spool(folder, "labels"))
    return TakenIn(rows.finish(), rows.rows, contradictory, read, reader.files())


def _select(table: pa.Table, spec: ModelSpec, labels: Labels) -> pa.Table:
    excluded = is_excluded(table, labels.outcome, labels.excluded)
    delivery = pa.table([label_keys(table, spec), table.column(labels.label), excluded], schema=delivery_schema(spec))
    says = pc.or_(pc.is_valid(delivery.column("label")), delivery.column("excluded"))
    kept = pc.and_(says, pc.is_valid(delivery.column("id")))
    # which is all of most deliveries, and a filter copies what it keeps
    return delivery if pc.all(kept, min_count=0).as_py() else delivery.filter(kept)


def _without(rows: Spool, positions: Integers, kept: Spool) -> Spool:
    kept.add(rows.schema.empty_table())
    for table, here in rows.blocks():
        kept.add(table.filter(pa.array(~np.isin(here, positions, assume_unique=True))))
    return kept


def _find_replaced(rows: pa.Table) -> tuple[Integers, int]:
    """Find the rows that a later one of their id replaces, and count the ids whose rows contradict each other."""
    numbered = rows.append_column("row", pa.array(np.arange(rows.num_rows)))
    last = np.sort(numbered.group_by("id").aggregate([("row", "max")]).column("row_max").to_numpy())
    kept = rows.take(pa.array(last))
    counting = kept.take(pc.index_in(rows.column("id"), kept.column("id").combine_chunks()))
    same = [_equal(rows.column(name), counting.column(name)) for name in ("label", "excluded")]
    unlike = rows.column("id").filter(pc.invert(pc.and_(*same)))
    return np.delete(np.arange(rows.num_rows), last), pc.count_distinct(unlike).as_py()


def _doubled(hashes: Integers) -> Integers:
    """Return the ascending positions of hashes that occur more than once."""
    order = np.argsort(hashes)
    equal = np.diff(hashes[order]) == 0
    return np.sort(order[np.append(equal, False) | np.insert(equal, 0, False)]) if equal.any() else order[:0]


def _equal(values: pa.ChunkedArray, others: pa.ChunkedArray) -> pa.ChunkedArray:
    """Compare values; null is equal to null alone."""
    return pc.if_else(pc.is_valid(values), pc.fill_null(pc.equal(values, others), fill_value=False), pc.is_null(others))


def is_excluded(table: pa.Table, outcome: str | None, excluded: Sequence[str]) -> pa.ChunkedArray:
    """Mark the rows whose outcome will never be labelled (excluded)."""
    if outcome is None:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    return pc.is_in(table.column(outcome), pa.array(list(excluded), pa.string()))


def join_outputs(table: pa.Table, labels: pa.ChunkedArray, excluded: pa.ChunkedArray, spec: ModelSpec) -> pa.Table:
    """Put the outputs of the model beside the labels of the same rows; all null where the model has none."""
    schema = joined_schema(spec)
    outputs = [_joined_output(table, role, spec, schema.field(role).type) for role in task_of(spec).types]
    return pa.table([*outputs, labels, excluded], schema=schema)


def _joined_field(role: Role, spec: ModelSpec) -> pa.Field:
    """Return the field of an output; columns that share a role are one list of doubles, in the order of the spec."""
    names = spec.columns_of(role)
    if role not in SHARED_ROLES:
        kind = spec.columns[names[0]] if names else Column(type=task_of(spec).types[role][0])
        return arrow_schema({role.value: kind}).field(0)
    return pa.field(role.value, pa.list_(pa.float64(), _elements(names, spec)))


def _joined_output(table: pa.Table, role: Role, spec: ModelSpec, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
    names = spec.columns_of(role)
    if not names:
        return pa.nulls(table.num_rows, kind)
    if role not in SHARED_ROLES:
        return table.column(names[0])
    columns = [table.column(name).combine_chunks() for name in names]
    if spec.columns[names[0]].type is ColumnType.VECTOR:
        # a row without a vector is one of missing numbers
        nothing = pa.scalar([math.nan] * _elements(names, spec), kind)
        return pc.coalesce(columns[0].cast(kind), nothing)
    numbers = np.stack([column.cast(pa.float64()).fill_null(math.nan).to_numpy() for column in columns], axis=1)
    return pa.FixedSizeListArray.from_arrays(pa.array(numbers.ravel()), type=kind)


def _elements(names: Sequence[str], spec: ModelSpec) -> int:
    first = spec.columns[names[0]] if names else None
    return first.dimension or 0 if first and first.type is ColumnType.VECTOR else len(names)


def label_column(spec: ModelSpec) -> Column:
    """Return the column of the label."""
    kind = task_of(spec).label_type
    if kind is not ColumnType.BOOLEAN or not spec.classes:
        return Column(type=kind)
    first, second = spec.classes
    return Column(type=kind, classes=(first, second))


def _key_column(spec: ModelSpec, name: str) -> Column:
    role = Role.ID if name == spec.id_column else Role.IGNORED
    return Column(type=spec.columns[name].type, classes=spec.columns[name].classes, role=role)
