"""What is said of a day that is evaluated by what is expected: every value has a clear state."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.evaluate import PartitionEvidence, evaluate_day
from airflow_mlmon.evaluation.evidence import ColumnEvidence
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.records import DriftDetail, MetricValue, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.choices import Correction
from airflow_mlmon.spec.evaluation import EvaluationPolicy, Season

DAY = date(2026, 3, 2)
OK, BREACH, LACKING = VerdictState.OK, VerdictState.BREACH, VerdictState.INSUFFICIENT_DATA
NOTHING = "no value on this day or in the baseline"
NORMAL_SCALE = 12**-0.5


def noted(note: str) -> DriftDetail:
    return DriftDetail(method="psi", baseline="the reference", note=note)


def days(days: int) -> list[date]:
    return [DAY - timedelta(days=back) for back in range(days, 0, -1)]


def evidence_of(place: float | None = 0.5, q: float = 1.0, rows: int = 1_000, base_rows: int = 10_000):
    """A column whose values lie at a place, with a chi-square of `q` per degree of freedom."""
    return ColumnEvidence(rows=rows, base_rows=base_rows, place=place, scale=NORMAL_SCALE, statistic=19 * q, freedom=19)


def history(now: ColumnEvidence, past: list[ColumnEvidence]) -> ColumnHistory:
    return ColumnHistory(day=DAY, now=now, past=list(zip(days(len(past)), past, strict=True)))


def healthy_past(days: int, seed: int = 1) -> list[ColumnEvidence]:
    """Past days as sampling error alone has them."""
    random = np.random.default_rng(seed)
    return [
        evidence_of(0.5 + NORMAL_SCALE * random.normal() / math.sqrt(1_000), random.chisquare(19) / 19)
        for _ in range(days)
    ]


def given_evidence(metrics: list[MetricValue], past=None, **given) -> PartitionEvidence:
    """The evidence of a day; the past of each metric is a list of values, each of as many rows."""
    rows = {value.key: value.rows for value in metrics}
    points = {
        key: [
            (day, Point(value=value, rows=rows.get(key, 0)))
            for day, value in zip(days(len(values)), values, strict=True)
        ]
        for key, values in (past or {}).items()
    }
    return PartitionEvidence(day=DAY, metrics=metrics, past=points, **given)


def metric(name: str, value: float | None, column: str | None = None, rows: int = 1_000, **more) -> MetricValue:
    return MetricValue(metric=name, column=column, value=value, rows=rows, **more)


def nulls(column: str, share: float | None, rows: int = 1_000) -> MetricValue:
    return metric("null_rate", share, column, rows)


def states(verdicts: list[Verdict]) -> dict[SubjectKey, VerdictState]:
    return {verdict.key: verdict.state for verdict in verdicts}


def shares_at(levels: list[float]) -> PartitionEvidence:
    """A day of so many columns whose new values have about these p-values against a large baseline."""
    from scipy.stats import binom  # noqa: PLC0415

    metrics, base = [], {}
    for at, level in enumerate(levels):
        name = f"c{at}"
        metrics.append(metric("new_category_rate", binom.isf(level, 10_000, 0.1) / 10_000, name, 10_000))
        base["new_category_rate", name, None] = Point(value=0.1, rows=10**9)
    return given_evidence(metrics, base=base)


@pytest.mark.parametrize(
    ("correction", "found"),
    [
        # the levels of 10 p-values: 0.005, 0.0056, 0.00625 … and 0.005, 0.01, 0.015 …
        (Correction.FAMILY_WISE, 2),
        (Correction.FALSE_DISCOVERY, 5),
    ],
)
def test_correction_is_over_all_that_is_evaluated(correction, found):
    evidence = shares_at([0.0005, 0.003, 0.009, 0.015, 0.02, 0.045, *[0.4] * 4])
    verdicts = evaluate_day(evidence, EvaluationPolicy(correction=correction, effect=0))

    assert [verdict.state for verdict in verdicts] == [BREACH] * found + [OK] * (10 - found)


@pytest.mark.parametrize("correction", Correction)
def test_lower_rate_never_finds_more(correction):
    evidence = shares_at([0.0005, 0.003, 0.009, 0.015, 0.02, 0.03, 0.05, *[0.4] * 3])
    found = [
        {one.column for one in evaluate_day(evidence, EvaluationPolicy(rate=rate, correction=correction, effect=0))
         if one.state is BREACH}
        for rate in (0.4, 0.2, 0.05, 0.01, 0.001)
    ]  # fmt: skip

    assert all(fewer <= more for more, fewer in pairwise(found))
    assert len(found[0]) > len(found[-1]) == 0


def test_effect_that_is_too_small_is_no_breach_however_sure_it_is():
    big = 10**7
    base = {("null_rate", "c", None): Point(value=0.1, rows=big)}
    past = {("null_rate", "c", None): [0.1] * 20}
    [verdict] = evaluate_day(given_evidence([nulls("c", 0.11, big)], past, base=base), EvaluationPolicy())

    assert verdict.p_value < 1e-20
    assert verdict.state is OK
    assert verdict.effect == pytest.approx(0.033, abs=1e-3)


def segmented(place: float, parts: dict[str, float]) -> PartitionEvidence:
    """A column at a place, and at others in its segments."""
    past = healthy_past(20)
    own = {segment: history(evidence_of(at), past) for segment, at in parts.items()}
    return given_evidence(
        [metric("drift_score", 0.1, "amount")],
        columns={"amount": history(evidence_of(place), past)},
        parts=lambda _: own.items(),
    )


def test_segments_are_evaluated_where_their_column_breached_and_named():
    verdicts = evaluate_day(segmented(0.6, {"region=east": 0.75, "region=west": 0.5}), EvaluationPolicy())

    assert states(verdicts) == {
        ("drift_score", "amount", None): BREACH,
        ("drift_score", "amount", "region=east"): BREACH,
        ("drift_score", "amount", "region=west"): OK,
    }


def test_segments_are_not_evaluated_where_their_column_is_healthy():
    verdicts = evaluate_day(segmented(0.5, {"region=east": 0.75}), EvaluationPolicy())

    assert states(verdicts) == {("drift_score", "amount", None): OK}


def test_rows_of_segments_are_evaluated_as_a_share_where_their_column_breached():
    """Twice the rows in all are told of all rows, not of a segment; a segment that doubled among them is."""
    metrics = [
        metric("rows", 2_000.0, rows=2_000),
        metric("rows", 1_400.0, rows=1_400, segment="region=east"),
        metric("rows", 600.0, rows=600, segment="region=west"),
        metric("rows", 1_000.0, rows=1_000, segment="other=a"),
        metric("drift_score", 0.4, "region"),
    ]
    past = {
        ("rows", None, None): [1_000.0] * 20,
        ("rows", None, "region=east"): [500.0] * 20,
        ("rows", None, "region=west"): [500.0] * 20,
    }
    now = evidence_of(None, q=40.0)
    verdicts = evaluate_day(
        given_evidence(metrics, past, columns={"region": history(now, [evidence_of(None)] * 20)}), EvaluationPolicy()
    )

    assert states(verdicts) == {
        ("rows", None, None): BREACH,
        ("drift_score", "region", None): BREACH,
        ("rows", None, "region=east"): BREACH,
        ("rows", None, "region=west"): BREACH,
    }


@pytest.mark.parametrize(
    ("value", "note"),
    [
        pytest.param(metric("brier", 0.5, rows=29), "29 values, fewer than 30", id="few"),
        pytest.param(metric("null_rate", None, "c", 0, reason="no row has a value"), "no row has a value",
                     id="reason"),
        pytest.param(nulls("c", None), "no value", id="none"),
        pytest.param(nulls("c", math.nan), "the value is not finite", id="nan"),
        pytest.param(nulls("c", math.inf), "the value is not finite", id="infinite"),
        pytest.param(metric("drift_score", 0.1, "c"), NOTHING, id="no-evidence"),
        pytest.param(metric("drift_score", 0.1, "c", withheld="versions"), "versions", id="withheld"),
        pytest.param(metric("drift_score", None, "c", 0, drift=noted("identifiers")), "identifiers", id="note"),
    ],
)  # fmt: skip
def test_value_that_cannot_be_evaluated_says_why(value, note):
    [verdict] = evaluate_day(given_evidence([value]), EvaluationPolicy())

    assert (verdict.state, verdict.note) == (LACKING, note)
    assert verdict.value is None or math.isfinite(verdict.value)


def test_what_cannot_be_evaluated_costs_the_others_no_power():
    """Nineteen columns without enough values: the twentieth is evaluated as if it were alone."""
    evidence = shares_at([0.01])
    [alone] = evaluate_day(evidence, EvaluationPolicy(effect=0))
    metrics = [*evidence.metrics, *(nulls(f"few{at}", 0.1, rows=9) for at in range(19))]
    among = evaluate_day(given_evidence(metrics, base=evidence.base), EvaluationPolicy(effect=0))

    assert alone.state is BREACH
    assert [verdict.state for verdict in among] == [BREACH, *[LACKING] * 19]


@pytest.mark.parametrize("days", [0, 1, 2])
def test_without_enough_days_sampling_error_alone_counts_and_effects_twice_as_large(days):
    past = healthy_past(days)
    found = {}
    for place in (0.54, 0.57):
        columns = {"c": history(evidence_of(place), past)}
        [found[place]] = evaluate_day(
            given_evidence([metric("drift_score", 0.1, "c")], columns=columns), EvaluationPolicy()
        )

    assert {place: verdict.state for place, verdict in found.items()} == {0.54: OK, 0.57: BREACH}
    assert found[0.54].p_value < 1e-3
    assert 0.1 < found[0.54].effect < 0.2 < found[0.57].effect
    assert {verdict.rule for verdict in found.values()} == {"sampling error only"}
    assert found[0.57].history is None


def test_effect_that_counts_is_found_behind_a_surer_one_that_does_not():
    """One day is no history, so an effect of 0.15 does not count, be it as sure as can be; one of 0.21 does."""
    columns = {"c": history(evidence_of(0.5422, q=1.93, rows=417), healthy_past(1))}
    [verdict] = evaluate_day(given_evidence([metric("drift_score", 0.1, "c")], columns=columns), EvaluationPolicy())

    assert verdict.state is BREACH
    assert verdict.note == "distribution changed"


def test_with_three_days_the_verdict_says_how_many():
    columns = {"c": history(evidence_of(0.505), healthy_past(3))}
    [verdict] = evaluate_day(given_evidence([metric("drift_score", 0.1, "c")], columns=columns), EvaluationPolicy())

    assert (verdict.rule, verdict.history) == ("as expected in 3 days", 3)


@pytest.mark.parametrize(("days", "state"), [(6, BREACH), (7, OK)])
def test_a_short_history_asks_the_baseline_too_where_no_past_day_was_half_as_far(days, state):
    columns = {"c": history(evidence_of(0.6), healthy_past(days))}
    [verdict] = evaluate_day(
        given_evidence([metric("drift_score", 0.1, "c")], columns=columns), EvaluationPolicy(rate=1e-9)
    )

    assert (verdict.state, verdict.history) == (state, None if state is BREACH else days)


def test_a_short_history_whose_days_varied_as_much_is_believed():
    past = [evidence_of(0.6), evidence_of(0.42), evidence_of(0.55)]
    [verdict] = evaluate_day(
        given_evidence([metric("drift_score", 0.1, "c")], columns={"c": history(evidence_of(0.6), past)}),
        EvaluationPolicy(),
    )

    assert (verdict.state, verdict.history) == (OK, 3)


@pytest.mark.parametrize("days", [0, 1, 2])
def test_rows_without_enough_days_are_not_evaluated_and_say_how_many_there_are(days):
    past = {("rows", None, None): [1_000.0] * days}
    [verdict] = evaluate_day(given_evidence([metric("rows", 10.0, rows=10)], past), EvaluationPolicy())

    assert (verdict.state, verdict.note) == (LACKING, f"{days} days of history, fewer than 3")


@pytest.mark.parametrize("name", ["null_rate", "predicted_positive_rate", "score_mean", "roc_auc", "log_loss", "rows"])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_history_of_identical_values_is_no_error(name, value):
    column = "c" if name == "null_rate" else None
    past = {(name, column, None): [value] * 28}
    [verdict] = evaluate_day(given_evidence([metric(name, value, column)], past), EvaluationPolicy())

    assert (verdict.state, verdict.history) == (OK, 28)
    assert 0 < verdict.p_value <= 1
    assert verdict.effect == pytest.approx(0, abs=1e-9)


def test_column_that_never_varied_is_healthy_and_alerting_when_it_does():
    same = [evidence_of(0.5, q=0.0)] * 28
    found = [
        evaluate_day(
            given_evidence([metric("drift_score", 0.1, "c")], columns={"c": history(now, same)}), EvaluationPolicy()
        )[0]
        for now in (evidence_of(0.5, q=0.0), evidence_of(0.9, q=50.0))
    ]

    assert [verdict.state for verdict in found] == [OK, BREACH]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_past_values_that_are_not_finite_are_no_history(bad):
    random = np.random.default_rng(3)
    good = list(random.normal(0.5, 0.01, 20))
    key = ("score_mean", None, None)
    found = [
        evaluate_day(given_evidence([metric("score_mean", 0.8)], {key: values}), EvaluationPolicy())[0]
        for values in (good, [bad, *good, bad])
    ]

    assert found[1].history == 20
    assert [verdict.state for verdict in found] == [BREACH, BREACH]


def test_day_without_rows_breaks_nothing():
    metrics = [
        metric("rows", 0.0, rows=0),
        metric("null_rate", None, "c", 0, reason="no row has a value"),
        metric("drift_score", None, "c", 0, drift=noted("no row has a value")),
    ]
    verdicts = evaluate_day(given_evidence(metrics, {("rows", None, None): [1_000.0] * 20}), EvaluationPolicy())

    assert [verdict.state for verdict in verdicts] == [BREACH, LACKING, LACKING]


def test_day_on_which_nothing_was_measured_has_no_verdict():
    assert evaluate_day(given_evidence([]), EvaluationPolicy()) == []


def test_only_the_bad_side_is_a_breach():
    key = ("accuracy", None, None)
    past = {key: [0.8, 0.81, 0.79, 0.8, 0.82, 0.78, 0.8, 0.8]}
    found = [
        evaluate_day(given_evidence([metric("accuracy", value)], past), EvaluationPolicy())[0] for value in (0.95, 0.6)
    ]

    assert [verdict.state for verdict in found] == [OK, BREACH]
    assert found[1].severity == "critical"
    assert found[1].effect < 0 < found[0].effect


@pytest.mark.parametrize(
    ("season", "monday", "state"),
    [
        (Season.AUTO, 700.0, OK),
        (Season.WEEKDAY, 700.0, OK),
        (Season.NONE, 700.0, BREACH),
        (Season.AUTO, 500.0, BREACH),
    ],
)
def test_weekly_rhythm_of_the_rows_is_expected_unless_weekdays_are_not_to_be_told_apart(season, monday, state):
    """Mondays have fewer rows than other days."""
    random = np.random.default_rng(4)
    past = [float(random.poisson(700 if day.weekday() == DAY.weekday() else 1_000)) for day in days(28)]
    [verdict] = evaluate_day(
        given_evidence([metric("rows", monday, rows=int(monday))], {("rows", None, None): past}),
        EvaluationPolicy(season=season),
    )

    assert verdict.state is state
