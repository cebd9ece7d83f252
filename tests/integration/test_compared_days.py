"""Comparisons with the reference that lie beside the profiles: a day is evaluated by them as without them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_mlmon.pipeline.deciding.evidence import PartitionEvaluation, PartitionEvaluator
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace import compared_days
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.profiles.profile import Profile
from tests.support.archive import Archive, partition
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

DAYS = 4
# enough for as many bins on each day
ROWS = 400


@pytest.fixture
def run(tmp_path: Path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    archive.write_reference(rows=ROWS)
    for offset in range(DAYS):
        archive.write_day(partition(offset).day, rows=ROWS)
    with opened(tmp_path, archive) as run:
        for offset in range(DAYS):
            evaluate_day(run, partition(offset))
        yield run


def evaluated(run: Run) -> PartitionEvaluation:
    day = partition(DAYS - 1)
    state = run.store.state(day)
    profile = Profile.from_bytes(run.files.read(profile_uri(run, day, state.version, state.schema)))
    return PartitionEvaluator(run=run).evaluate(day, run.store.metric_values(day), profile)


def kept(folder: Path) -> dict[Path, bytes]:
    found = [*folder.rglob("compared-*"), *folder.rglob("compared-*/*")]
    return {path: path.read_bytes() for path in found if path.is_file()}


def test_verdicts_are_the_same_whether_days_were_compared_before(run, tmp_path):
    by_stored = evaluated(run)
    before = kept(tmp_path)
    for path in before:
        path.unlink()

    assert sum("partitions" in path.parts for path in before) == DAYS
    # as in another process, which has read nothing yet
    assert evaluated(replace(run)) == by_stored
    # those of the days before are made again; the day's own by its run
    again = kept(tmp_path)
    assert sum("partitions" in path.parts for path in again) == DAYS - 1
    assert again.items() <= before.items()


def test_profiles_of_past_days_are_not_read(run, tmp_path):
    by_stored = evaluated(run)
    for path in tmp_path.rglob("*.profile"):
        if "partitions" in path.parts and partition(DAYS - 1).key not in path.parts:
            path.unlink()

    assert evaluated(run) == by_stored


def test_a_process_reads_the_comparisons_of_a_day_once(run, tmp_path):
    by_stored = evaluated(run)
    for path in kept(tmp_path):
        path.unlink()

    assert evaluated(run) == by_stored
    assert not kept(tmp_path)


def test_no_more_than_a_bounded_number_of_columns_is_kept(run, monkeypatch):
    by_stored = evaluated(replace(run))
    columns = len(run.spec.columns)
    monkeypatch.setattr(compared_days, "_MOST_KEPT", columns)
    again = replace(run)

    # those that are dropped are read again
    assert evaluated(again) == by_stored
    assert len(again.kept[compared_days.KEPT]) == 1
    assert evaluated(again) == by_stored
