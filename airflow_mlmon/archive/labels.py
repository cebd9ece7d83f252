"""Takes in the labels of one day of delivery, and joins them to the predictions they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.spec import Column, ColumnType, Labels, ModelSpec, Role

# The columns of a delivery as it is kept.
DELIVERY = pa.schema([("id", pa.string()), ("label", pa.bool_()), ("void", pa.bool_())])
# The columns that performance is measured from.
JOINED = pa.schema([("score", pa.float64()), ("prediction", pa.bool_()), ("label", pa.bool_()), ("void", pa.bool_())])


def label_columns(labels: Labels) -> dict[str, Column]:
    """What the files of a delivery must hold."""
    columns = {
        labels.id: Column(type=ColumnType.STRING, role=Role.ID),
        labels.label: Column(type=ColumnType.BOOLEAN),
    }
    if labels.outcome:
        columns[labels.outcome] = Column(type=ColumnType.CATEGORY)
    return columns


def to_delivery(table: pa.Table, labels: Labels) -> pa.Table:
    """The rows of a delivery that say something: a label, or an outcome that never gets one."""
    void = is_void(table, labels.outcome, labels.void)
    delivery = pa.table([table.column(labels.id), table.column(labels.label), void], schema=DELIVERY)
    says = pc.or_(pc.is_valid(delivery.column("label")), delivery.column("void"))
    return delivery.filter(pc.and_(says, pc.is_valid(delivery.column("id"))))


def is_void(table: pa.Table, outcome: str | None, void: Sequence[str]) -> pa.ChunkedArray:
    """For each row, whether its outcome is one that never gets a label."""
    if outcome is None:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    return pc.is_in(table.column(outcome), pa.array(list(void), pa.string()))


def join_labels(curated: pa.Table, deliveries: Sequence[pa.Table], spec: ModelSpec) -> pa.Table:
    """Score, predicted class, label and void of each curated row; the latest delivery of an id counts."""
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
    """The score column as doubles; all null where the model has none."""
    name = spec.column_of(Role.SCORE)
    return table.column(name) if name else pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])


def predictions(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """The predicted class as booleans; all null where the model has none."""
    name = spec.column_of(Role.PREDICTION)
    return table.column(name) if name else pa.chunked_array([pa.nulls(table.num_rows, pa.bool_())])
