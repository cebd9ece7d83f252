"""Days of a model of which only features are archived."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.records import Status
from tests.support.archive import FIRST, SPEC, day_table, replace_columns
from tests.support.runs import local_archive, opened

SECTION = SPEC[SPEC.index("labels:") : SPEC.index("reference:")]
WORDS = ("role: score", "role: prediction", "label: ", "outcome: ", "score_mean", "positive_rate")
# the lines of the spec that speak of outputs and labels
LINES = [line for line in SPEC.replace(SECTION, "").splitlines(keepends=True) if any(word in line for word in WORDS)]


def test_features_alone_are_monitored_from_the_archive_to_the_page(tmp_path: Path):
    archive = local_archive(tmp_path, 1)
    second = Partition.of_day("loans", FIRST).shift(1)
    table = day_table(second.day)
    archive.write_predictions(second.day, replace_columns(table, amount=pc.multiply(table.column("amount"), 20)))
    removed = [(piece.format(root=archive.root), "") for piece in (SECTION, *LINES)]
    with opened(tmp_path, archive, *removed) as run:
        pages = [Path(run_partition(run, day).report).read_text() for day in (second.shift(-1), second)]
        alerts = run.store.alerts("loans", FIRST, second.day)
        states = [run.store.state(day) for day in (second.shift(-1), second)]

    assert run.spec.task == "none"
    assert [state.status for state in states if state] == [Status.OK, Status.OK]
    assert {(alert.partition, alert.column) for alert in alerts} == {(second, "amount")}
    assert "drift_score" in {alert.metric for alert in alerts}
    assert "label coverage" not in pages[0]
