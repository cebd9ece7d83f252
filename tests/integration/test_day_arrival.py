"""How a day came is measured and evaluated: the share of its rows in quarantine, and how late its files were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from tests.support.archive import FIRST, Archive, day_table
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

COUNT = 6
DAYS = [Partition.of_day("loans", FIRST + timedelta(days=offset)) for offset in range(COUNT)]
LAST = DAYS[-1]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, COUNT)


@pytest.fixture
def run(tmp_path: Path, archive: Archive) -> Iterator[Run]:
    with opened(tmp_path, archive) as run:
        yield run


def value(run: Run, partition: Partition, metric: str) -> MetricValue:
    [found] = [one for one in run.store.metric_values(partition) if one.metric == metric]
    return found


def verdict(run: Run, partition: Partition, metric: str) -> Verdict:
    [found] = [one for one in run.store.verdicts(partition) if one.metric == metric]
    return found


def repeat(archive: Archive, partition: Partition, rows: int) -> None:
    """Write a day with so many of its rows twice."""
    table = day_table(partition.day)
    archive.write_predictions(partition.day, pa.concat_tables([table, table.slice(0, rows)]))


class TestQuarantinedShare:
    def test_many_rows_in_quarantine_are_a_breach_where_none_is_expected(self, run, archive):
        repeat(archive, LAST, 20)

        evaluate_day(run, LAST)

        found = verdict(run, LAST, "quarantined_share")
        assert (found.state, found.value, found.expected, found.history) == (VerdictState.BREACH, 0.2, 0, COUNT - 1)
        assert found.p_value < 1e-3
        [alert] = [one for one in run.store.alerts("loans", LAST.day, LAST.day) if one.metric == "quarantined_share"]
        assert alert.text.startswith("quarantine rate 20 %, expected 0 %: effect size ")

    def test_as_many_as_every_day_are_none(self, run, archive):
        for partition in DAYS:
            repeat(archive, partition, 8)

        evaluate_day(run, LAST)

        assert [value(run, day, "quarantined_share").value for day in DAYS] == [8 / 88] * COUNT
        assert verdict(run, LAST, "quarantined_share").state is VerdictState.OK

    def test_fewer_than_expected_are_none(self, run, archive):
        for partition in DAYS[:-1]:
            repeat(archive, partition, 30)

        evaluate_day(run, LAST)

        assert verdict(run, LAST, "quarantined_share").state is VerdictState.OK

    def test_rows_that_nobody_can_count_are_in_the_status_alone(self, run, archive):
        archive.write(archive.predictions_uri(LAST.day, "part-1.parquet"), b"no parquet")

        evaluate_day(run, LAST)

        found = value(run, LAST, "quarantined_share")
        assert (found.value, found.rows) == (0, 40)
        titles = {alert.title for alert in run.store.alerts("loans", LAST.day, LAST.day)}
        refused = "files refused: part-#.parquet: not a readable Parquet file"
        assert titles == {refused, "rows below its expected range"}

    def test_a_day_without_rows_has_no_share_and_a_reason(self, run, archive):
        archive.write_predictions(LAST.day, day_table(LAST.day).slice(0, 0))

        evaluate_day(run, LAST)

        found = value(run, LAST, "quarantined_share")
        assert (found.value, found.reason) == (None, "no rows counted")

    def test_the_references_own_days_have_none(self, run):
        evaluate_day(run, LAST)

        before = run.store.metrics("loans", FIRST - timedelta(days=5), FIRST - timedelta(days=1))
        assert "rows" in {metric for _, metric, _ in before}
        assert not {metric for _, metric, _ in before} & {"rows_quarantined", "quarantined_share", "delay_hours"}


def arrive(archive: Archive, partition: Partition, hours: float) -> None:
    """Make the files of a day come so many hours after its end, one of them an hour before the other."""
    for number in range(2):
        time = (partition.end + timedelta(hours=hours - number)).timestamp()
        os.utime(archive.predictions_uri(partition.day, f"part-{number}.parquet"), (time, time))


class TestDelay:
    @pytest.fixture(autouse=True)
    def on_time(self, archive):
        for partition in DAYS:
            arrive(archive, partition, 2)

    def test_files_on_time_are_healthy(self, run):
        evaluate_day(run, LAST)

        found = verdict(run, LAST, "delay_hours")
        assert (found.state, found.value, found.history) == (VerdictState.OK, 2, COUNT - 1)
        assert found.high > 4

    def test_minutes_are_healthy(self, run, archive):
        arrive(archive, LAST, 2.75)

        evaluate_day(run, LAST)

        assert verdict(run, LAST, "delay_hours").state is VerdictState.OK

    def test_files_that_come_before_the_end_of_the_day_have_no_delay(self, run, archive):
        arrive(archive, LAST, -3)

        evaluate_day(run, LAST)

        assert value(run, LAST, "delay_hours").value == 0
        assert verdict(run, LAST, "delay_hours").state is VerdictState.OK

    def test_files_that_come_a_day_later_are_late(self, run, archive):
        arrive(archive, LAST, 26)

        evaluate_day(run, LAST)

        [alert] = run.store.alerts("loans", LAST.day, LAST.day)
        assert (alert.metric, alert.title) == ("delay_hours", "delay in hours above its expected range")
        assert alert.text.startswith("delay in hours 26, expected 2: effect size +1.1 (log ratio, large); ")

    def test_evaluating_again_knows_the_delay(self, run, archive):
        arrive(archive, LAST, 20)
        evaluate_day(run, LAST)
        before = (run.store.verdicts(LAST), run.store.metric_values(LAST))
        arrive(archive, LAST, 1)

        [again] = reevaluate(run, LAST.day, LAST.day)

        assert again.outcome is Outcome.EVALUATED
        assert (run.store.verdicts(LAST), run.store.metric_values(LAST)) == before

    def test_a_missing_day_has_no_delay_and_a_reason(self, run):
        absent = LAST.shift(1)

        evaluate_day(run, absent)

        found = value(run, absent, "delay_hours")
        assert (found.value, found.reason) == (None, "no files")


class TestCopiedArchive:
    def test_its_days_have_no_delay_that_could_be_evaluated(self, run):
        evaluate_day(run, LAST)

        assert [value(run, day, "delay_hours").value for day in DAYS] == [None] * COUNT
        found = verdict(run, LAST, "delay_hours")
        assert found.state is VerdictState.INSUFFICIENT_DATA
        assert found.note == "the files arrived together with those of an earlier day"

    def test_the_days_after_it_are_evaluated_by_themselves(self, run, archive):
        copied = DAYS[1]
        for partition in DAYS:
            days = (partition.start - copied.start).days
            arrive(archive, partition, 2 - 24 * min(days, 0))

        evaluate_day(run, LAST)

        assert value(run, DAYS[0], "delay_hours").value is None
        assert [value(run, day, "delay_hours").value for day in DAYS[1:]] == [2] * (COUNT - 1)
        assert verdict(run, LAST, "delay_hours").history == COUNT - 2

    def test_copying_it_again_changes_no_version_and_alarms_nobody(self, run, archive):
        for partition in DAYS:
            arrive(archive, partition, 2)
        versions = [evaluate_day(run, partition) for partition in DAYS]
        for partition in DAYS:
            arrive(archive, partition, 24 * 400 - 24 * (partition.start - DAYS[0].start).days)

        assert [evaluate_day(run, partition) for partition in DAYS] == versions
        assert run.store.alerts("loans", DAYS[0].day, LAST.day) == []

    def test_its_manifest_is_the_same(self, run, archive):
        version = evaluate_day(run, LAST)
        uri = run.version_uri(LAST, version, MANIFEST)
        before = run.files.read(uri)
        arrive(archive, LAST, 5)

        evaluate_day(run, LAST)

        assert run.files.read(uri) == before
        assert value(run, LAST, "delay_hours").value == 5
