"""Losses expected of rows: the labelled sample of the reference that they are fitted on, and their sums by part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
import pyarrow as pa

from airflow_mlmon.drift.expected_loss import MAX_LOSSES, LossModel, fit_losses
from airflow_mlmon.drift.rows.evenly import step_of, take_every
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_columns
from airflow_mlmon.pipeline.workspace.even_rows import read_even_rows
from airflow_mlmon.pipeline.workspace.partition_files import read_parquet_file, read_workspace_table, to_parquet
from airflow_mlmon.pipeline.workspace.samples import sample
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema
from airflow_mlmon.spec import ColumnType, ModelSpec
from airflow_mlmon.spec.choices import OUTPUT_ROLES
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.tasks.parts import EXPECTED, LOSS
from airflow_mlmon.tasks.registry import task_of

_FILE = "losses.parquet"
_LOSS = "\x1floss"
# the probabilities of hundreds of classes would be most of what is fitted on
_MOST_OUTPUTS = 50
_EXPONENT, _STEP = b"exponent", b"step"
_KINDS = (Kind.NUMERIC, Kind.CATEGORY)
# values of rows that are held at a time
_VALUES = 1 << 23


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLosses:
    """Losses expected of evenly spread rows of a day.

    Attributes:
        exponent: Exponent of the unit in which losses are summed.
        step: From one of these rows to the next; the first row of the day is one.
        values: Their losses.
    """

    exponent: int
    step: int
    values: Floats

    def between(self, start: int, end: int) -> Floats:
        """Return the expected loss of each row of a range of the day, NaN of most."""
        found = np.full(end - start, np.nan)
        found[-start % self.step :: self.step] = self.values[-(-start // self.step) : -(-end // self.step)]
        return found

    def to_table(self) -> pa.Table:
        """Return them as they are stored."""
        numbers = {_EXPONENT: str(self.exponent), _STEP: str(self.step)}
        return pa.table({EXPECTED: self.values}).replace_schema_metadata(numbers)

    @classmethod
    def of_table(cls, table: pa.Table) -> Self:
        """Return what `to_table` stored."""
        numbers = table.schema.metadata
        values = table.column(EXPECTED).to_numpy()
        return cls(exponent=int(numbers[_EXPONENT]), step=int(numbers[_STEP]), values=values)


def keep_losses(run: Run, folder: str, schema: ProfileSchema, rows: pa.Table, joined: pa.Table | None) -> None:
    """Store the labelled sample of the reference, in its folder; nothing if it has no labels, or its task no loss."""
    losses = None if joined is None else task_of(run.spec).losses(joined)
    if losses is None:
        return
    names = [run.spec.id_column, *(column.name for column in _columns(run.spec, schema))]
    labelled = rows.select(list(dict.fromkeys(names))).append_column(_LOSS, pa.array(losses))
    labelled = labelled.filter(pa.array(np.isfinite(losses)))
    run.files.write(f"{folder}/{_FILE}", to_parquet(sample(labelled, run.spec.id_column, MAX_LOSSES)))


def asked_columns(run: Run, folder: str, schema: ProfileSchema) -> list[str]:
    """Return the columns of a day's rows from which their losses are expected; none without a model of the loss."""
    if run.spec.labels is None or not run.files.list(f"{folder}/{_FILE}"):
        return []
    return [column.name for column in _columns(run.spec, schema)]


def loss_model(run: Run, folder: str, schema: ProfileSchema) -> LossModel | None:
    """Return the model of the loss that a reference's sample gives; None without one, or with too few rows."""
    try:
        data = run.files.read(f"{folder}/{_FILE}")
    except NotFoundError:
        return None
    columns = tuple(_columns(run.spec, schema))
    return _model(run, folder, data, columns, _fitted_on(data, schema, columns))


def expected_losses(
    run: Run, partition: Partition, version: str, folder: str, schema: ProfileSchema
) -> ExpectedLosses | None:
    """Return the losses expected of the rows of a version, which no label changes: computed once, and kept beside them.

    Returns:
        None without a model of the loss in the folder of the reference.
    """
    try:
        data = run.files.read(f"{folder}/{_FILE}")
    except NotFoundError:
        return None
    columns = tuple(_columns(run.spec, schema))
    fitted_on = _fitted_on(data, schema, columns)
    uri = run.version_uri(partition, version, f"expected-{fitted_on}.parquet")
    with suppress(NotFoundError):
        return ExpectedLosses.of_table(read_workspace_table(run, uri))
    model = _model(run, folder, data, columns, fitted_on)
    if model is None:
        return None
    found = _expect(run, partition, version, model)
    run.files.write(uri, to_parquet(found.to_table()))
    return found


def _expect(run: Run, partition: Partition, version: str, model: LossModel) -> ExpectedLosses:
    names = [column.name for column in model.columns]
    with open_columns(run, partition, version) as rows:
        step = step_of(rows.rows)
        there = [name for name in names if name in rows.names]
        kept = read_even_rows(run, partition, version, there, rows.rows) if step > 1 else None
        found = _every(step, rows.batches([], where_there=names), len(names)) if kept is None else [kept]
        values = [model.expect(some) for some in found]
    return ExpectedLosses(exponent=model.exponent, step=step, values=np.concatenate([np.empty(0), *values]))


def _every(step: int, batches: Iterable[pa.Table], columns: int) -> Iterator[pa.Table]:
    """Yield every `step`-th row of the batches, many at a time, but few of many columns."""
    first, held = 0, list[pa.Table]()
    for batch in batches:
        held.append(take_every(step, batch, first))
        first += batch.num_rows
        if columns * sum(table.num_rows for table in held) >= _VALUES:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def with_losses(run: Run, joined: pa.Table, expected: Floats) -> pa.Table:
    """Put expected losses beside the outputs and labels of rows, and the loss of these rows, NaN without a label."""
    held = np.flatnonzero(np.isfinite(expected))
    found = task_of(run.spec).losses(joined.take(pa.array(held)))
    assert found is not None  # noqa: S101 - a model was fitted to them
    losses = np.full(len(expected), np.nan)
    losses[held] = found
    return joined.append_column(LOSS, pa.array(losses)).append_column(EXPECTED, pa.array(expected))


def _fitted_on(data: bytes, schema: ProfileSchema, columns: Sequence[ColumnSchema]) -> str:
    return hashlib.sha256(data + repr([schema.id, *(column.name for column in columns)]).encode()).hexdigest()[:12]


def _model(run: Run, folder: str, data: bytes, columns: tuple[ColumnSchema, ...], fitted_on: str) -> LossModel | None:
    """Return the model of a sample: fitted once, and kept beside it."""
    uri = f"{folder}/trees-{fitted_on}.json"
    with suppress(NotFoundError):
        return _stored(run.files.read(uri), columns)
    rows = read_parquet_file(pa.BufferReader(data))
    model = fit_losses(rows, rows.column(_LOSS).to_numpy(), columns, run.spec.id_column)
    if model is not None and (content := model.to_json()):
        run.files.write(uri, content)
    return model


@lru_cache(maxsize=2)
def _stored(content: bytes, columns: tuple[ColumnSchema, ...]) -> LossModel:
    return LossModel.of_json(content, columns)


def _columns(spec: ModelSpec, schema: ProfileSchema) -> list[ColumnSchema]:
    """Return the features and outputs with a single value per row; timestamps separate any two days."""
    times = {name for name, column in spec.columns.items() if column.type is ColumnType.TIMESTAMP}
    # an attribution says again what a feature and the score say together
    outputs = [name for role in OUTPUT_ROLES for name in spec.columns_of(role)]
    wanted = {*spec.features, *(outputs if len(outputs) <= _MOST_OUTPUTS else ())} - times
    return [column for column in schema.columns if column.name in wanted and column.kind in _KINDS]
