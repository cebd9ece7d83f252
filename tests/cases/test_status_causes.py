"""Each cause of a status is told by itself: one that stands hides no other, and a much worse one is told again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from airflow_mlmon.alerts.breach import status_alerts
from airflow_mlmon.causes import Cause, CauseKind
from airflow_mlmon.evaluation.rules import status_verdict
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.send import send_alerts
from airflow_mlmon.records import AlertState, Status
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.base_day import FIRST, BaseArchive, day_of, day_table, run_day
from tests.support.published import partition, partition_state, results

TO_LOG = ("reference:", "alerts:\n  channels:\n    - log: true\nreference:")


class Recorder:
    """A channel that keeps what it is told of statuses."""

    def __init__(self) -> None:
        self.told: dict[date, list[tuple[str, str]]] = {}

    def send(self, message):
        entries = [
            (alert["event"], alert["title"]) for alert in message.payload["alerts"] if "status" in alert["metric"]
        ]
        self.told.setdefault(message.partition.day, []).extend(sorted(entries))


def run_days(run: Run, days: int) -> dict[date, list[tuple[str, str]]]:
    """Run days in their order, and return by day what is told of statuses."""
    recorder = Recorder()
    for offset in range(days):
        run_day(run, day_of(offset))
        send_alerts(
            run,
            run.partition(day_of(offset)),
            {"log": recorder},
            datetime.combine(day_of(offset + 1), datetime.min.time(), UTC),
        )
    return recorder.told


def shifted(table: pa.Table, rows: int) -> pa.Table:
    """The table, with the times of some rows on the day before."""
    times = table.column("at").to_pylist()
    moved = [time - timedelta(days=1) if row < rows else time for row, time in enumerate(times)]
    return table.set_column(1, "at", pa.array(moved, pa.timestamp("us", "UTC")))


def test_broken_file_is_told_though_another_is_refused_every_day(tmp_path):
    """prestodb/presto PR #16743: what is refused each day must not hide what is lost today."""
    archive = BaseArchive(tmp_path, TO_LOG)
    for offset in range(4):
        archive.write_day(day_of(offset))
        archive.write(f"preds/dt={day_of(offset)}/extract_{offset}.parquet", b"not yet")
    archive.write(f"preds/dt={day_of(3)}/part-1.parquet", b"PAR1 cut off")

    with archive.opened() as run:
        told = run_days(run, 4)
        state = run.store.state(run.partition(day_of(3)))

    [(first, standing)], [(event, broken)] = told[FIRST], told[day_of(3)]
    assert list(told) == [FIRST, day_of(3)]
    assert (first, event) == ("opened", "opened")
    assert standing.startswith("files refused: extract_#.parquet: ")
    assert broken.startswith("files refused: part-#.parquet: ")
    assert {cause.count for cause in state.causes} == {1}


def test_cause_that_becomes_much_worse_is_told_again(tmp_path):
    archive = BaseArchive(tmp_path, TO_LOG)
    for offset, rows in enumerate((1, 2, 1, 1, 150)):
        archive.write_day(day_of(offset), shifted(day_table(day_of(offset)), rows))

    with archive.opened() as run:
        told = run_days(run, 5)

    title = "rows outside the day: at is outside the day"
    assert told == {FIRST: [("opened", title)], day_of(4): [("worsened", title)]}


def test_cause_that_is_gone_resolves_and_days_without_rows_say_nothing_of_it(tmp_path):
    archive = BaseArchive(tmp_path, TO_LOG)
    for offset in (0, 2, 3):
        archive.write_day(day_of(offset), shifted(day_table(day_of(offset)), 9 if offset == 0 else 0))

    with archive.opened() as run:
        told = run_days(run, 4)
        found = {alert.metric: alert for alert in run.store.tracked_alerts(run.model)}

    assert told[day_of(1)] == [("opened", "no data")]
    assert found["status.rows_outside_day"].state is AlertState.RESOLVED
    assert found["status.rows_outside_day"].resolved_on == day_of(3)
    assert found["status"].resolved_on == day_of(3)


@pytest.mark.parametrize("rows", [0, 200])
def test_day_without_rows_to_evaluate_is_one_incident(tmp_path, rows):
    rule = "alerts:\n  rules:\n    - {{metric: rows, min: 100}}\nreference:"
    archive = BaseArchive(tmp_path, ("reference:", rule))
    archive.write_day(FIRST, shifted(day_table(FIRST), rows).slice(0, rows))

    with archive.opened() as run:
        state = run_day(run, FIRST)
        alerts = run.store.alerts(run.model, FIRST, FIRST)

    assert state.status is (Status.QUARANTINED if rows else Status.NO_DATA)
    assert len(alerts) == 2
    assert {alert.cause for alert in alerts} == {"data quarantined" if rows else "no data"}


def test_alert_of_an_old_store_gives_way_to_those_of_its_causes(tmp_path):
    cause = Cause(kind=CauseKind.OUTSIDE, about="at is outside the day", count=5, words="5 rows: at is outside the day")
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        for day, causes in ((5, ()), (6, (cause,)), (7, (cause,))):
            of = partition(day)
            state = partition_state(of, status=Status.PARTIAL, causes=causes)
            told = results(of, verdicts=(status_verdict(state),), alerts=tuple(status_alerts(state)))
            store.publish(state, [told], supersedes=None)
        found = {alert.metric: alert.state for alert in store.tracked_alerts("flights")}

    assert found == {"status": AlertState.RESOLVED, "status.rows_outside_day": AlertState.OPEN}
