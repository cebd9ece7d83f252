"""Measures how often healthy days alarm, and faults do not: `make bench-alerts`.

Every day is drawn, profiled and evaluated by the product's code, with its defaults: family-wise 5 %, effects of 0.1.
With `ARGS="--days 50"` each setting has at most so many days; `--only power_half_rows` measures one figure.

    null_alarm_50 … null_alarm_50000   share of days with any alarm on which nothing has changed; 30 columns of
                                       three kinds and three segments; the larger one of two settings: without
                                       history, against one baseline of as many rows that is drawn anew each
                                       day; and with 60 past days
    night_alarm_50 … night_alarm_5000  share of healthy days with any alert, of a model with labels, after every step
                                       of the nightly run, checks and pages included; 200 days each of three seeds
    null_alarm_unequal                 the same of 1,000 rows against a baseline of 20,000 and of 200; the larger
    null_alarm_daily_variation         of 5,000 rows, the mean of each number varying from day to day by 0.1
                                       standard deviations, as it does on the 60 past days
    power_…                            share of days of 5,000 rows with the named fault on which it is found
                                       that day, in the column that has it, with 60 past days

evidently's and NannyML's defaults are asked about the same days, some of them, where they are installed: whether any
column has drifted by evidently's preset; whether any is outside NannyML's thresholds from the past days as chunks.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.evaluation.evaluate import evaluate_day
from airflow_mlmon.evaluation.evidence import Comparisons
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from tests.benchmarks.alerts import faults, nights, peers
from tests.benchmarks.report import Report
from tests.support.drawn import LEVELS, LOGNORMAL, NORMAL, Fault, World

_PAST = 60
_DAILY = 0.1
# days of each setting, fewer where a day takes long
_NULL_DAYS = {50: 1_000, 200: 1_000, 500: 1_000, 1_000: 1_000, 5_000: 500, 50_000: 100}
_POWER_DAYS = 200
_POWER_ROWS = 5_000
_RENEWED = 100
_POLICY = EvaluationPolicy()


@dataclass(frozen=True, slots=True)
class Setting:
    """A fault, and the column or metric in which it is to be found."""

    subject: str
    fault: Fault | None = None
    rows: int | None = None
    daily: float = 0.0


_POWER = {
    "shift_0_2sd": Setting(NORMAL[3], faults.shifted(0.2)),
    "new_category_2pct": Setting(LEVELS[4], faults.new_category),
    "nulls_1_to_3pct": Setting(LOGNORMAL[2], faults.nulls),
    "unit_x100": Setting(NORMAL[5], faults.other_unit),
    "swapped_columns": Setting(NORMAL[1], faults.swapped),
    "stuck_value": Setting(NORMAL[7], faults.stuck),
    "half_rows": Setting("rows", rows=_POWER_ROWS // 2),
    "shift_0_5sd_daily": Setting(NORMAL[3], faults.shifted(0.5), daily=_DAILY),
}
_GOALS = {
    **{f"null_alarm_{rows}": "<= 0.05" for rows in _NULL_DAYS},
    **{f"night_alarm_{rows}": "<= 0.05" for rows in nights.SIZES},
    "null_alarm_unequal": "<= 0.05",
    "null_alarm_daily_variation": "<= 0.05",
    # the last one has no goal
    **{f"power_{name}": "" if setting.daily else ">= 0.95" for name, setting in _POWER.items()},
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure, what to print beside it, and what it comes of."""

    figure: float
    note: str
    detail: dict[str, Any]


def null(rows: int, most: int) -> Measured:
    """Healthy days, without history and with it."""
    days = min(_NULL_DAYS[rows], most)
    found = {
        "without_history": _alone(rows, rows, days, seed=rows),
        "with_history": _healthy(World(rows + 1, rows), days),
    }
    return _worst(found, days)


def unequal(most: int) -> Measured:
    """Healthy days against a baseline of another size."""
    days = min(_NULL_DAYS[1_000], most)
    return _worst({f"baseline_{base}": _alone(1_000, base, days, seed=base) for base in (20_000, 200)}, days)


def varying(most: int) -> Measured:
    """Healthy days that vary."""
    days = min(_NULL_DAYS[_POWER_ROWS], most)
    return _worst({"with_history": _healthy(World(7, _POWER_ROWS, daily=_DAILY), days)}, days)


def power(setting: Setting, most: int) -> Measured:
    """Days with a fault, found by a verdict on what has it."""
    days = min(_POWER_DAYS, most)
    world = World(11, _POWER_ROWS, daily=setting.daily)
    hits = 0
    for baseline in _renewed(world, days):
        profile = world.day(setting.fault, setting.rows)
        found = _breaches(world, profile, baseline)
        hits += any(setting.subject in {verdict.column, verdict.metric} for verdict in found)
        # the fault lasts one day: the next one has a healthy past
        world.remember(world.day(), _PAST)
    return Measured(hits / days, f"{days} days", {"days": days, "found": hits})


def _worst(found: dict[str, int], days: int) -> Measured:
    error = math.sqrt(0.05 * 0.95 / days)
    each = ", ".join(f"{name} {count / days:.3f}" for name, count in found.items())
    return Measured(
        max(found.values()) / days,
        f"{days} days each: {each}; sampling error of 0.05: {error:.3f}",
        {"days": days, "alarms": found},
    )


def _breaches(world: World, profile: Any, baseline: Any) -> list[Verdict]:
    verdicts = evaluate_day(world.evidence(profile, baseline), _POLICY)
    return [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]


def _alone(rows: int, base_rows: int, days: int, seed: int) -> int:
    """Days with an alarm of so many that have a baseline each and no past."""
    world = World(seed, rows)
    return sum(bool(_breaches(world, world.day(rows=rows), world.day(rows=base_rows))) for _ in range(days))


def _healthy(world: World, days: int) -> int:
    """Days with an alarm of so many in a row, each with the days before as its past."""
    alarms = 0
    for baseline in _renewed(world, days):
        profile = world.day()
        alarms += bool(_breaches(world, profile, baseline))
        world.remember(profile, _PAST)
    return alarms


def _renewed(world: World, days: int) -> Any:
    """A baseline of ten days' rows for each day; drawn anew, with a new past, after each hundred."""
    for day in range(days):
        if day % _RENEWED == 0:
            world.comparisons = Comparisons()
            baseline = world.day(rows=10 * world.rows)
            for _ in range(_PAST):
                world.remember(world.day(), _PAST)
        yield baseline


def night(rows: int, most: int) -> Measured:
    """Healthy days after every step of the nightly run."""
    days = min(nights.DAYS, most)
    found = {str(seed): nights.alarms(rows, days, seed) for seed in nights.SEEDS}
    each = ", ".join(f"seed {seed} {len(alarmed) / days:.3f}" for seed, alarmed in found.items())
    texts = {f"{seed} {day}": told for seed, alarmed in found.items() for day, told in alarmed.items()}
    figure = sum(map(len, found.values())) / days / len(found)
    return Measured(figure, f"{days} days each: {each}", {"days": days, "alarms": texts})


def measure(key: str, most: int) -> Measured:
    """One figure, in a process of its own."""
    if key.startswith("night_alarm_"):
        return night(int(key.removeprefix("night_alarm_")), most)
    match key.removeprefix("null_alarm_"):
        case "unequal":
            return unequal(most)
        case "daily_variation":
            return varying(most)
        case rows if rows.isdigit():
            return null(int(rows), most)
    return power(_POWER[key.removeprefix("power_")], most)


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=_GOALS, metavar="FIGURE")
    parser.add_argument("--days", type=int, default=10_000, help="at most so many days a setting")
    parser.add_argument("--no-peers", action="store_true", help="do not ask evidently and NannyML")
    parsed = parser.parse_args()
    report = Report(name="alerts", goals=_GOALS)
    began = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        running = {pool.submit(measure, key, parsed.days): key for key in parsed.only or _GOALS}
        for done in as_completed(running):
            key, measured = running[done], done.result()
            report.figures[key], report.notes[key] = measured.figure, measured.note
            report.details[key] = measured.detail
            sys.stderr.write(f"{time.perf_counter() - began:6.0f} s  {key} {measured.figure:.3f}, {measured.note}\n")
    if not parsed.no_peers and not parsed.only:
        report.details["peers"] = peers.compare(min(parsed.days, peers.DAYS))
    report.details["seconds"] = time.perf_counter() - began
    report.write()


if __name__ == "__main__":
    main()
