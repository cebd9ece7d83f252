from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from airflow_mlmon.evaluation.limits import limits_of
from airflow_mlmon.evaluation.series import Point, Series, deviation_of, evaluate_series
from airflow_mlmon.spec.metric import Measure, Worse
from airflow_mlmon.statistics.dispersion import PastNumbers, estimate_each, estimate_expected, shrink
from airflow_mlmon.statistics.hypergeometric import log_lower_tail, log_upper_tail

DAY = date(2026, 3, 2)


def days(days: int) -> list[date]:
    return [DAY - timedelta(days=back) for back in range(days, 0, -1)]


def series(measure: Measure, now: Point, past: list[Point], *, worse: Worse = Worse.BOTH, base=None, season="none"):
    return Series(
        measure=measure,
        worse=worse,
        day=DAY,
        now=now,
        past=list(zip(days(len(past)), past, strict=True)),
        base=base,
        season=season,
    )


def finding(one: Series):
    return evaluate_series(one, one.expected())


@pytest.mark.parametrize(("here", "rows", "there", "others"), [(3, 40, 1, 400), (40, 50, 300, 500), (0, 9, 3, 9)])
def test_exact_tails_are_those_of_fisher(here, rows, there, others):
    table = [[here, rows - here], [there, others - there]]

    assert math.exp(log_upper_tail(here, rows, there, others)) == pytest.approx(
        stats.fisher_exact(table, alternative="greater").pvalue
    )
    assert math.exp(log_lower_tail(here, rows, there, others)) == pytest.approx(
        stats.fisher_exact(table, alternative="less").pvalue
    )


def test_a_tail_too_small_for_a_double_is_still_a_number():
    assert -1e6 < log_upper_tail(40_000, 50_000, 0, 50_000) < -700


@pytest.mark.parametrize("least", [0, 1, 49_000, 50_000, 50_500, 52_000, 70_000])
def test_tails_of_millions_of_rows_are_those_of_the_whole_sum(least):
    expected = stats.hypergeom.logsf(least - 1, 10_000_000, 100_000, 5_000_000)

    assert log_upper_tail(least, 5_000_000, 100_000 - least, 5_000_000) == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_tails_of_millions_of_rows_take_little_memory():
    tracemalloc.start()
    log_lower_tail(2_500_000, 5_000_000, 2_501_000, 5_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


def test_a_mean_with_a_long_past_is_evaluated_by_student_s_t():
    random = np.random.default_rng(1)
    values = random.normal(size=40)
    found = finding(series(Measure.MEAN, Point(value=3.0, rows=10**9), [Point(value=v, rows=10**9) for v in values]))

    z = (3.0 - values.mean()) / (values.std(ddof=1) * math.sqrt(1 + 1 / 40))
    assert found.p_value == pytest.approx(2 * stats.t.sf(z, 39), rel=1e-6)
    assert found.expected == pytest.approx(values.mean())
    assert found.days == 40


def test_without_a_past_sampling_error_of_both_sides_is_known():
    found = finding(series(Measure.MEAN, Point(value=0.3, rows=100), [], base=Point(value=0.0, rows=400)))

    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.3 / math.sqrt(1 / 100 + 1 / 400)))
    assert found.days == 0


def test_a_share_without_a_past_is_fisher_s_exact_test():
    found = finding(
        series(Measure.SHARE, Point(value=0.05, rows=200), [], worse=Worse.ABOVE, base=Point(value=0.01, rows=1_000))
    )

    expected = stats.fisher_exact([[10, 190], [10, 990]], alternative="greater").pvalue
    assert found.p_value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("worse", [Worse.ABOVE, Worse.BELOW])
def test_only_the_side_that_is_bad_counts(worse):
    past = [Point(value=1_000.0 + 7 * (at % 3), rows=0) for at in range(28)]
    few, many = (finding(series(Measure.COUNT, Point(value=v, rows=0), past, worse=worse)) for v in (500.0, 2_000.0))

    assert (few.p_value < 1e-6, many.p_value < 1e-6) == (worse is Worse.BELOW, worse is Worse.ABOVE)


def test_few_equal_counts_do_not_show_that_the_next_is_equal():
    found = finding(series(Measure.COUNT, Point(value=970.0, rows=0), [Point(value=1_000.0, rows=0)] * 3))

    assert found.p_value > 0.1


def test_days_that_vary_more_widen_what_is_expected():
    random = np.random.default_rng(2)
    steady = [Point(value=0.5 + 0.005 * random.normal(), rows=10_000) for _ in range(28)]
    varied = [Point(value=0.5 + 0.05 * random.normal(), rows=10_000) for _ in range(28)]
    now = Point(value=0.54, rows=10_000)

    assert finding(series(Measure.SHARE, now, steady)).p_value < 1e-6
    assert finding(series(Measure.SHARE, now, varied)).p_value > 0.05


@pytest.mark.parametrize("days", [0, 1, 2])
def test_rows_with_too_short_a_past_are_not_evaluated(days):
    assert finding(series(Measure.COUNT, Point(value=9.0, rows=0), [Point(value=900.0, rows=0)] * days)) is None


def test_an_area_that_never_varied_is_evaluated_by_any_change():
    past = [Point(value=0.8, rows=100)] * 14

    assert finding(series(Measure.AREA, Point(value=0.8, rows=100), past, worse=Worse.BELOW)).p_value > 0.4
    assert finding(series(Measure.AREA, Point(value=0.7, rows=100), past, worse=Worse.BELOW)).p_value < 1e-9


def test_a_skill_may_be_negative_and_falls_further_below():
    random = np.random.default_rng(4)
    past = [Point(value=-0.2 + 0.02 * random.normal(), rows=500) for _ in range(28)]
    same, worse, better = (
        finding(series(Measure.SKILL, Point(value=value, rows=500), past, worse=Worse.BELOW))
        for value in (-0.2, -1.5, 0.4)
    )

    assert same.expected == pytest.approx(-0.2, abs=0.02)
    assert same.p_value > 0.05
    assert (worse.p_value < 1e-6, worse.effect < 0) == (True, True)
    assert better.p_value > 0.99


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e250])
def test_a_number_is_evaluated_by_student_s_t_in_units_of_its_days_whatever_its_size(size):
    values = [(5.0 + value) * size for value in np.random.default_rng(5).normal(size=28).tolist()]
    scale = deviation_of(values)
    now = np.mean(values) + 4 * scale
    past = [Point(value=value, rows=200) for value in values]
    found = finding(replace(series(Measure.NUMBER, Point(value=float(now), rows=200), past), scale=scale))

    assert found.effect == pytest.approx(4.0)
    assert found.p_value == pytest.approx(2 * stats.t.sf(4 / math.sqrt(1 + 1 / 28), 27))
    assert found.expected == pytest.approx(np.mean(values))


def test_numbers_of_unchanged_days_raise_no_more_alarms_than_the_level():
    random = np.random.default_rng(6)
    p_values = []
    for _ in range(1_000):
        values = random.normal(-3.0, 0.2, 29).tolist()
        past = [Point(value=value, rows=50) for value in values[1:]]
        one = series(Measure.NUMBER, Point(value=values[0], rows=50), past, season="auto")
        p_values.append(finding(replace(one, scale=deviation_of(values[1:]))).p_value)

    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.07


def test_a_number_that_never_varied_is_evaluated_by_any_change():
    past = [Point(value=0.0, rows=100)] * 14

    assert finding(series(Measure.NUMBER, Point(value=0.0, rows=100), past)).p_value == 1
    assert finding(series(Measure.NUMBER, Point(value=0.1, rows=100), past)).p_value < 1e-9


def test_saturdays_of_a_weekly_rhythm_are_expected_and_such_a_monday_is_not():
    week = [(day, Point(value=700.0 if day.weekday() == 5 else 1_000.0, rows=0)) for day in days(28)]
    found = {}
    for ahead in range(7):
        day = DAY + timedelta(days=ahead)
        one = Series(
            measure=Measure.COUNT, worse=Worse.BELOW, day=day, now=Point(value=700.0, rows=0), past=week, season="auto"
        )
        found[day.weekday()] = finding(one)

    assert found[5].expected == pytest.approx(700)
    assert found[5].p_value > 0.4
    assert found[0].p_value < 1e-6


def test_limits_are_where_the_p_value_meets_the_level():
    random = np.random.default_rng(3)
    past = [Point(value=v, rows=50) for v in random.normal(size=28)]
    one = series(Measure.MEAN, Point(value=0.0, rows=50), past)
    low, high = limits_of(one, one.expected(), 0.01, floor=0.0)

    at_limit = finding(series(Measure.MEAN, Point(value=high, rows=50), past))
    assert at_limit.p_value == pytest.approx(0.01, rel=1e-6)
    assert low < 0 < high


def test_shrinking_draws_short_histories_to_what_all_have_in_common():
    random = np.random.default_rng(4)
    short = [
        estimate_expected(days(4), 0.3 * random.normal(size=4), np.full(4, 0.01), day=DAY, season="none")
        for _ in range(40)
    ]
    shrunk = shrink([expected for expected in short if expected])

    # the true ratio is 9
    assert (
        np.std([expected.ratio for expected in shrunk]) < np.std([expected.ratio for expected in short if expected]) / 3
    )
    assert np.mean([expected.ratio for expected in shrunk]) == pytest.approx(9, rel=0.3)
    assert min(expected.freedom for expected in shrunk) > 20


def test_histories_that_differ_are_left_apart():
    random = np.random.default_rng(5)
    own = [
        estimate_expected(days(28), scale * random.normal(size=28), np.full(28, 0.01), day=DAY, season="none")
        for scale in np.geomspace(0.1, 10, 12)
    ]
    shrunk = shrink([expected for expected in own if expected])

    assert shrunk[-1].ratio > 100 * shrunk[0].ratio


def delay(hours: float, past: list[float]):
    now, before = Point(value=hours, rows=0), [Point(value=value, rows=0) for value in past]
    return finding(series(Measure.DURATION, now, before, worse=Worse.ABOVE))


@pytest.mark.parametrize("expected", [0.0, 2.0, 30.0])
def test_a_delay_of_minutes_is_nothing_where_files_were_never_late(expected):
    found = delay(expected + 0.75, [expected] * 28)

    assert found.expected == pytest.approx(expected)
    assert found.effect < 0.1
    assert found.p_value > 0.05


@pytest.mark.parametrize(("expected", "late"), [(0.0, 4.5), (2.0, 7.5), (30.0, 48.0)])
def test_hours_are_a_surprise_where_files_were_never_late(expected, late):
    found = delay(late, [expected] * 28)

    assert found.effect > 0.3
    assert found.p_value < 1e-3


def test_the_effect_of_an_hour_is_a_tenth_where_files_are_on_time():
    assert delay(1.0, [0.0] * 5).effect == pytest.approx(0.1, abs=0.005)


def test_a_delay_that_sinks_day_by_day_is_no_surprise():
    assert delay(24.0, [24.0 * days for days in range(29, 1, -1)]).p_value > 0.5


def test_the_delay_of_a_day_does_not_depend_on_its_rows():
    past = [Point(value=value, rows=100 * at) for at, value in enumerate([1.0, 2.0, 1.5, 3.0])]
    few, many = (
        finding(series(Measure.DURATION, Point(value=9.0, rows=rows), past, worse=Worse.ABOVE)) for rows in (1, 10**6)
    )

    assert few == many


def test_without_days_before_nothing_is_known_of_a_delay():
    assert delay(99.0, [1.0, 1.0]) is None


@pytest.mark.parametrize("skewed", ["exponential", "gamma"])
def test_waiting_times_alarm_no_more_often_than_they_may(skewed):
    random = np.random.default_rng(6)
    draws = random.exponential(2, (4_000, 29)) if skewed == "exponential" else random.gamma(2, 1, (4_000, 29))
    found = [delay(row[-1], list(row[:-1])) for row in draws]

    assert np.mean([one.p_value < 0.01 for one in found]) < 0.01


def test_the_limit_of_a_delay_is_where_its_p_value_meets_the_level():
    past = [1.0, 2.0, 1.5, 3.0, 0.5, 2.0]
    one = series(Measure.DURATION, Point(value=1.0, rows=0), [Point(value=v, rows=0) for v in past], worse=Worse.ABOVE)
    low, high = limits_of(one, one.expected(), 0.01, floor=0.0)

    assert low is None
    assert delay(high, past).p_value == pytest.approx(0.01, rel=1e-6)


def test_the_limit_that_few_days_leave_is_still_a_number():
    past = [Point(value=value, rows=0) for value in (0.0, 9_000.0, 0.0)]
    one = series(Measure.DURATION, Point(value=1.0, rows=0), past, worse=Worse.ABOVE)

    assert limits_of(one, one.expected(), 1e-6, floor=0.1)[1] < 1e6


def test_a_storm_that_is_over_widens_what_is_expected_a_little_and_hides_no_next_one():
    random = np.random.default_rng(6)
    healthy = [0.01 * random.normal() for _ in range(28)]
    stormy = [*healthy[:14], 1.0, *healthy[15:]]
    expected = {
        name: estimate_expected(
            days(28), np.array(values), np.full(28, 1e-6), day=DAY, season="none", outliers=outliers
        )
        for name, values, outliers in (
            ("healthy", healthy, ()),
            ("over", stormy, {days(28)[14]}),
            ("unknown", stormy, ()),
        )
    }

    assert expected["healthy"].between < expected["over"].between < 2 * expected["healthy"].between
    assert expected["unknown"].between > 50 * expected["healthy"].between
    assert expected["over"].days == 28


def test_count_that_never_varied_is_evaluated_more_strictly_than_a_random_one():
    constant = [Point(value=72, rows=72)] * 28
    found = finding(series(Measure.COUNT, Point(value=60, rows=60), constant))

    assert found.p_value < 1e-9
    assert math.exp(found.effect) == pytest.approx(60 / 72)


def test_random_counts_are_evaluated_by_their_own_law():
    random = np.random.default_rng(5)
    draws = random.poisson(200, size=(1_500, 29))
    found = [
        finding(series(Measure.COUNT, Point(value=day[-1], rows=0), [Point(value=one, rows=0) for one in day[:-1]]))
        for day in draws
    ]

    assert np.mean([one.p_value < 0.01 for one in found]) < 0.015


def test_count_that_grows_is_expected_to_go_on_growing():
    grown = [Point(value=1_000 * 1.03**day, rows=0) for day in range(28)]
    found = finding(series(Measure.COUNT, Point(value=1_000 * 1.03**28, rows=0), grown))

    assert found.expected == pytest.approx(1_000 * 1.03**28, rel=0.001)
    assert abs(found.effect) < 0.01


def numbers_of(random, length, **facts):
    own = {"days": days(length), "values": random.normal(size=length), "sampling": random.uniform(0.01, 0.1, length)}
    return PastNumbers(**own, day=DAY, season="auto", **facts)


def test_numbers_of_the_same_days_are_estimated_together_as_each_alone():
    random = np.random.default_rng(4)
    seasonal = replace(numbers_of(random, 28), values=np.array([10.0 * day.weekday() for day in days(28)]))
    outlying = numbers_of(random, 28, outliers={days(28)[3]})
    growing = replace(numbers_of(random, 28, has_trend=True), values=np.arange(28.0))
    numbers = [numbers_of(random, length) for length in (28, 2, 0, 27, 28)]
    numbers = [seasonal, *numbers, outlying, growing, numbers_of(random, 28)]

    found = estimate_each(numbers)

    assert found == [found_of for one in numbers for found_of in estimate_each([one])]
    assert [one and (one.days, one.of_centre) for one in found[:4]] == [(28, 4), (28, 28), None, None]
    assert found[6] == estimate_expected(
        outlying.days, outlying.values, outlying.sampling, day=DAY, season="auto", outliers=outlying.outliers
    )
