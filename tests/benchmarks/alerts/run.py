"""Measures how often quiet nights alarm, and faults do not: `make bench-alerts`.

Every night is drawn, profiled and judged by the product's code, with its defaults: family-wise 5 %, effects of 0.1.
With `ARGS="--nights 50"` each setting has at most so many nights; `--only power_half_rows` measures one figure.

    null_alarm_50 … null_alarm_50000   share of nights with any alarm on which nothing has changed; 30 columns of
                                       three kinds and three segments; the larger one of two settings: without
                                       history, against one baseline of as many rows that is drawn anew each
                                       night; and with 60 past nights
    null_alarm_unequal                 the same of 1,000 rows against a baseline of 20,000 and of 200; the larger
    null_alarm_daily_variation         of 5,000 rows, the mean of each number varying from night to night by 0.1
                                       standard deviations, as it does on the 60 past nights
    power_…                            share of nights of 5,000 rows with the named fault on which it is found
                                       that night, in the column that has it, with 60 past nights

evidently's and NannyML's defaults are asked about the same nights, some of them, where they are installed: whether any
column has drifted by evidently's preset; whether any is outside NannyML's thresholds from the past nights as chunks.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.judgement.histories import Comparisons
from airflow_mlmon.judgement.night import judge_night
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.judgement import Judgement
from tests.benchmarks.alerts import faults, peers
from tests.benchmarks.alerts.nights import LEVELS, LOGNORMAL, NORMAL, Fault, World
from tests.benchmarks.report import Report

_PAST = 60
_DAILY = 0.1
# nights of each setting, fewer where a night takes long
_NULL_NIGHTS = {50: 1_000, 200: 1_000, 500: 1_000, 1_000: 1_000, 5_000: 500, 50_000: 100}
_POWER_NIGHTS = 200
_POWER_ROWS = 5_000
_RENEWED = 100
_POLICY = Judgement()
_POWER = (
    "shift_0_2sd",
    "new_category_2pct",
    "nulls_1_to_3pct",
    "unit_x100",
    "swapped_columns",
    "stuck_value",
    "half_rows",
)
_GOALS = {
    **{f"null_alarm_{rows}": "<= 0.05" for rows in _NULL_NIGHTS},
    "null_alarm_unequal": "<= 0.05",
    "null_alarm_daily_variation": "<= 0.05",
    **{f"power_{name}": ">= 0.95" for name in _POWER},
    "power_shift_0_5sd_daily": "",
}


@dataclass(kw_only=True)
class Bench:
    """Measures and keeps what was measured."""

    most: int
    report: Report

    def null(self, rows: int) -> None:
        """Quiet nights, without history and with it."""
        nights = min(_NULL_NIGHTS[rows], self.most)
        found = {
            "without_history": _alone(rows, rows, nights, seed=rows),
            "with_history": _quiet(World(rows + 1, rows), nights),
        }
        self._keep_worst(f"null_alarm_{rows}", found, nights)

    def unequal(self) -> None:
        """Quiet nights against a baseline of another size."""
        nights = min(_NULL_NIGHTS[1_000], self.most)
        found = {f"baseline_{base}": _alone(1_000, base, nights, seed=base) for base in (20_000, 200)}
        self._keep_worst("null_alarm_unequal", found, nights)

    def daily(self) -> None:
        """Quiet nights that vary."""
        nights = min(_NULL_NIGHTS[_POWER_ROWS], self.most)
        found = {"with_history": _quiet(World(7, _POWER_ROWS, daily=_DAILY), nights)}
        self._keep_worst("null_alarm_daily_variation", found, nights)

    def power(
        self, key: str, fault: Fault | None, subject: str, *, rows: int | None = None, daily: float = 0.0
    ) -> None:
        """Nights with a fault, found by a verdict on the column that has it."""
        nights = min(_POWER_NIGHTS, self.most)
        world = World(11, _POWER_ROWS, daily=daily)
        hits = 0
        for baseline in _renewed(world, nights):
            profile = world.night(fault, rows)
            hits += any(subject in {verdict.column, verdict.metric} for verdict in _breaches(world, profile, baseline))
            # the fault lasts one night: the next one has a quiet past
            world.remember(world.night(), _PAST)
        self._keep(key, hits / nights, f"{nights} nights")
        self.report.details[key] = {"nights": nights, "found": hits}

    def _keep_worst(self, key: str, found: dict[str, int], nights: int) -> None:
        error = math.sqrt(0.05 * 0.95 / nights)
        each = ", ".join(f"{name} {count / nights:.3f}" for name, count in found.items())
        self._keep(key, max(found.values()) / nights, f"{nights} nights each: {each}; sampling error {error:.3f}")
        self.report.details[key] = {"nights": nights, "alarms": found, "sampling_error_of_0.05": error}

    def _keep(self, key: str, figure: float, note: str) -> None:
        self.report.figures[key] = figure
        self.report.notes[key] = note
        sys.stderr.write(f"{key} {figure:.3f}, {note}\n")


def _breaches(world: World, profile: Any, baseline: Any) -> list[Verdict]:
    verdicts = judge_night(world.evidence(profile, baseline), _POLICY)
    return [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]


def _alone(rows: int, base_rows: int, nights: int, seed: int) -> int:
    """Nights with an alarm of so many that have a baseline each and no past."""
    world = World(seed, rows)
    return sum(bool(_breaches(world, world.night(rows=rows), world.night(rows=base_rows))) for _ in range(nights))


def _quiet(world: World, nights: int) -> int:
    """Nights with an alarm of so many in a row, each with the nights before as its past."""
    alarms = 0
    for baseline in _renewed(world, nights):
        profile = world.night()
        alarms += bool(_breaches(world, profile, baseline))
        world.remember(profile, _PAST)
    return alarms


def _renewed(world: World, nights: int) -> Any:
    """A baseline of ten nights' rows for each night; drawn anew, with a new past, after each hundred."""
    for night in range(nights):
        if night % _RENEWED == 0:
            world.comparisons = Comparisons()
            baseline = world.night(rows=10 * world.rows)
            for _ in range(_PAST):
                world.remember(world.night(), _PAST)
        yield baseline


def _measures(bench: Bench) -> dict[str, Callable[[], None]]:
    power = bench.power
    nulls = {f"null_alarm_{rows}": (lambda rows=rows: bench.null(rows)) for rows in _NULL_NIGHTS}
    return {
        **nulls,
        "null_alarm_unequal": bench.unequal,
        "null_alarm_daily_variation": bench.daily,
        "power_shift_0_2sd": lambda: power("power_shift_0_2sd", faults.shifted(0.2), NORMAL[3]),
        "power_new_category_2pct": lambda: power("power_new_category_2pct", faults.new_category, LEVELS[4]),
        "power_nulls_1_to_3pct": lambda: power("power_nulls_1_to_3pct", faults.nulls, LOGNORMAL[2]),
        "power_unit_x100": lambda: power("power_unit_x100", faults.other_unit, NORMAL[5]),
        "power_swapped_columns": lambda: power("power_swapped_columns", faults.swapped, NORMAL[1]),
        "power_stuck_value": lambda: power("power_stuck_value", faults.stuck, NORMAL[7]),
        "power_half_rows": lambda: power("power_half_rows", None, "rows", rows=_POWER_ROWS // 2),
        "power_shift_0_5sd_daily": lambda: power(
            "power_shift_0_5sd_daily", faults.shifted(0.5), NORMAL[3], daily=_DAILY
        ),
    }


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="FIGURE")
    parser.add_argument("--nights", type=int, default=10_000, help="at most so many nights a setting")
    parser.add_argument("--no-peers", action="store_true", help="do not ask evidently and NannyML")
    parsed = parser.parse_args()
    report = Report(name="alerts", goals=_GOALS)
    measures = _measures(Bench(most=parsed.nights, report=report))
    began = time.perf_counter()
    for key in parsed.only or measures:
        measures[key]()
    if not parsed.no_peers and not parsed.only:
        report.details["peers"] = peers.compare(min(parsed.nights, peers.NIGHTS))
    report.details["seconds"] = time.perf_counter() - began
    report.write()


if __name__ == "__main__":
    main()
