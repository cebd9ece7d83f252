"""A binary classifier whose spec names the texts of its classes, a threshold, and what each cell is worth."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.history.reprofile import Carried, reprofile
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status
from tests.support.archive import FIRST, Archive, day_table, replace_columns, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

DAYS = [Partition.of_day("loans", FIRST).shift(offset) for offset in range(3)]
THRESHOLD = (
    ("    approved: {type: boolean, role: prediction}\n", ""),
    (
        "reference:\n",
        "classes: [lost, repaid]\nthreshold: 0.3\nvalue: {true_positive: 10, false_positive: -40}\nreference:\n",
    ),
)


def write_texts(uri: str, data: bytes) -> None:
    """Write a file of the archive, in which the label is a text."""
    if uri.endswith(".parquet"):
        table = pq.read_table(io.BytesIO(data))
        if "repaid" in table.column_names:
            texts = pc.if_else(table.column("repaid"), "repaid", "lost")
            data = to_bytes(replace_columns(table, repaid=texts.cast(pa.string())))
    write_file(uri, data)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    archive = Archive(str(tmp_path_factory.mktemp("loans") / "archive"), write_texts)
    archive.write_all(len(DAYS))
    return archive


def measured(run: Run, day: Partition) -> dict[str, float | None]:
    return {value.metric: value.value for value in run.store.metric_values(day) if value.segment is None}


def cells(threshold: float) -> tuple[int, int, int, int]:
    """True and false positives, false and true negatives of the first day."""
    rows = day_table(DAYS[0].day).to_pandas().dropna(subset=["repaid"])
    label, predicted = rows["repaid"].astype(bool), rows["score"] >= threshold
    pairs = ((True, True), (False, True), (True, False), (False, False))
    return tuple(int(((label == truth) & (predicted == said)).sum()) for truth, said in pairs)


def test_classes_follow_from_the_threshold_and_labels_are_texts(archive, tmp_path):
    hits, false_alarms, misses, rejections = cells(0.3)
    rows = hits + false_alarms + misses + rejections
    with opened(tmp_path, archive, *THRESHOLD) as run:
        for day in DAYS[:2]:
            evaluate_day(run, day)
        run_partition(run, DAYS[2])
        found, page = measured(run, DAYS[0]), day_page(run, DAYS[0])
        states = [run.store.state(day).status for day in DAYS]

    assert states == [Status.OK] * 3
    assert found["accuracy"] == (hits + rejections) / rows
    assert found["fpr"] == false_alarms / (false_alarms + rejections)
    assert found["business_value"] == (10 * hits - 40 * false_alarms) / rows
    assert found["predicted_positive_rate"] == pytest.approx(
        (day_table(DAYS[0].day).column("score").to_numpy() >= 0.3).mean()
    )
    matrix, _ = (shown.table for shown in page.tables)
    assert matrix.rows == (("negative", rejections, false_alarms), ("positive", misses, hits))


@pytest.mark.parametrize("has_rows", [True, False], ids=["run again", "profiled and evaluated again"])
def test_another_threshold_evaluates_the_past_again(archive, tmp_path, has_rows):
    with opened(tmp_path, archive, *THRESHOLD) as run:
        for day in DAYS:
            evaluate_day(run, day)
    with opened(tmp_path, archive, *THRESHOLD, ("threshold: 0.3", "threshold: 0.5")) as changed:
        if has_rows:
            evaluate_day(changed, DAYS[0])
        else:
            first = DAYS[0].day, DAYS[0].day
            [carried], [again] = list(reprofile(changed, *first)), list(reprofile(changed, *first))
            assert (carried.state, again.state) == (Carried.CARRIED, Carried.ALREADY)
            list(reevaluate(changed, *first))
        found = measured(changed, DAYS[0])
    hits, false_alarms, misses, rejections = cells(0.5)

    assert found["accuracy"] == (hits + rejections) / (hits + false_alarms + misses + rejections)


def test_label_that_is_neither_class_rejects_its_file(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_texts)
    archive.write_all(1)
    labels = Path(archive.labels_uri(DAYS[1].day, f"of-{FIRST}"))
    table = pq.read_table(labels)
    labels.write_bytes(to_bytes(replace_columns(table, repaid=["unknown"] * table.num_rows)))
    with opened(tmp_path, archive, *THRESHOLD) as run:
        evaluate_day(run, DAYS[0])
        found = run.store.state(DAYS[0]), measured(run, DAYS[0])

    assert found[1]["label_coverage"] < 0.5
    assert found[1]["accuracy"] is None
