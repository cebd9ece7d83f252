"""Days that run in any order, some of them twice, end as those that ran in the order of the days.

Amounts are in another unit on some days, and the scores are too high on others. Of two days all labels come
a week late: days after them were evaluated without.
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
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.history.reevaluate import Outcome, reevaluate
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import AlertState
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, LABELS, Archive, day_table, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

DAYS, ROWS = 16, 200
TOO_HIGH, OTHER_UNIT, LATE = (8, 9, 12), (5, 6, 7), (4, 9)
SPEC = (
    ("delay_days: 2", "delay_days: 7"),
    ("history: {days: 10, minimum: 5}", "history: {days: 8, minimum: 4}"),
    ("    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}\n", ""),
)


def partition(offset: int) -> Partition:
    return Partition.of_day("loans", FIRST + offset * DAY)


def write_day(archive: Archive, offset: int) -> None:
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
    for offset in range(DAYS):
        write_day(archive, offset)
    return archive


def stored(run: Run) -> dict[str, Any]:
    """All that was said of the days, and where each alert stands."""
    store = run.store
    days: dict[str, Any] = {}
    for offset in range(DAYS):
        of = partition(offset)
        days[of.key] = (
            store.state(of),
            store.metric_values(of),
            store.verdicts(of),
            store.checks(of),
            store.alerts(run.model, of.day, of.day),
        )
    return {**days, "alerts": store.tracked_alerts(run.model)}


def evaluated_again(run: Run) -> dict[str, Any]:
    for _ in range(3):
        outcomes = {day.outcome for day in reevaluate(run, partition(0).day, partition(DAYS - 1).day)}
        assert outcomes == {Outcome.EVALUATED}
        if not stale_days(run, partition(0).day, partition(DAYS - 1).day):
            return stored(run)
    raise AssertionError("something is stale for ever")


def run_all(folder: Path, archive: Archive, order: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is stored after the days have run, and after they were evaluated again."""
    with opened(folder, archive, *SPEC) as run:
        for offset in order:
            evaluate_day(run, partition(int(offset)))
        return stored(run), evaluated_again(run)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory, archive) -> tuple[dict[str, Any], dict[str, Any]]:
    return run_all(tmp_path_factory.mktemp("ordered"), archive, range(DAYS))


def test_evaluated_again_days_of_any_order_end_as_those_in_order(ordered, archive, tmp_path):
    shuffled = np.random.default_rng(3)
    order = [*shuffled.permutation(DAYS), *shuffled.permutation(DAYS)[: DAYS // 2]]

    before, after = run_all(tmp_path, archive, order)

    assert before != ordered[0]
    for name, expected in ordered[1].items():
        assert after[name] == expected, name


def test_evaluated_again_days_that_ran_in_order_say_the_same_of_their_rows(ordered):
    """What is said of labels rests on those of other days, and more of them have come by now."""
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


def test_days_have_something_to_tell(ordered):
    titles = {alert.title for alert in ordered[1]["alerts"]}

    assert any("drift of amount" in title for title in titles)
    assert any("score" in title for title in titles)
    assert {alert.state for alert in ordered[1]["alerts"]} >= {AlertState.RESOLVED}
