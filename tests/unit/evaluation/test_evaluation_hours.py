from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from airflow_mlmon.evaluation.hours import RowHours, evaluate_row_hours
from airflow_mlmon.profiles.hours import Hours
from airflow_mlmon.profiles.schema import ProfileSchema

START = date(2026, 3, 2)
CURVE = np.exp(-(((np.arange(24) - 14) / 4) ** 2)) + 0.02
SHARES = CURVE / CURVE.sum()
FLAT = np.full(24, 1 / 24)


def no_floor(_: int) -> float:
    return 0.0


def drawn(random, rows, shares=SHARES, *, volume=0.0):
    return random.poisson(rows * np.exp(volume * random.normal()) * shares)


def history(now, *, days=14, rows=5_000, shares=SHARES, seed=1, volume=0.0):
    random = np.random.default_rng(seed)
    past = [(START + timedelta(at), drawn(random, rows, shares, volume=volume)) for at in range(days)]
    return RowHours(day=START + timedelta(days), now=np.asarray(now), past=past)


def usual(rows=5_000, shares=SHARES):
    return np.rint(rows * shares).astype(np.int64)


def changed(**hours):
    rows = usual()
    for name, count in hours.items():
        rows[int(name.removeprefix("at"))] = count
    return rows


def test_missing_hour_is_named_with_its_rows():
    found = history(changed(at14=0))
    finding = evaluate_row_hours(found, no_floor)

    assert finding.p_value < 1e-5
    assert finding.words == "no rows from 14:00 to 15:00, 680 expected"
    assert found.distance == pytest.approx(SHARES[14], abs=0.04)


@pytest.mark.parametrize("days", [3, 7, 28])
def test_missing_hours_are_one_gap(days):
    finding = evaluate_row_hours(history(changed(at13=0, at14=0, at15=0), days=days), no_floor)

    assert finding.p_value < 1e-5
    assert finding.words.startswith("no rows from 13:00 to 16:00, ")


def test_burst_is_found():
    finding = evaluate_row_hours(history(changed(at3=400)), no_floor)

    assert finding.p_value < 1e-5
    assert finding.words.startswith("400 rows from 03:00 to 04:00, ")


@pytest.mark.parametrize(("lag", "words"), [(2, "rows come 2 hours later"), (-1, "rows come 1 hour earlier")])
def test_shifted_time_zone_is_named(lag, words):
    finding = evaluate_row_hours(history(np.roll(usual(), lag)), no_floor)

    assert finding.p_value < 1e-3
    assert finding.words == f"{words} than expected"


def test_feed_that_is_stuck_has_all_later_rows_in_one_hour():
    rows = usual()
    rows[16] += rows[17:].sum()
    rows[17:] = 0

    assert evaluate_row_hours(history(rows), no_floor).p_value < 1e-5


def test_gap_of_a_small_model_is_found():
    rows = usual(480, FLAT)
    rows[8:16] = 0
    finding = evaluate_row_hours(history(rows, rows=480, shares=FLAT), no_floor)

    assert finding.p_value < 1e-3


def test_weekends_of_another_shape_are_no_change():
    random = np.random.default_rng(5)

    def of_day(day):
        return drawn(random, 5_000, np.roll(SHARES, 3) if day.weekday() > 4 else SHARES)

    days = [START + timedelta(at) for at in range(34)]
    past = [(day, of_day(day)) for day in days[:-1]]

    assert evaluate_row_hours(RowHours(day=days[-1], now=of_day(days[-1]), past=past), no_floor).p_value > 0.05


def test_what_is_lacking_is_said():
    assert history(usual(), days=2).lack == "2 days of history with event times, fewer than 3"
    assert history(np.zeros(24, dtype=int)).lack == "no event times"
    midnight = np.eye(24, dtype=int)[0]
    assert history(100 * midnight, shares=midnight * 1.0).lack == "all event times are in one hour"


@pytest.mark.parametrize(
    ("days", "rows", "shares", "volume"),
    [(7, 500, SHARES, 0.0), (28, 5_000, SHARES, 0.3), (3, 5_000, FLAT, 0.0), (28, 50, SHARES, 0.0)],
)
def test_healthy_days_alarm_at_most_at_the_level(days, rows, shares, volume):
    random = np.random.default_rng(9)
    found = [
        evaluate_row_hours(
            history(
                drawn(random, rows, shares, volume=volume),
                days=days,
                rows=rows,
                shares=shares,
                seed=seed,
                volume=volume,
            ),
            no_floor,
        ).p_value
        for seed in range(60)
    ]

    # 9 of 60 have a chance of one in a hundred at 0.05
    assert sum(p_value <= 0.05 for p_value in found) <= 8
    assert sum(p_value <= 0.001 for p_value in found) <= 1


def collected(counts, past):
    nothing = ProfileSchema(model="flights", columns=())
    rows, *before = (Hours.of(nothing, np.array(of_day), {}) for of_day in (counts, *past))
    return RowHours.of(START, rows, [(START - timedelta(1 + at), one) for at, one in enumerate(before)], season="auto")


def test_the_hours_of_equal_counts_are_worked_out_once():
    assert collected(usual(), [usual()] * 3) is collected(usual(), [usual()] * 3)


def test_other_counts_of_the_day_or_of_a_past_day_have_other_hours():
    known = collected(usual(), [usual()] * 3)

    assert collected(changed(at9=7), [usual()] * 3).now[9] == 7
    assert collected(usual(), [usual(), usual(), changed(at9=7)]).past[2][1][9] == 7
    assert known.now[9] == usual()[9]
