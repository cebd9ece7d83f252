"""Ids of a delivery of labels are counted: those that match, are late, or belong to no prediction."""

from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.causes import CauseKind
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.records import Status, VerdictState
from tests.support.base_day import FIRST, LABELS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day

DELAYED = ("delay_days: 7", "delay_days: 2")


def unmatched(table: pa.Table, rows: int) -> pa.Table:
    """Labels of predictions, of which some have ids that no prediction has."""
    labels = labels_of(table)
    ids = [f"other-{n}" if n < rows else value for n, value in enumerate(labels.column("id").to_pylist())]
    return labels.set_column(0, "id", pa.array(ids))


def test_labels_of_nothing_are_told_when_the_delay_has_run(tmp_path):
    """scverse/spatialdata #467: a join that gives nothing, without a word."""
    archive = BaseArchive(tmp_path, DELAYED, labels=LABELS)
    for offset in range(4):
        archive.write_day(day_of(offset))
        archive.write_labels(day_of(offset), unmatched(day_table(day_of(offset)), 200))

    with archive.opened() as run:
        states = [run_day(run, day_of(offset)) for offset in range(4)]

        assert [state.status for state in states] == [Status.OK, Status.OK, Status.PARTIAL, Status.PARTIAL]
        assert [(cause.kind, cause.count) for cause in states[3].causes] == [(CauseKind.LABEL_IDS, 200)]
        rates = [metric_of(run, day_of(offset), "label_match_rate") for offset in range(4)]
        assert rates == [None, None, 0, 0]
        assert metric_of(run, day_of(3), "unknown_label_ids") == 200


def test_matches_that_fall_are_in_breach(tmp_path):
    archive = BaseArchive(tmp_path, DELAYED, labels=LABELS)
    for offset in range(10):
        archive.write_day(day_of(offset))
        archive.write_labels(day_of(offset), unmatched(day_table(day_of(offset)), 60 if offset == 9 else 0))

    with archive.opened() as run:
        for offset in range(10):
            run_day(run, day_of(offset))
        last = run.partition(day_of(9))
        list(reevaluate(run, last.day, last.day))

        found = {verdict.metric: verdict for verdict in run.store.verdicts(last)}["label_match_rate"]
        assert (found.state, found.value, found.expected) == (VerdictState.BREACH, 0.7, 1)
        titles = [alert.title for alert in run.store.alerts(run.model, last.day, last.day)]
        assert titles == ["match rate of label ids below its expected range"]


def test_labels_that_come_too_late_are_counted(tmp_path):
    archive = BaseArchive(tmp_path, DELAYED, labels=LABELS)
    for offset in range(5):
        archive.write_day(day_of(offset))
    archive.write_labels(day_of(4), pa.concat_tables([labels_of(day_table(day_of(at))) for at in (0, 4)]))

    with archive.opened() as run:
        for offset in range(5):
            run_day(run, day_of(offset))

        assert [metric_of(run, day_of(4), name) for name in ("late_labels", "unknown_label_ids")] == [200, 0]
        assert metric_of(run, day_of(4), "label_match_rate") == 0.5


def test_delivery_that_changes_later_is_told_and_its_broken_file_is_a_cause(tmp_path):
    archive = BaseArchive(tmp_path, labels=LABELS)
    labels = labels_of(day_table(FIRST))
    for offset in range(3):
        archive.write_day(day_of(offset))
    archive.write_labels(FIRST, labels.slice(0, 50))

    with archive.opened() as run:
        run_day(run, FIRST)
        archive.write_labels(FIRST, labels.slice(50, 100), "more.parquet")
        changed = run_day(run, day_of(1))
        archive.write(f"labels/dt={FIRST}/last.parquet", b"PAR1 cut off")
        broken = run_day(run, day_of(2))

        note = "labels: the deliveries of 2026-03-01 (150 rows) are new or have changed, and were read again"
        assert (changed.status, changed.message) == (Status.OK, note)
        assert metric_of(run, FIRST, "label_coverage") == 0.75
        assert broken.status is Status.PARTIAL
        assert [(cause.kind, cause.about.partition(":")[0]) for cause in broken.causes] == [
            (CauseKind.LABEL_FILES, "last.parquet")
        ]
