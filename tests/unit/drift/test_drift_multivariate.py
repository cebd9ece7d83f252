"""All features together: what a classifier finds that no single column shows, and when it says nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.drift.compare import compare_profiles
from airflow_mlmon.drift.domain_classifier import tell_apart
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.drift.multivariate import (
    DomainScore,
    MultivariateDrift,
    SampleSizes,
    multivariate_metric,
    to_multivariate,
)
from airflow_mlmon.evaluation.columns import evaluate_columns
from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import MULTIVARIATE
from tests.support.profiles import category_schema, make_spec, numeric_schema
from tests.support.published import DAY

SPEC = make_spec(x={"type": "float"}, y={"type": "float"}, z={"type": "float"}, c={"type": "category"})
SIZES = SampleSizes(rows_reference=300, rows_current=300, fewest_current=150)


def draw_day(seed: int, rows: int = 300, *, swapped: bool = False) -> pa.Table:
    """Rows of which x and y go together, and c follows z; swapped, y belongs to another row."""
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    y = x + 0.4 * random.normal(size=rows)
    z = random.normal(size=rows)
    return pa.table(
        {
            "id": [f"{seed}-{number}" for number in range(rows)],
            "x": x,
            "y": random.permutation(y) if swapped else y,
            "z": z,
            "c": np.where(z > 0, "high", "low"),
        }
    )


DAYS = [draw_day(seed) for seed in range(1, 10)]
PAST = [DAY - timedelta(days=back) for back in range(28, 0, -1)]
REFERENCE = pa.concat_tables(DAYS)
SCHEMA = pin_schema(SPEC, REFERENCE)


def score(current: pa.Table, *columns, reference: pa.Table = REFERENCE, explain: bool = False) -> DomainScore:
    return tell_apart(reference, current, columns or SCHEMA.columns, "id", explain=explain)


def replaced(table: pa.Table, name: str, values) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def test_columns_that_are_swapped_are_found_while_each_of_them_stays():
    current = draw_day(99, swapped=True)
    profiles = [profile_table(table, SCHEMA) for table in DAYS]
    whole, now = sum_profiles(SCHEMA, profiles), profile_table(current, SCHEMA)
    days = list(zip(PAST, profiles, strict=False))
    all_days = ColumnDays(
        day=DAY,
        now=now,
        past=days,
        baselines={column.name: (whole, {day for day, _ in days}) for column in SCHEMA.columns},
        length=28,
    )
    scores = [score_metric(column, "the reference") for column in compare_profiles(SCHEMA, whole, now, method="psi")]

    alone = evaluate_columns(all_days, scores, EvaluationPolicy())
    together = to_multivariate(score(current, explain=True), SIZES)
    past = [score(one, reference=REFERENCE.filter(pc.invert(is_of(REFERENCE, one)))) for one in DAYS]

    # the ids of the day are of another form
    assert {verdict.state for name, verdict in alone.items() if name != "id.shape"} == {VerdictState.OK}
    assert evaluate(together, past).state is VerdictState.BREACH
    assert {name for name, _ in together.strongest[:2]} == {"x", "y"}


def test_healthy_days_are_in_breach_about_as_often_as_the_rate_says():
    days = [draw_day(seed, 200) for seed in range(100, 120)]
    others = pa.concat_tables(days)
    scores = [score(one, reference=others.filter(pc.invert(is_of(others, one)))) for one in days]
    sizes = SampleSizes(rows_reference=1_000, rows_current=200, fewest_current=100)

    later = [to_multivariate(score(draw_day(seed, 200), reference=others), sizes) for seed in range(200, 220)]
    verdicts = [evaluate(found, scores, rate=0.1) for found in later]

    # 10 % of 20 days are 2; seven or more would come of it once in 400 times
    assert sum(verdict.state is VerdictState.BREACH for verdict in verdicts) < 7
    assert {verdict.state for verdict in verdicts} <= {VerdictState.BREACH, VerdictState.OK}
    assert np.mean([found.score for found in later]) == pytest.approx(0.5, abs=0.03)


def evaluate(found: MultivariateDrift, past: Sequence[DomainScore], rate: float = 0.05) -> Verdict:
    """The verdict on all features together, beside the scores of past days."""
    points = [(day, Point(value=one.value, rows=one.rows_current)) for day, one in zip(PAST, past, strict=False)]
    evidence = PartitionEvidence(
        day=DAY, metrics=[multivariate_metric(found)], past={(MULTIVARIATE, None, None): points}
    )
    (verdict,) = evaluate_day(evidence, EvaluationPolicy(rate=rate))
    return verdict


def is_of(table: pa.Table, one: pa.Table) -> pa.Array:
    return pc.is_in(table.column("id"), value_set=one.column("id").combine_chunks())


def test_score_does_not_depend_on_the_order_of_the_rows():
    current, order = draw_day(99, swapped=True), np.random.default_rng(1).permutation(300)

    assert score(current, explain=True) == score(current.take(pa.array(order)), explain=True)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        pytest.param([7.0] * 300, "", id="constant"),
        pytest.param([None, *range(299)], "", id="one-null"),
        pytest.param([math.inf, *range(299)], "", id="infinite"),
        pytest.param([None] * 300, "x: no values in the partition", id="all-null"),
        pytest.param([math.nan] * 300, "x: no values in the partition", id="all-nan"),
    ],
)
def test_a_column_of_any_values_has_a_score_or_a_reason(values, problem):
    found = score(replaced(draw_day(99), "x", pa.array(values, pa.float64())))

    assert found.value is not None
    assert found.left_out == ((problem,) if problem else ())


def test_a_column_that_a_side_lacks_is_left_out_by_name():
    found = to_multivariate(score(draw_day(99).drop_columns(["y"])), SIZES)

    assert (found.is_withheld, found.note) == (False, "left out: y: missing in the partition")


def test_unseen_categories_are_told_apart():
    assert score(replaced(draw_day(99), "c", ["new"] * 300), explain=True).strongest[0][0] == "c"


def test_more_categories_than_the_classifier_takes_are_one():
    random = np.random.default_rng(1)
    column = category_schema(*(f"v{number}" for number in range(900)))

    def rows(name: str) -> pa.Table:
        values = [f"v{number}" for number in random.integers(0, 1_200, 400)]
        return pa.table({"id": [f"{name}{number}" for number in range(400)], "c": values})

    found = tell_apart(rows("a"), rows("b"), [column], "id")

    assert found.value == pytest.approx(0.5, abs=0.1)


def test_constant_columns_alone_are_chance():
    rows = [pa.table({"id": [f"{side}{n}" for n in range(100)], "x": [1.0] * 100}) for side in "ab"]

    assert tell_apart(*rows, [numeric_schema("x")], "id").value == 0.5


@pytest.mark.parametrize(
    ("current", "problem"),
    [
        pytest.param(draw_day(99, 49), "the partition has 49 rows, fewer than 50", id="few"),
        pytest.param(draw_day(99, 0), "the partition has 0 rows, fewer than 50", id="none"),
        pytest.param(draw_day(99).select(["id"]), "no feature has values on both sides", id="no-feature"),
    ],
)
def test_too_little_to_compare_is_not_enough_data(current, problem):
    found = to_multivariate(score(current), SIZES)

    assert (found.score, found.is_withheld) == (None, True)
    assert found.note.startswith(problem)


def test_a_day_much_smaller_than_the_others_is_not_evaluated():
    found = to_multivariate(score(draw_day(99, 120, swapped=True)), SIZES)

    verdict = evaluate(found, [score(draw_day(seed)) for seed in range(90, 96)])

    assert found.score > 0.6
    assert verdict.state is VerdictState.INSUFFICIENT_DATA
    assert verdict.note == found.note == "the partition has 120 rows, fewer than half of the 300 of other days"


def test_without_past_days_there_is_not_enough_data():
    verdict = evaluate(to_multivariate(score(draw_day(97, swapped=True)), SIZES), [])

    assert (verdict.state, verdict.note) == (
        VerdictState.INSUFFICIENT_DATA,
        "0 days of history, fewer than 3",
    )
