"""What other tools say of the same faults, by their defaults: `make bench-faults-peers`.

On a subset: the flights and the car loans, each kind of fault in the rows, at the middle strength, in three days. They
see features and outputs, not ids and times. A tool finds a fault if it alarms in any column in which it does not alarm
on the same day without the fault.

    evidently   the drift preset, the day against all rows of the reference
    ranges      Great Expectations, with what an onboarding suite learns of the reference by day: the ranges of the
                rows, of each number's least, largest, mean and deviation, and of each column's empty share, and the
                sets of the categories
    nannyml     univariate drift, missing and unseen values and the row count, in chunks of a day
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.quality.known import Known
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from tests.benchmarks.alerts.peers import find_drifted
from tests.benchmarks.faults import run as ours
from tests.benchmarks.faults.data import SOURCES, available
from tests.benchmarks.faults.kinds import KINDS
from tests.benchmarks.faults.planting import Day
from tests.benchmarks.faults.source import Source
from tests.benchmarks.profiles.environments import interpreter
from tests.benchmarks.report import BUILD, Report
from tests.support.table_rows import TableRows

_DATA = ("flights", "car_loan")
_DAYS = 3
_MIDDLE = 1
_SILENT = {"NML_DISABLE_USAGE_LOGGING": "1", "DO_NOT_TRACK": "1"}
_TOOLS = ("evidently", "ranges", "nannyml")
_GOALS = {f"{what}_{tool}": "" for tool in ("mlmon", *_TOOLS) for what in ("recall", "false_share")}

Alarms = list[set[str]]


@dataclass(frozen=True, slots=True)
class Shown:
    """A day that the tools see; `kind` is empty where nothing is planted."""

    day: date
    kind: str
    rows: pd.DataFrame


def _shown(source: Source, days: list[date]) -> Iterator[Shown]:
    for day in days:
        yield Shown(day, "", _visible(source, source.by_day[day]))
        for name, kind in KINDS.items():
            planted = Day.of(source, day, name).plant(kind, kind.strengths[_MIDDLE])
            if planted is not None and planted.rows is not None:
                yield Shown(day, name, _visible(source, planted.rows))


def _visible(source: Source, rows: pd.DataFrame) -> pd.DataFrame:
    """What a person would hand to a tool: the features and outputs, numbers read where they can be."""
    names = [name for name, one in source.columns.items() if one.get("role") not in {"id", "time"}]
    frame = rows[names].reset_index(drop=True)
    numbers = [name for name in names if source.columns[name]["type"] in {"float", "integer"}]
    for name in numbers:
        frame[name] = pd.to_numeric(frame[name], errors="coerce").astype(float)
    return frame


def evidently(source: Source, shown: list[Shown]) -> Alarms:
    """The columns that drift by the preset."""
    reference = _reference(source)
    return [find_drifted(reference, one.rows) for one in shown]


def _reference(source: Source) -> pd.DataFrame:
    return _visible(source, pd.concat([source.by_day[day] for day in source.days[: source.reference]]))


def ranges(source: Source, shown: list[Shown]) -> Alarms:
    """The columns of expectations that fail; `rows` for that of the table."""
    past = [_visible(source, source.by_day[day]) for day in source.days[: source.reference]]
    checks = list(_learned(past))
    spec: ModelSpec = parse_spec(source.spec_text(Path("predictions"), Path("labels")), "spec.yaml")
    found = []
    for one in shown:
        outcomes = validate(TableRows.of(one.rows), checks, Known(spec))
        found.append({outcome.column or "rows" for outcome in outcomes if outcome.passed is False})
    return found


def _learned(past: list[pd.DataFrame]) -> Iterator[Check]:
    yield _between("expect_table_row_count_to_be_between", None, [len(rows) for rows in past])
    whole = pd.concat(past)
    for name in whole.columns:
        known = min(float(rows[name].notna().mean()) for rows in past)
        yield Check(expectation="expect_column_values_to_not_be_null", column=name, arguments={"mostly": known})
        if whole[name].dtype == float:
            for measure in ("min", "max", "mean"):
                each = [float(getattr(rows[name], measure)()) for rows in past]
                yield _between(f"expect_column_{measure}_to_be_between", name, each)
            yield _between("expect_column_stdev_to_be_between", name, [float(rows[name].std()) for rows in past])
        elif whole[name].dtype != bool:
            values = sorted(map(str, whole[name].dropna().unique()))
            yield Check(expectation="expect_column_values_to_be_in_set", column=name, arguments={"value_set": values})


def _between(expectation: str, column: str | None, values: list[float] | list[int]) -> Check:
    known = pd.Series(values).dropna()
    arguments = {"min_value": known.min().item(), "max_value": known.max().item()}
    return Check(expectation=expectation, column=column, arguments=arguments)


def nannyml(source: Source, shown: list[Shown]) -> Alarms:
    """The columns that any calculator alerts on; each day is shown under a date of its own."""
    time = source.of_role("time")
    at = pd.concat([source.by_day[day][time] for day in source.days[: source.reference]]).dt.tz_localize(None)
    reference = _reference(source).assign(**{time: at.to_numpy()})
    dates = pd.date_range("2100-01-01", periods=len(shown))
    current = pd.concat([one.rows.assign(**{time: at}) for one, at in zip(shown, dates, strict=True)])
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference.parquet", "current.parquet")]
        reference.to_parquet(paths[0])
        current.to_parquet(paths[1])
        script = Path(__file__).with_name("nannyml_daily.py")
        done = subprocess.run(
            [str(interpreter(BUILD, "nannyml")), str(script), *map(str, paths), time],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, **_SILENT},
        )
    alerts = json.loads(done.stdout.splitlines()[-1])
    return [set(alerts.get(str(at.date()), [])) for at in dates]


_ASK: dict[str, Callable[[Source, list[Shown]], Alarms]] = {
    "evidently": evidently,
    "ranges": ranges,
    "nannyml": nannyml,
}


def _count(shown: list[Shown], alarms: Alarms) -> tuple[dict[str, list[bool]], list[bool]]:
    """By kind, on which days it is found; and which untouched days have any alarm."""
    healthy = {one.day: columns for one, columns in zip(shown, alarms, strict=True) if not one.kind}
    found: dict[str, list[bool]] = {}
    for one, columns in zip(shown, alarms, strict=True):
        if one.kind:
            found.setdefault(one.kind, []).append(bool(columns - healthy[one.day]))
    return found, [bool(columns) for columns in healthy.values()]


def main() -> None:
    """Ask the tools and ourselves, and write the shares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", choices=available())
    parser.add_argument("--days", type=int, default=_DAYS)
    parser.add_argument("--tool", action="append", choices=_TOOLS)
    parsed = parser.parse_args()
    names = parsed.data or [name for name in _DATA if name in available()]
    report = Report(name="faults_peers", goals=_GOALS)
    of_rows: set[str] = set()
    for tool in parsed.tool or _TOOLS:
        found: dict[str, list[bool]] = {}
        healthy: list[bool] = []
        for name in names:
            source = SOURCES[name]()
            shown = list(_shown(source, source.planted(parsed.days)))
            of_set, of_days = _count(shown, _ASK[tool](source, shown))
            healthy += of_days
            for kind, days in of_set.items():
                found.setdefault(kind, []).extend(days)
        of_rows |= set(found)
        shares = {kind: sum(days) / len(days) for kind, days in found.items()}
        report.figures[f"recall_{tool}"] = sum(shares.values()) / len(shares)
        report.figures[f"false_share_{tool}"] = sum(healthy) / len(healthy)
        report.details[tool] = shares
        sys.stderr.write(f"{tool}: {report.figures[f'recall_{tool}']:.2f}\n")
    kinds = [kind for kind in KINDS if kind in of_rows]
    told, _ = ours.measure(names, kinds, parsed.days)
    own = ours.compute_figures(told)
    report.figures |= {"recall_mlmon": own["recall_middle"], "false_share_mlmon": own["false_share"]}
    report.details["mlmon"] = {kind: own[f"recall_{kind}"] for kind in kinds}
    report.write()


if __name__ == "__main__":
    main()
