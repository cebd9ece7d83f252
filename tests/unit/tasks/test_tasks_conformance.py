"""What every kind of model keeps to, so that nothing outside its room needs to know which one it is."""

from __future__ import annotations

import math
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.columns.column import sum_columns
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.spec.metrics import EXCLUDED_SHARE, GENERIC, LABEL_COVERAGE
from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
from airflow_mlmon.tasks.parts import (
    OutcomeParts,
    measure_parts,
    profile_outcome_parts,
    read_outcome_parts,
    sum_outcome_parts,
)
from airflow_mlmon.tasks.registry import DEFAULT, METRICS, TASKS
from airflow_mlmon.tasks.regression.description import Regression
from airflow_mlmon.tasks.task import Task
from tests.support.labelled import CLASSES, random_classes, random_labels, random_numbers
from tests.support.ranked import random_groups

HEAVY = ("numpy", "pyarrow", "scipy", "pandas", "sklearn", "pydantic", "yaml")
ORIGINS = SegmentSchema(columns=("origin",), values=("EWR", "JFK"))
# for each kind of model: rows with their outputs and labels, drawn from a seed
DRAWN = {
    "binary": random_labels,
    "multiclass": random_classes,
    "regression": random_numbers,
    "ranking": random_groups,
}
# a kind that reads keys of a spec, as those of the drawn rows bind it
BOUND = {
    "binary": Binary(worth=Worth(true_positive=10, false_positive=-2, false_negative=-8)),
    "multiclass": Multiclass(CLASSES),
    "regression": Regression(levels=(0.1, 0.5, 0.9)),
}


@pytest.fixture(params=sorted(TASKS))
def any_task(request) -> Task:
    return TASKS[request.param]


@pytest.fixture(params=sorted(name for name, task in TASKS.items() if task.has_labels))
def task(request) -> Task:
    return BOUND.get(request.param, TASKS[request.param])


def drawn(task: Task, rows: int, seed: int = 1) -> pa.Table:
    return DRAWN[task.name](rows, seed)


def profiled(task: Task, table: pa.Table) -> OutcomeProfile:
    return task.profile_outcomes(table, pinned(task))


@cache
def pinned(task: Task) -> OutcomeSchema:
    return task.pin_outcomes({}, drawn(task, 2_000))


def cut(task: Task, table: pa.Table, row: int) -> int:
    """The row itself, or the first one of its group where groups are not to be cut."""
    if task.undivided is None or row >= table.num_rows:
        return row
    return table.column(task.undivided.value).to_pylist().index(table.column(task.undivided.value)[row].as_py())


def without_labels(task: Task, rows: int) -> pa.Table:
    table = drawn(task, rows)
    at = table.column_names.index("label")
    return table.set_column(at, "label", pa.nulls(rows, table.column("label").type))


def parts_of(task: Task, rows: int) -> OutcomeParts:
    joined = drawn(task, rows)
    groups = range(rows) if task.undivided is None else joined.column(task.undivided.value).to_pylist()
    codes = [list(dict.fromkeys(groups)).index(group) for group in groups]
    origins = pa.table({"origin": [("EWR", "JFK", "LGA", None)[code % 4] for code in codes]})
    return profile_outcome_parts(task, joined, origins, [ORIGINS], pinned(task))


@pytest.mark.parametrize("cuts", [(0,), (1,), (500,), (999,), (1000,), (100, 101, 700)])
def test_outcomes_add_up_however_rows_are_split(task, cuts):
    table = drawn(task, 1_000)
    ends = [0, *(cut(task, table, row) for row in cuts), table.num_rows]
    pieces = [profiled(task, table.slice(start, end - start)) for start, end in pairwise(ends)]
    whole = profiled(task, table)

    assert task.sum_outcomes(pieces) == whole
    assert task.sum_outcomes(reversed(pieces)).to_bytes() == whole.to_bytes()
    assert whole.rows == table.num_rows
    rest, others = whole - pieces[0], task.sum_outcomes(pieces[1:])
    assert rest.rows == others.rows
    for own, other in zip(task.measure(rest, 0), task.measure(others, 0), strict=True):
        # extremes cannot be subtracted
        assert own.metric not in task.contrasts or own.value == other.value
    assert whole.label == sum_columns([piece.label for piece in pieces])
    assert whole.label.schema.name == "label"


@pytest.mark.parametrize("rows", [0, 1, 2_000])
def test_outcomes_survive_their_bytes(task, rows):
    outcomes = profiled(task, drawn(task, rows))

    assert task.read_outcomes(outcomes.to_bytes()) == outcomes
    assert task.read_outcomes(outcomes.to_bytes()).to_bytes() == outcomes.to_bytes()
    with pytest.raises(StateError):
        task.read_outcomes(outcomes.to_bytes()[:-1])


def test_parts_survive_their_bytes_and_add_up(task):
    parts = parts_of(task, 400)

    assert read_outcome_parts(task, parts.to_bytes()) == parts
    assert sum_outcome_parts(task, [parts]) == parts
    assert task.sum_outcomes(parts.parts.values()) == parts.whole


def test_what_is_measured_is_what_the_table_has(task):
    values = task.measure(profiled(task, drawn(task, 2_000)), 0.5)

    assert tuple(value.metric for value in values) == task.label_metrics
    assert set(task.label_metrics) == {name for name in task.metrics if task.metrics[name].needs_labels} | {
        LABEL_COVERAGE,
        EXCLUDED_SHARE,
    }
    assert all(value.value is not None and math.isfinite(value.value) and not value.reason for value in values)
    for value in values:
        lowest = METRICS[value.metric].lowest
        assert lowest is None or value.value >= lowest


def test_intervals_hold_their_values_and_end_within_the_range_of_the_metric(task):
    for rows in (1, 3, 2_000):
        for value in task.measure(profiled(task, drawn(task, rows)), 0):
            assert (value.low is None) == (value.high is None), value.metric
            if value.low is None or value.high is None:
                continue
            assert value.value is not None, value.metric
            assert value.low <= value.value <= value.high, value.metric
            assert METRICS[value.metric].lowest is None or value.low >= METRICS[value.metric].lowest, value.metric
            assert not METRICS[value.metric].is_share or value.high <= 1, value.metric


def test_performance_is_shown_beside_what_a_constant_prediction_scores(task):
    outcomes, reference = (profiled(task, drawn(task, 2_000, seed)) for seed in (1, 2))
    scores = task.constant_scores(outcomes, reference)

    assert {name for name in scores if not task.metrics[name].is_performance} == set()
    assert set(scores) & set(task.evaluated), "none of those that are evaluated has one"
    assert all(math.isfinite(score) for score in scores.values())
    for none in (task.empty_outcomes(), profiled(task, without_labels(task, 50))):
        assert dict(task.constant_scores(none, reference)) == {}
        assert all(math.isfinite(score) for score in task.constant_scores(outcomes, none).values())


@pytest.mark.parametrize("min_coverage", [0.0, 0.8])
def test_where_there_is_nothing_to_measure_the_reason_is_given(task, min_coverage):
    for outcomes in (
        task.empty_outcomes(),
        profiled(task, drawn(task, 0)),
        profiled(task, without_labels(task, 50)),
    ):
        for value in task.measure(outcomes, min_coverage):
            if value.metric == LABEL_COVERAGE and outcomes.rows:
                assert value.value == 0
            elif value.metric != EXCLUDED_SHARE or not outcomes.rows:
                assert (value.metric, value.value) == (value.metric, None)
                assert value.reason


def test_parts_are_measured_like_the_whole(task):
    values = measure_parts(task, parts_of(task, 400), 0.5)

    assert [value.metric for value in values] == 4 * list(task.label_metrics)
    assert [value.segment for value in values[:: len(task.label_metrics)]] == [
        None,
        "origin (other)",
        "origin=EWR",
        "origin=JFK",
    ]


def test_versions_are_compared_by_every_metric_of_labels(task):
    sides = [profiled(task, drawn(task, 2_000, seed)) for seed in (1, 2)]
    rows = task.compare(*sides, 0.5)
    empty = task.compare(sides[0], task.empty_outcomes(), 0.5)

    assert tuple(row.metric for row in rows) == task.label_metrics
    assert any(row.low is not None for row in rows)
    assert all(row.low is None or row.low <= row.after - row.before <= row.high for row in rows)
    assert all(row.after is None and row.low is None for row in empty)


def test_slices_are_contrasted_by_each_metric_that_is_named(task):
    sides = [profiled(task, drawn(task, 2_000, seed)) for seed in (1, 2)]
    assert set(task.contrasts) <= set(task.label_metrics)
    for metric in task.contrasts:
        found = task.contrast(metric, *sides, min_coverage=0.5, minimum_rows=30)
        alone = task.contrast(metric, sides[0], task.empty_outcomes(), min_coverage=0.5, minimum_rows=30)

        assert 0 < found.p_value <= 1
        assert found.low <= found.difference <= found.high
        assert (alone.p_value, alone.other) == (None, None)
        assert alone.note


def test_groups_have_every_rate_that_a_measure_of_fairness_compares(task):
    rates = task.label_rates(profiled(task, drawn(task, 2_000)))
    needed = {kind for name, kinds in task.disparities.items() if METRICS[name].needs_labels for kind in kinds}

    assert needed <= {rate.kind for rate in rates}
    assert {"fairness"} <= task.keys or not rates
    for rate in rates:
        assert rate.value is not None
        assert math.isfinite(rate.value)
        assert rate.rows > 0
        assert rate.interval is None or rate.interval[0] <= rate.value <= rate.interval[1]
    assert [rate.value for rate in task.label_rates(task.empty_outcomes()) if rate.rows] == []


def test_the_first_contrast_is_one_that_the_model_has(task):
    for roles in [set(task.types), *({role} for role in task.types)]:
        metric = task.first_contrast(roles)

        assert task.contrasts[metric].needs in {None, *roles}


def test_there_is_something_to_evaluate_with_labels_and_without(task):
    assert any(metric.measure and metric.is_performance for metric in task.metrics.values())
    assert any(metric.measure and not metric.needs_labels for metric in task.metrics.values())


def test_table_says_what_is_shown_and_evaluated(any_task):
    assert set(any_task.headline) <= set(any_task.metrics)
    assert set(any_task.version_headline) <= {
        name for name, metric in any_task.metrics.items() if metric.is_performance
    }
    for name, metric in any_task.metrics.items():
        assert name not in GENERIC
        assert METRICS[name] == metric, "a name means the same whatever the kind of model"
        assert metric.title
        assert metric.description.endswith(".")
        assert not metric.by_column
        assert metric.role is None or metric.role in any_task.types
        # a bias is bad on both sides, a quality on one
        is_bias = metric.measure is Measure.MEAN
        assert is_bias or metric.measure is None or not metric.is_performance or metric.worse is not Worse.BOTH


def test_losses_are_those_of_labelled_rows(task):
    table = drawn(task, 500)
    losses = task.losses(table)
    if not task.loss:
        assert losses is None
        return

    is_labelled = np.isfinite(losses)
    assert len(losses) == table.num_rows
    assert is_labelled.any()
    assert (losses[is_labelled] >= 0).all()
    assert not np.isfinite(task.losses(without_labels(task, 500))).any()
    assert not is_labelled[table.column("excluded").to_numpy()].any()


def test_estimates_are_of_metrics_of_labels(task):
    found = task.estimate(task.profile_outcomes(drawn(task, 500), pinned(task)), None)

    assert set(task.estimates) <= set(task.metrics)
    assert all(task.metrics[name].is_performance for name in task.estimates)
    assert {value.metric for value in found} | {task.loss_estimate} - {""} == set(task.estimates.values())
    assert all(value.value is None and value.reason for value in found)


def test_outputs_and_label_are_described(any_task):
    assert set(any_task.ranges) <= set(any_task.types)
    assert set(any_task.looks) == {*any_task.types, *([None] if any_task.has_labels else [])}
    assert any_task.fits({role: kinds[0] for role, kinds in any_task.types.items()}, is_labelled=any_task.has_labels)
    assert set(any_task.evaluated) <= {name for name, metric in any_task.metrics.items() if metric.measure}


def test_a_kind_without_labels_has_nothing_that_needs_them(any_task):
    empty = any_task.empty_outcomes()
    values = any_task.measure(empty, 0)

    assert any_task.read_outcomes(empty.to_bytes()) == empty
    assert tuple(value.metric for value in values) == any_task.label_metrics
    assert bool(values) is bool(any_task.contrasts) is any_task.has_labels
    assert any_task.has_labels or (not any_task.types and not any_task.metrics)


def test_counting_names_columns_of_the_joined_labels(task):
    joined = {role.value for role in task.types} | {"label"}
    if task.counting is None:
        return

    assert {*task.counting.classes, task.counting.number} <= joined
    assert task.counting.by in task.counting.classes


def test_names_are_those_of_the_registry():
    assert TASKS[DEFAULT.name] is DEFAULT
    assert all(task.name == name for name, task in TASKS.items())
    assert set(DRAWN) == {name for name, task in TASKS.items() if task.has_labels}


def test_descriptions_are_light_to_import():
    code = "import sys; import airflow_mlmon.tasks.registry, airflow_mlmon.tasks.titles; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )

    assert set(HEAVY).isdisjoint(name.partition(".")[0] for name in found.stdout.split())
