"""How a night came is measured and judged: the share of its rows in quarantine, and how late its files were."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from tests.support.archive import FIRST, Archive, day_table
from tests.support.nightly import judge_night
from tests.support.runs import local_archive, opened

DAYS = 6
NIGHTS = [Partition.of_day("loans", FIRST + timedelta(days=offset)) for offset in range(DAYS)]
LAST = NIGHTS[-1]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, DAYS)


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
    def test_many_rows_in_quarantine_are_a_breach_where_none_is_usual(self, run, archive):
        repeat(archive, LAST, 20)

        judge_night(run, LAST)

        found = verdict(run, LAST, "quarantined_share")
        assert (found.state, found.value, found.usual, found.history) == (VerdictState.BREACH, 0.2, 0, DAYS - 1)
        assert found.p_value < 1e-3
        [alert] = [one for one in run.store.alerts("loans", LAST.day, LAST.day) if one.metric == "quarantined_share"]
        assert alert.text.startswith("quarantined share 20 %, usually 0 % (by 5 nights; ")

    def test_as_many_as_every_night_are_none(self, run, archive):
        for partition in NIGHTS:
            repeat(archive, partition, 8)

        judge_night(run, LAST)

        assert [value(run, night, "quarantined_share").value for night in NIGHTS] == [8 / 88] * DAYS
        assert verdict(run, LAST, "quarantined_share").state is VerdictState.OK

    def test_fewer_than_usual_are_none(self, run, archive):
        for partition in NIGHTS[:-1]:
            repeat(archive, partition, 30)

        judge_night(run, LAST)

        assert verdict(run, LAST, "quarantined_share").state is VerdictState.OK

    def test_rows_that_nobody_can_count_are_in_the_status_alone(self, run, archive):
        archive.write(archive.predictions_uri(LAST.day, "part-1.parquet"), b"no parquet")

        judge_night(run, LAST)

        found = value(run, LAST, "quarantined_share")
        assert (found.value, found.rows) == (0, 40)
        titles = {alert.title for alert in run.store.alerts("loans", LAST.day, LAST.day)}
        assert titles == {"night incomplete", "rows below what is usual"}

    def test_a_night_without_rows_has_no_share_and_a_reason(self, run, archive):
        archive.write_predictions(LAST.day, day_table(LAST.day).slice(0, 0))

        judge_night(run, LAST)

        found = value(run, LAST, "quarantined_share")
        assert (found.value, found.detail["reason"]) == (None, "no row could be counted")

    def test_the_references_own_nights_have_none(self, run):
        judge_night(run, LAST)

        before = run.store.metrics("loans", FIRST - timedelta(days=5), FIRST - timedelta(days=1))
        assert "rows" in {metric for _, metric, _ in before}
        assert not {metric for _, metric, _ in before} & {"rows_quarantined", "quarantined_share", "delay_hours"}
