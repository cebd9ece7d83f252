"""Days of a model with a decimal and a vector, from the archive to the page."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reprofile import reprofile
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.records import Status, VerdictState
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, to_bytes
from tests.support.drift import drift_of
from tests.support.runs import opened, write_file

COLUMNS = ("    channel:", "    price: {type: decimal}\n    embedding: {type: vector, dimension: 6}\n    channel:")


def with_columns(day: date, *, axis: int = 0) -> pa.Table:
    """The day's rows with a price and an embedding of norm 1 around an axis."""
    table = day_table(day)
    random = np.random.default_rng(day.toordinal())
    vectors = random.normal(0, 0.3, (table.num_rows, 6))
    vectors[:, axis] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    price = pa.array([Decimal(int(cents)).scaleb(-2) for cents in random.integers(100, 99_999, table.num_rows)])
    return table.append_column("price", price).append_column(
        "embedding", pa.array(vectors.astype(np.float32).tolist(), pa.list_(pa.float32()))
    )


@pytest.fixture
def archive(tmp_path):
    made = Archive(str(tmp_path / "archive"), write_file)
    past = [with_columns(FIRST - timedelta(days=n)) for n in range(REFERENCE_DAYS, 0, -1)]
    made.write(f"{made.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past, promote_options="permissive")))
    return made


def run_day(tmp_path, archive, table, extra=()):
    archive.write_predictions(FIRST, table)
    with opened(tmp_path, archive, COLUMNS, *extra) as run:
        partition = Partition.of_day("loans", FIRST)
        result = run_partition(run, partition)
        state = run.store.state(partition)
        drift = drift_of(run, partition)
        rows = read_curated(run, partition, state.version)
        page = run.files.read(run.report_uri(partition.key, PAGE)).decode()
        checks = run.store.checks(partition)
        verdicts = drift_by_column(run.store.verdicts(partition))
    return result, state, drift, rows, page, checks, verdicts


def test_decimals_stay_exact_and_vectors_are_compared_on_every_row(tmp_path, archive):
    table = with_columns(FIRST)

    _, state, _, rows, page, checks, verdicts = run_day(tmp_path, archive, table)

    assert state.status is Status.OK
    assert rows.column("price").to_pylist() == table.column("price").to_pylist()
    assert rows.column("embedding").to_pylist() == table.column("embedding").to_pylist()
    assert verdicts["embedding"].state is VerdictState.OK
    assert verdicts["price"].state is VerdictState.OK
    assert "embedding: vectors are not passed to Evidently" in page
    assert not [check for check in checks if check.column == "embedding"]
    assert {check.passed for check in checks if check.column == "price"} == {True}


def test_rotation_of_embeddings_drifts_on_the_page(tmp_path, archive):
    _, _, drift, _, page, _, verdicts = run_day(tmp_path, archive, with_columns(FIRST, axis=2))

    assert drift["embedding"].value == 0
    assert verdicts["embedding"].state is VerdictState.BREACH
    assert drift["embedding"].drift.note in page
    assert drift["embedding"].drift.note.startswith("mean shift ")


def test_rows_whose_vector_is_none_are_quarantined_and_told(tmp_path, archive):
    table = with_columns(FIRST)
    held = table.column("embedding").to_pylist()
    held[3], held[5], held[7] = held[3][:5], [*held[5][:5], None], None
    table = table.set_column(table.column_names.index("embedding"), "embedding", pa.array(held, pa.list_(pa.float32())))

    _, state, drift, _, page, _, _ = run_day(tmp_path, archive, table)

    assert "; malformed-vector rate 2.5 % (" in page
    assert (state.rows_read, state.rows_accepted, state.rows_quarantined) == (80, 78, 2)
    assert drift["embedding"].rows == 77
    assert "embedding is not a vector of dimension 6" in page
    assert "embedding has a null element" in page


def test_sampled_method_of_all_columns_leaves_the_vector_out_with_its_reason(tmp_path, archive):
    _, _, drift, _, _, _, _ = run_day(
        tmp_path, archive, with_columns(FIRST), [("alerts:", "drift: {method: anderson}\nalerts:")]
    )

    assert drift["price"].drift.note.startswith("p-value by evidently's anderson on samples of 80 and ")
    assert drift["embedding"].drift.note == "not compared: anderson needs rows, and samples contain no vectors"


def test_reprofiled_day_has_the_same_vector(tmp_path, archive):
    archive.write_predictions(FIRST, with_columns(FIRST, axis=2))
    partition = Partition.of_day("loans", FIRST)
    with opened(tmp_path, archive, COLUMNS) as run:
        run_partition(run, partition)
        before = drift_of(run, partition)
        list(reprofile(run, FIRST, FIRST))

        assert drift_of(run, partition) == before
