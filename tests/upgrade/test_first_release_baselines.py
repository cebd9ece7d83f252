"""What the first release kept in files is imported when a page needs it, once, and replaced like any other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.history.reevaluate import reevaluate
from airflow_mlmon.pipeline.pages.report import write_pages
from airflow_mlmon.pipeline.run import Run
from tests.support.drift import drift_of
from tests.support.first_release import opened_first_release, unpacked

EARLY, LATE = date(2026, 3, 12), date(2026, 3, 28)


@pytest.fixture
def run(tmp_path) -> Iterator[Run]:
    with unpacked(tmp_path), opened_first_release() as run:
        yield run


def of(run: Run, day: date) -> Partition:
    return Partition.of_day(run.model, day)


def kept_in_file(run: Run, day: date) -> list[BaselineFacts]:
    partition = of(run, day)
    state = run.store.state(partition)
    text = Path(run.version_uri(partition, state.version, "drift.json")).read_text()
    content = json.loads(text.replace('"nights"', '"days"').replace('"other_layout"', '"other_schema"'))
    return [BaselineFacts.from_dict(entry) for entry in content["baselines"]]


def test_the_page_of_a_day_that_nobody_has_evaluated_since_shows_its_baselines(run):
    expected = kept_in_file(run, LATE)

    write_pages(run, [of(run, LATE)])

    assert {entry.pin for entry in expected} >= {1}
    assert run.store.compared_with(of(run, LATE)) == expected
    assert EARLY in run.store.days_in_files(run.model)
    assert LATE not in run.store.days_in_files(run.model)
    page = Path(run.report_uri(LATE.isoformat(), "report.html")).read_text()
    assert all(entry.title in page for entry in expected)
    scores = drift_of(run, of(run, LATE))
    assert {value.drift.baseline for value in scores.values()} <= {entry.title for entry in expected}
    assert all(f"<bdi>{name}</bdi></h3>" in page for name in scores)


def test_a_file_is_not_read_again_once_the_day_was_evaluated(run):
    [again] = reevaluate(run, LATE, LATE)
    Path(run.version_uri(of(run, LATE), run.store.state(of(run, LATE)).version, "drift.json")).write_text("nothing")

    write_pages(run, [of(run, LATE)])

    assert (again.day, LATE in run.store.days_in_files(run.model)) == (LATE, False)
    assert run.store.compared_with(of(run, LATE)) != []


def test_a_file_that_is_gone_leaves_the_day_without_baselines(run):
    Path(run.version_uri(of(run, EARLY), run.store.state(of(run, EARLY)).version, "drift.json")).unlink()

    write_pages(run, [of(run, EARLY)])

    assert run.store.compared_with(of(run, EARLY)) == []
    assert EARLY not in run.store.days_in_files(run.model)
