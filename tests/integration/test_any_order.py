"""Nights that run in any order, some of them twice, end as those that ran in the order of the days.

Amounts are in another unit on some nights, and the scores are too high on others. Of two nights all labels come
a week late: nights after them were judged without.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from airflow_mlmon.partition import DAY, Partition
from airflow_mlmon.pipeline.deciding.staleness import stale_nights
from airflow_mlmon.pipeline.history.reevaluate import Outcome, rejudge
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import AlertState
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, LABELS, Archive, day_table, to_bytes
from tests.support.nightly_model import judge_night
from tests.support.runs import local_archive, opened

NIGHTS, ROWS = 16, 200
TOO_HIGH, OTHER_UNIT, LATE = (8, 9, 12), (5, 6, 7), (4, 9)
SPEC = (
    ("delay_days: 2", "delay_days: 7"),
    ("history: {nights: 10, minimum: 5}", "history: {nights: 8, minimum: 4}"),
    ("    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}\n", ""),
)


def partition(offset: int) -> Partition:
    return Partition.of_day("loans", FIRST + offset * DAY)


def write_night(archive: Archive, offset: int) -> None:
    day = partition(offset).day
    table = day_table(day, ROWS, shift=0.3 if offset in TOO_HIGH else 0.0)
    if offset in OTHER_UNIT:
        table = table.set_column(3, "amount", pc.multiply(table.column("amount"), 100.0))
    archive.write_predictions(day, table)
    for half, late in enumerate((1, 2)):
        delivered = day + timedelta(days=7 if offset in LATE else late)
        labels = table.slice(half * ROWS // 2, ROWS // 2).select(["id", *LABELS])
        archive.write(archive.labels_uri(delivered, f"of-{day}-{half}"), to_bytes(labels))


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    archive = local_archive(tmp_path_factory.mktemp("archive"), 0)
    archive.write_reference(rows=ROWS)
    for offset in range(NIGHTS):
        write_night(archive, offset)
    return archive


def stored(run: Run) -> dict[str, Any]:
    """All that was said of the nights, and where each alert stands."""
    store = run.store
    nights: dict[str, Any] = {}
    for offset in range(NIGHTS):
        of = partition(offset)
        nights[of.key] = (
            store.night(of),
            store.metric_values(of),
            store.verdicts(of),
            store.checks(of),
            store.alerts(run.model, of.day, of.day),
        )
    return {**nights, "alerts": store.tracked_alerts(run.model)}


def judged_again(run: Run) -> dict[str, Any]:
    for _ in range(3):
        outcomes = {night.outcome for night in rejudge(run, partition(0).day, partition(NIGHTS - 1).day)}
        assert outcomes == {Outcome.JUDGED}
        if not stale_nights(run, partition(0).day, partition(NIGHTS - 1).day):
            return stored(run)
    raise AssertionError("something is stale for ever")


def run_all(folder: Path, archive: Archive, order: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is stored after the nights have run, and after they were judged again."""
    with opened(folder, archive, *SPEC) as run:
        for offset in order:
            judge_night(run, partition(int(offset)))
        return stored(run), judged_again(run)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory, archive) -> tuple[dict[str, Any], dict[str, Any]]:
    return run_all(tmp_path_factory.mktemp("ordered"), archive, range(NIGHTS))


def test_judged_again_nights_of_any_order_end_as_those_in_order(ordered, archive, tmp_path):
    shuffled = np.random.default_rng(3)
    order = [*shuffled.permutation(NIGHTS), *shuffled.permutation(NIGHTS)[: NIGHTS // 2]]

    before, after = run_all(tmp_path, archive, order)

    assert before != ordered[0]
    for name, expected in ordered[1].items():
        assert after[name] == expected, name


def test_judged_again_nights_that_ran_in_order_say_the_same_of_their_rows(ordered):
    """What is said of labels rests on those of other nights, and more of them have come by now."""
    of_labels = {name for name, metric in METRICS.items() if metric.needs_labels}
    first, again = (
        {
            name: [verdict for verdict in said[2] if verdict.metric not in of_labels]
            for name, said in told.items()
            if name != "alerts"
        }
        for told in ordered
    )

    assert again == first


def test_nights_have_something_to_tell(ordered):
    titles = {alert.title for alert in ordered[1]["alerts"]}

    assert any("drift of amount" in title for title in titles)
    assert any("score" in title for title in titles)
    assert {alert.state for alert in ordered[1]["alerts"]} >= {AlertState.RESOLVED}
