"""A model is replaced: a canary, a deployment at noon, a rollback. Nothing is wrong, so nobody is woken."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.pipeline.baselines.choose import choose_baselines, of_value
from airflow_mlmon.pipeline.baselines.versions import marks_until
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.deciding.champion_challenger import challenges
from airflow_mlmon.pipeline.pages.model import model_page
from airflow_mlmon.pipeline.pages.pages import day_page
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.records import (
    VerdictState,
)
from airflow_mlmon.reports.model import render_model
from airflow_mlmon.reports.page import render_day
from airflow_mlmon.spec.baseline import Baseline
from tests.support.archive import FIRST, Archive, day_table, partition, replace_columns
from tests.support.drift import drift_of
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened

HEALTHY, CANARY, NOON, SWITCHED, ROLLBACK, AFTER = 7, 8, 9, 10, 11, 12
ROWS = 600
# of which rows, in the order of the day, the new version scored
SHARES = {CANARY: slice(0, ROWS, 20), NOON: slice(280, ROWS), SWITCHED: slice(0, ROWS), ROLLBACK: slice(0, 200)}
RULES = """\
    - {metric: score_mean, history: {deviations: 5, floor: 0.01}}
    - {metric: predicted_positive_rate, history: {deviations: 5, floor: 0.02}}
    - {metric: accuracy, history: {deviations: 5, floor: 0.03}}
    - {metric: drift_score, column: score, max: 0.25}
    - {metric: new_category_rate, max: 0.1}
"""


def scored_by_two(table: pa.Table, rows: slice) -> pa.Table:
    """The table with some rows scored by the second version, whose scores are far higher."""
    second = np.zeros(table.num_rows, dtype=bool)
    second[rows] = True
    score = np.where(second, np.sqrt(table.column("score").to_numpy()), table.column("score").to_numpy())
    columns = {"score": score, "approved": score > 0.5, "version": np.where(second, "v2", "v1")}
    return replace_columns(table, **columns)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    archive = local_archive(tmp_path_factory.mktemp("archive"), 0)
    archive.write_reference(rows=ROWS)
    for offset in range(AFTER + 2):
        day = FIRST + timedelta(days=offset)
        archive.write_day(day, rows=ROWS)
        if offset in SHARES:
            archive.write_predictions(day, scored_by_two(day_table(day, ROWS), SHARES[offset]))
    return archive


def run_days(folder, archive: Archive, *replacements: tuple[str, str]):
    text = "    - {metric: score_mean, history: {deviations: 5, floor: 0.02}}\n"
    with opened(folder, archive, (text, RULES), *replacements) as run:
        for offset in range(AFTER + 2):
            evaluate_day(run, partition(offset))
        yield run


@pytest.fixture(scope="module")
def run(tmp_path_factory, archive):
    yield from run_days(tmp_path_factory.mktemp("watched"), archive)


@pytest.fixture(scope="module")
def unaware(tmp_path_factory, archive):
    """The same days, of a model whose spec does not say which column is the version."""
    yield from run_days(tmp_path_factory.mktemp("unaware"), archive, ("role: version", "role: ignored"))


def alerts(run) -> set[tuple[str, str, str | None]]:
    found = run.store.alerts("loans", FIRST, partition(AFTER + 1).day, include_resolved=True)
    return {(alert.partition.key, alert.metric, alert.column) for alert in found}


def test_nobody_is_woken(run):
    assert alerts(run) == set()


def test_without_the_version_the_same_days_alarm(unaware):
    switched = partition(SWITCHED).key

    assert alerts(unaware) >= {(switched, "score_mean", None), (switched, "drift_score", "score")}


def test_three_days_are_marked(run):
    assert marks_until(run, partition(AFTER).day) == {
        partition(CANARY).day: "v2 appears, 5 % of the rows",
        partition(NOON).day: "v2 takes the lead, 53.3 % of the rows",
        partition(ROLLBACK).day: "v1 leads again, 66.7 % of the rows",
    }


def verdicts(run, offset: int, metric: str) -> dict[str | None, VerdictState]:
    found = run.store.verdicts(partition(offset))
    return {verdict.segment: verdict.state for verdict in found if verdict.metric == metric}


def test_the_old_version_is_still_evaluated_by_its_own_days(run):
    enough = VerdictState.OK
    lacking = VerdictState.INSUFFICIENT_DATA

    assert verdicts(run, HEALTHY, "score_mean") == {None: enough}
    assert verdicts(run, CANARY, "score_mean") == {None: lacking, "version=v1": enough, "version=v2": lacking}
    assert verdicts(run, CANARY, "accuracy") == {None: lacking, "version=v1": enough, "version=v2": lacking}
    assert verdicts(run, SWITCHED, "score_mean") == {None: lacking, "version=v2": lacking}
    assert verdicts(run, AFTER, "score_mean") == {None: enough, "version=v1": enough}
    [whole] = [v for v in run.store.verdicts(partition(NOON)) if (v.metric, v.segment) == ("score_mean", None)]
    assert whole.note == "history 0 of 10: other versions served the other days, see each version"


def test_a_change_of_the_data_is_evaluated_whatever_version_served(run):
    assert verdicts(run, NOON, "null_rate") == {None: VerdictState.OK}


def test_scores_that_the_baseline_does_not_know_are_shown_and_not_evaluated(run):
    drift = drift_of(run, partition(NOON))
    old, new = (drift_of(run, partition(NOON), f"version={name}") for name in ("v1", "v2"))

    assert drift["score"].value > 0.25
    assert drift["score"].drift.note == "the baseline has no rows of v2: see the versions"
    assert [bool(drift[name].withheld) for name in ("score", "amount")] == [True, False]
    assert new["score"].drift.note == "the baseline has too few days of v2"
    assert [bool(new[name].withheld) for name in ("score", "amount")] == [True, False]
    assert new["amount"].drift.baseline == "the reference, all versions"
    assert (old["score"].withheld, old["score"].value is None) == ("", False)


def test_performance_is_kept_by_version_and_in_sum(run):
    values = {value.segment: value for value in run.store.metric_values(partition(NOON)) if value.metric == "accuracy"}

    assert {segment: value.rows for segment, value in values.items()} == {
        None: 570,
        "version=v1": 266,
        "version=v2": 304,
    }
    whole = sum(value.value * value.rows for segment, value in values.items() if segment) / 570
    assert values[None].value == pytest.approx(whole)


def test_challenger_is_compared_with_its_champion_on_the_same_days(run):
    [found] = challenges(run, ensure_reference(run), partition(SWITCHED).day)
    scores = {row.metric: row for row in found.differences}

    assert (found.champion, found.challenger) == ("v1", "v2")
    assert found.days == (partition(CANARY).day, partition(NOON).day)
    assert found.rows == (570 + 280, 30 + 320)
    assert scores["score_mean"].low > 0.15
    assert scores["accuracy"].is_apart
    of_rows = {"amount", "term", "channel", "score", "approved"}
    assert {column.column for column in found.columns} == {*of_rows, "id.length", "id.shape"}
    assert {name for name, one in found.verdicts.items() if one.state is VerdictState.BREACH} == {"score", "approved"}
    assert {one.rule for one in found.verdicts.values()} == {"sampling error only"}


def test_page_tells_of_the_versions(run):
    page = render_day(day_page(run, partition(NOON)))
    healthy = render_day(day_page(run, partition(HEALTHY)))

    assert "v2 takes the lead, 53.3 % of the rows" in page
    assert "v2 compared with v1 on the same days" in re.sub("<[^>]*>", "", page)
    assert "the reference, all versions" in page
    assert "Model versions" not in healthy
    assert "v2 appears, 5 % of the rows" in render_model(model_page(run))


def test_pin_of_a_version_is_what_its_rows_are_compared_with(run):
    """Accepted on its own two days; the model's baseline stays."""
    days = {"from": partition(NOON).day, "to": partition(SWITCHED).day}
    pin = BaselinePin(
        number=1,
        version="v2",
        baseline=Baseline.model_validate({"dates": days}),
        first=partition(AFTER + 2).day,
        who="ada",
        why="its own days",
        accepted_at=datetime(2026, 3, 20, tzinfo=UTC),
    )
    run.store.save_baseline("loans", pin)
    reference = ensure_reference(run)
    span = Span(days=(partition(AFTER + 3).day,))

    [of_all] = choose_baselines(run, reference, span)
    [chosen] = choose_baselines(run, reference, span, version="v2")
    [before] = choose_baselines(run, reference, Span(days=(partition(AFTER).day,)), version="v2")
    own = of_value(chosen, "version", "v2")

    assert (of_all.facts.title, before.facts.title) == ("the reference", "the reference")
    assert chosen.facts.title == "2026-03-10 to 2026-03-11"
    assert own.whole.rows == 320 + 600
    assert set(own.facts.days) == {partition(NOON).day, partition(SWITCHED).day}
