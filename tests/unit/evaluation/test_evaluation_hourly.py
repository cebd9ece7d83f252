from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from airflow_mlmon.evaluation.hourly import ColumnHours, hourly_finding
from airflow_mlmon.profiles.hours import HourlyColumn

START = date(2026, 3, 2)
UNIT = 1000


def drawn(random, *, draw, rows=100, null=0.03):
    """A day with as many rows in each hour, about, its sums in thousandths, and its largest value."""
    counts = random.poisson(rows, 24)
    missing = random.binomial(counts, null)
    observed = counts - missing
    values = [draw(size=count) for count in observed.tolist()]
    totals = tuple(round(UNIT * float(own.sum())) for own in values)
    reach = UNIT * float(np.abs(np.concatenate(values)).max())
    return HourlyColumn(rows=counts, missing=missing, observed=observed, totals=totals), reach


def of_day(random, *, draw):
    return drawn(random, draw=draw)[0]


def history(now, random, *, draw, days=14, reach=4 * UNIT):
    past = [(START + timedelta(at), of_day(random, draw=draw)) for at in range(days)]
    return ColumnHours.of(now, past, deviation=1.0 * UNIT, reach=reach)


def with_hour(column, hour, *, missing=None, shift=0.0):
    lacking, totals = column.missing.copy(), list(column.totals)
    totals[hour] += round(UNIT * shift * int(column.observed[hour]))
    lacking[hour] = lacking[hour] if missing is None else missing
    return HourlyColumn(rows=column.rows, missing=lacking, observed=column.observed, totals=tuple(totals))


@pytest.mark.parametrize(("shift", "words"), [(2.0, "values higher"), (-2.0, "values lower")])
def test_hour_with_other_values_is_named(shift, words):
    random = np.random.default_rng(1)
    now = with_hour(of_day(random, draw=random.normal), 14, shift=shift)
    finding = hourly_finding(history(now, random, draw=random.normal))

    assert finding.p_value < 1e-4
    assert finding.words == f"{words} from 14:00 to 15:00"
    assert finding.effect == pytest.approx(shift, abs=0.4)


def test_hour_without_values_is_named():
    random = np.random.default_rng(2)
    now = of_day(random, draw=random.normal)
    finding = hourly_finding(history(with_hour(now, 9, missing=int(now.rows[9])), random, draw=random.normal))

    assert finding.p_value < 1e-4
    assert finding.words == "more values missing from 09:00 to 10:00"


def test_few_days_say_nothing_of_hours():
    random = np.random.default_rng(3)

    assert history(of_day(random, draw=random.normal), random, draw=random.normal, days=6) is None


@pytest.mark.parametrize("law", ["normal", "lognormal", "standard_cauchy"])
@pytest.mark.parametrize("days", [7, 28])
def test_healthy_days_alarm_at_most_at_the_level(law, days):
    random = np.random.default_rng(4)
    draw = getattr(random, law)
    found = []
    for _ in range(60):
        now, reach = drawn(random, draw=draw)
        found.append(hourly_finding(history(now, random, draw=draw, days=days, reach=reach)).p_value)

    # 9 of 60 have a chance of one in a hundred at 0.05
    assert sum(p_value <= 0.05 for p_value in found) <= 8
    assert sum(p_value <= 0.001 for p_value in found) <= 1
