"""Ingestion of the labels of one delivery, and their join to the predictions."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column, ColumnType, Labels, ModelSpec, Role

# columns of a delivery as stored
DELIVERY = pa.schema([("id", pa.string()), ("label", pa.bool_()), ("void", pa.bool_())])
# columns from which performance is measured
JOINED = pa.schema([("score", pa.float64()), ("prediction", pa.bool_()), ("label", pa.bool_()), ("void", pa.bool_())])


def label_columns(labels: Labels) -> dict[str, Column]:
    """Return the columns that the files of a delivery must have."""
    columns = {
        labels.id: Column(type=ColumnType.STRING, role=Role.ID),
        labels.label: Column(type=ColumnType.BOOLEAN),
    }
    if labels.outcome:
        columns[labels.outcome] = Column(type=ColumnType.CATEGORY)
    return columns


def to_delivery(table: pa.Table, labels: Labels) -> pa.Table:
    """Select the rows of a delivery with a label, or with an outcome that will never be labelled."""
    void = is_void(table, labels.outcome, labels.void)
    delivery = pa.table([table.column(labels.id), table.column(labels.label), void], schema=DELIVERY)
    says = pc.or_(pc.is_valid(delivery.column("label")), delivery.column("void"))
    return delivery.filter(pc.and_(says, pc.is_valid(delivery.column("id"))))


def is_void(table: pa.Table, outcome: str | None, void: Sequence[str]) -> pa.ChunkedArray:
    """Mark the rows whose outcome will never be labelled (excluded)."""
    if outcome is None:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    return pc.is_in(table.column(outcome), pa.array(list(void), pa.string()))


def join_labels(curated: pa.Table, deliveries: Sequence[pa.Table], spec: ModelSpec) -> pa.Table:
    """Join score, predicted class, label and exclusion to each curated row; the latest delivery of an id counts."""
    joined = pa.concat_tables([DELIVERY.empty_table(), *reversed(deliveries)]).combine_chunks()
    # index_in finds the first match, hence the latest delivery comes first
    position = pc.index_in(curated.column(spec.id_column), joined.column("id").combine_chunks())
    return pa.table(
        [
            scores(curated, spec),
            predictions(curated, spec),
            joined.column("label").take(position),
            pc.fill_null(joined.column("void").take(position), fill_value=False),
        ],
        schema=JOINED,
    )


def scores(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the score column as doubles; all null if the model has none."""
    name = spec.column_of(Role.SCORE)
    return table.column(name) if name else pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])


def predictions(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Return the predicted class as booleans; all null if the model has none."""
    name = spec.column_of(Role.PREDICTION)
    return table.column(name) if name else pa.chunked_array([pa.nulls(table.num_rows, pa.bool_())])
