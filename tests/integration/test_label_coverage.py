"""Label coverage is evaluated once no more labels of a day can come, and not before."""

from __future__ import annotations

import pytest

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import VerdictState
from tests.support.base_day import LABELS, BaseArchive, day_of, day_table, labels_of, run_day

DAYS, LOST = 6, 5


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Half of the labels of a day come on the next day and half on the one after it; most of the last are lost."""
    archive = BaseArchive(tmp_path_factory.mktemp("coverage"), labels=LABELS.replace("delay_days: 7", "delay_days: 2"))
    for offset in range(DAYS + 2):
        archive.write_day(day_of(offset))
    for offset in range(DAYS):
        labels = labels_of(day_table(day_of(offset)))
        archive.write_labels(day_of(offset + 1), labels.slice(0, 100), f"first-{offset}.parquet")
        archive.write_labels(day_of(offset + 2), labels.slice(100, 20 if offset == LOST else 100), f"{offset}.parquet")
    with archive.opened() as run:
        yield run


def coverage(run: Run, offset: int):
    found = [one for one in run.store.verdicts(run.partition(day_of(offset))) if one.metric == "label_coverage"]
    return found[0] if found else None


def test_lost_labels_are_told_when_the_delay_has_run(run):
    for offset in range(LOST + 2):
        run_day(run, day_of(offset))
    half_way = coverage(run, LOST)
    run_day(run, day_of(LOST + 2))
    found = coverage(run, LOST)

    assert half_way is None
    assert (found.value, found.state) == (0.6, VerdictState.BREACH)
    assert [coverage(run, offset).state for offset in (3, 4)] == [VerdictState.OK] * 2
    [alert] = [one for one in run.store.alerts("m", day_of(LOST), day_of(LOST)) if one.metric == "label_coverage"]
    assert alert.title == "label coverage below its expected range"
