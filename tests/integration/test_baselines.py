"""Baselines on a small archive: which days they are the sum of, by name, and when there are too few."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.drift.methods import score
from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.reports.page import render_day
from tests.support.archive import FIRST, Archive, day_table, to_bytes
from tests.support.drift import drift_of
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

DAYS = 9


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return local_archive(tmp_path, DAYS)


@pytest.fixture
def evaluated(tmp_path, archive):
    """Evaluates the day `offset` under a spec with more lines; the run, its drift and its baselines."""
    opening = []

    def evaluate(offset: int, *lines: str):
        context = opened(tmp_path, archive, ("\nhistory:", "\n" + "\n".join(lines) + "\nhistory:"))
        run = context.__enter__()
        opening.append(context)
        partition = Partition.of_day("loans", day(offset))
        evaluate_day(run, partition)
        return run, drift_of(run, partition), run.store.compared_with(partition)

    yield evaluate
    for context in opening:
        context.__exit__(None, None, None)


def verdicts(run: Run, offset: int) -> dict[str, Verdict]:
    return drift_by_column(run.store.verdicts(Partition.of_day("loans", day(offset))))


def profiles(run: Run, *offsets: int):
    schema = ensure_reference(run).schema
    return schema, [profile_table(day_table(day(offset)), schema) for offset in offsets]


def test_a_trailing_baseline_is_the_sum_of_the_days_before(evaluated):
    run, drift, (facts,) = evaluated(8, "baseline: {trailing: 6}")

    schema, days = profiles(run, *range(2, 8))
    current = profile_table(day_table(day(8)), schema).columns["amount"]
    assert drift["amount"].value == score("psi", sum_profiles(schema, days).columns["amount"], current)
    assert list(facts.days) == [day(offset) for offset in range(2, 8)]


def test_the_versions_of_the_days_are_named(evaluated):
    run, _, (facts,) = evaluated(8, "baseline: {trailing: 6}")

    stored = {state.partition.day: state.version for state in run.store.states("loans", day(2), day(7))}
    assert facts.days == stored
    details = dict(run.store.metric_details("loans", "drift_score", day(8), day(8)))
    assert details[day(8)].drift.baseline == "the trailing 6 days"


def test_a_trailing_baseline_reaches_into_the_days_of_the_reference(evaluated):
    run, drift, (facts,) = evaluated(1, "baseline: {trailing: 6}")

    schema, days = profiles(run, *range(-5, 1))
    current = profile_table(day_table(day(1)), schema).columns["score"]
    assert drift["score"].value == score("psi", sum_profiles(schema, days).columns["score"], current)
    assert [version.startswith("reference ") for version in facts.days.values()] == [True] * 5 + [False]


def test_each_column_has_its_own_baseline(evaluated):
    _, drift, facts = evaluated(8, "baselines: {term: {trailing: 6}, score: {same_weekday: 2}}")

    assert {entry.title: entry.columns for entry in facts} == {
        "the reference": ("amount", "channel", "approved", "id.length", "id.shape"),
        "the trailing 6 days": ("term",),
        "the same weekday of the 2 weeks before": ("score",),
    }
    assert set(drift) == {"amount", "term", "channel", "score", "approved", "id.length", "id.shape"}


def test_the_previous_day_is_the_baseline_and_the_days_before_show_how_far_others_lie(evaluated):
    run, drift, (facts,) = evaluated(8, "baseline: previous")

    verdict = verdicts(run, 8)["amount"]
    assert list(facts.days) == [day(7)]
    assert drift["amount"].drift.rows_reference < 81
    # ten days of history, without the one that is the baseline
    assert (verdict.state, verdict.history) == (VerdictState.OK, 9)


def test_a_fixed_range_is_the_sum_of_its_days(evaluated):
    _, drift, (facts,) = evaluated(8, f"baseline: {{dates: {{from: {day(-4)}, to: {day(1)}}}}}")

    assert list(facts.days) == [day(offset) for offset in range(-4, 2)]
    assert drift["amount"].drift.rows_reference < 6 * 80


def test_days_that_a_baseline_lacks_are_counted_in_words(evaluated):
    run, drift, _ = evaluated(8, f"baseline: {{dates: {{from: {day(6)}, to: {day(40)}}}}}")

    assert drift["amount"].drift.note == f"{day(6)} to {day(40)}: 2 of 34 days"
    # fewer days are fewer rows, which the evaluation reckons with
    assert {one.state for one in verdicts(run, 8).values()} == {VerdictState.OK}


def test_without_a_day_in_the_baseline_there_is_not_enough_data(evaluated):
    run, _, _ = evaluated(8, "baseline: {dates: {from: 2026-06-01, to: 2026-06-09}}")

    assert {one.state for one in verdicts(run, 8).values()} == {VerdictState.INSUFFICIENT_DATA}
    assert run.store.metrics("loans", day(8), day(8))[day(8), "drifted_columns", None] is None
    assert run.store.metrics("loans", day(8), day(8))[day(8), "drifted_share", None] is None


def test_the_share_of_drifted_columns_is_of_those_that_could_be_evaluated(evaluated, archive):
    archive.write_day(day(8), shift=0.3)
    run, _, _ = evaluated(8, "baselines: {term: {dates: {from: 2026-06-01, to: 2026-06-09}}}")

    states = [one.state for one in verdicts(run, 8).values()]
    assert (states.count(VerdictState.BREACH), states.count(VerdictState.INSUFFICIENT_DATA)) == (2, 1)
    assert run.store.metrics("loans", day(8), day(8))[day(8), "drifted_share", None] == 2 / 4


def test_a_shift_that_lasts_is_drift_from_the_reference_and_not_from_the_trailing_days(evaluated, archive):
    for offset in range(DAYS):
        archive.write_day(day(offset), shift=0.3)

    run, drift, _ = evaluated(8, "baselines: {score: {trailing: 6}}")

    assert drift["score"].value < 0.2 < drift["approved"].value
    # days that nobody evaluated are a history like any, beside which this one is expected
    assert {verdicts(run, 8)[name].state for name in ("score", "approved")} == {VerdictState.OK}


def test_the_page_names_the_partitions_and_versions(evaluated):
    run, _, facts = evaluated(8, "baselines: {term: {trailing: 6}}")

    html = render_day(day_page(run, Partition.of_day("loans", day(8))))

    trailing = next(entry for entry in facts if entry.columns == ("term",))
    assert [version for version in trailing.days.values() if version not in html] == []
    assert "against <bdi>the trailing 6 days</bdi>" in html


def test_rows_of_another_schema_are_left_out_of_a_baseline(evaluated, archive):
    run, _, _ = evaluated(8, "baseline: {trailing: 6}")
    before = ensure_reference(run).schema.id
    archive.write(
        f"{archive.root}/reference/part-0.parquet",
        to_bytes(pa.concat_tables([day_table(FIRST - timedelta(days=n), 90) for n in range(12, 0, -1)])),
    )

    # another method pins the reference anew
    run, drift, (facts,) = evaluated(8, "drift: {method: ks}", "baseline: {trailing: 6}")

    assert ensure_reference(run).schema.id != before
    assert facts.days == {}
    short = "the trailing 6 days: 0 of 6 days, 6 have another profile schema: run mlmon reprofile"
    assert drift["amount"].drift.note == f"{short}; the reference has no rows"
