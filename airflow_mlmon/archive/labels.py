"""Ingestion of the labels of one delivery, and their join to the predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column, ColumnType, Labels, ModelSpec, Role
from airflow_mlmon.tables.schema import arrow_schema
from airflow_mlmon.tasks.registry import task_of

EXCLUDED = pa.field("excluded", pa.bool_())


def delivery_schema(spec: ModelSpec) -> pa.Schema:
    """Return the columns of a delivery as stored."""
    own = {"id": Column(type=ColumnType.STRING), "label": _label(spec)}
    return arrow_schema(own).append(EXCLUDED)


def joined_schema(spec: ModelSpec) -> pa.Schema:
    """Return the columns from which performance is measured: those of the outputs, by role, and of the label."""
    outputs = {role.value: Column(type=kind) for role, kind in task_of(spec).types.items()}
    return arrow_schema({**outputs, "label": _label(spec)}).append(EXCLUDED)


def label_columns(spec: ModelSpec, labels: Labels) -> dict[str, Column]:
    """Return the columns that the files of a delivery must have."""
    columns = {labels.id: Column(type=ColumnType.STRING, role=Role.ID), labels.label: _label(spec)}
    if labels.outcome:
        columns[labels.outcome] = Column(type=ColumnType.CATEGORY)
    return columns


def to_delivery(table: pa.Table, spec: ModelSpec, labels: Labels) -> pa.Table:
    """Select the rows of a delivery with a label, or with an outcome that will never be labelled."""
    excluded = is_excluded(table, labels.outcome, labels.excluded)
    delivery = pa.table([table.column(labels.id), table.column(labels.label), excluded], schema=delivery_schema(spec))
    says = pc.or_(pc.is_valid(delivery.column("label")), delivery.column("excluded"))
    return delivery.filter(pc.and_(says, pc.is_valid(delivery.column("id"))))


def is_excluded(table: pa.Table, outcome: str | None, excluded: Sequence[str]) -> pa.ChunkedArray:
    """Mark the rows whose outcome will never be labelled (excluded)."""
    if outcome is None:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    return pc.is_in(table.column(outcome), pa.array(list(excluded), pa.string()))


def join_labels(curated: pa.Table, deliveries: Sequence[pa.Table], spec: ModelSpec) -> pa.Table:
    """Join outputs, label and exclusion of each curated row; the latest delivery of an id counts."""
    schema = delivery_schema(spec)
    # the first release wrote the third column under another name
    renamed = [delivery.rename_columns(schema.names) for delivery in reversed(deliveries)]
    joined = pa.concat_tables([schema.empty_table(), *renamed]).combine_chunks()
    # index_in finds the first match, hence the latest delivery comes first
    position = pc.index_in(curated.column(spec.id_column), joined.column("id").combine_chunks())
    excluded = pc.fill_null(joined.column("excluded").take(position), fill_value=False)
    return join_outputs(curated, joined.column("label").take(position), excluded, spec)


def join_outputs(table: pa.Table, labels: pa.ChunkedArray, excluded: pa.ChunkedArray, spec: ModelSpec) -> pa.Table:
    """Put the outputs of the model beside the labels of the same rows; all null where the model has none."""
    schema = joined_schema(spec)
    outputs = [
        table.column(name) if (name := spec.column_of(role)) else pa.nulls(table.num_rows, schema.field(role).type)
        for role in task_of(spec).types
    ]
    return pa.table([*outputs, labels, excluded], schema=schema)


def _label(spec: ModelSpec) -> Column:
    return Column(type=task_of(spec).label_type)
