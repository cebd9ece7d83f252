"""Measures which faults in real data are found, and how: `make bench-faults`.

Each model's reference is pinned and its days are run through the pipeline, as every night would have; then each kind of
fault is planted, at three strengths, in 20 days, and each of these goes through the steps of a night from the archive
to the alerts, which are not published. The kinds and strengths are in `numbers.py`, `texts.py`, `volume.py` and
`outputs.py`, the data sets in `data.py`. Great Expectations' checks and Evidently's report are left out.

With `ARGS="--only unit_10 --data flights --days 5 --strength middle"` some kinds, data sets, days and strengths.

    recall_<kind>       share of the days with the fault at the middle strength with an alert that the same day without
                        the fault does not give
    recall_mild, recall_middle, recall_strong
                        the mean of the kinds at a strength
    named               share of the faults found whose column or subject the message's first line names
    alerts_per_fault    incidents told of a fault found, the mean
    false_share         share of the same days without a fault that give any alert; not all of these are false, as
                        storms and seasons are in the data
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.benchmarks.faults.data import SOURCES, available
from tests.benchmarks.faults.kinds import KINDS
from tests.benchmarks.faults.model import Monitored, Planting, Told
from tests.benchmarks.faults.planting import STRENGTHS, Day, Planted
from tests.benchmarks.faults.source import PLANTED, Source
from tests.benchmarks.report import BUILD, Report

_FOLDER = BUILD / "faults"
_PROCESSES = 2
_GOALS = {
    "recall_mild": "",
    "recall_middle": ">= 0.80",
    "recall_strong": ">= 0.95",
    "named": ">= 0.90",
    "false_share": "<= 0.05",
    "alerts_per_fault": "<= 1.2",
    **{f"recall_{name}": "" for name in KINDS},
}
_EXAMPLES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is told of one planted fault; `kind` is empty and nothing is planted on an untouched day."""

    data: str
    day: str
    kind: str
    strength: str
    subjects: tuple[str, ...]
    incidents: int
    named: bool
    lines: tuple[str, ...]

    @property
    def is_found(self) -> bool:
        """Whether any alert is given."""
        return self.incidents > 0


@cache
def _source(name: str) -> Source:
    return SOURCES[name]()


def _model(name: str) -> Monitored:
    return Monitored(source=_source(name), folder=(_FOLDER / name).absolute())


def run_history(name: str, days: int, *, keep: bool) -> float:
    """Run the days of a data set up to the last one that is planted in, unless they are kept; the seconds it takes."""
    began = time.perf_counter()
    model = _model(name)
    if keep and model.is_ready:
        return 0.0
    shutil.rmtree(model.folder, ignore_errors=True)
    # the labels of the last day come on the day after
    model.run_history(model.source.planted(days)[-1] + timedelta(days=1))
    return time.perf_counter() - began


def plant_day(name: str, day: date, kinds: list[str], strengths: Sequence[str]) -> list[Found]:
    """Plant each kind at each strength in one day."""
    model = _model(name)
    with model.opened(model.folder / f"scratch-{day}") as planting:
        return list(_of_day(planting, day, kinds, strengths))


def _of_day(planting: Planting, day: date, kinds: list[str], strengths: Sequence[str]) -> Any:
    source = planting.model.source
    healthy = planting.untouched(day)
    for view, told in healthy.items():
        # the labels of a day come with another one, whose alerts these are too
        if view != "labels":
            yield _found(Day.of(source, day, ""), view, Planted(None, ()), told)
    for kind in kinds:
        for strength, amount in zip(STRENGTHS, KINDS[kind].strengths, strict=True):
            if strength not in strengths:
                continue
            planted = Day.of(source, day, kind).plant(KINDS[kind], amount)
            if planted is None:
                continue
            told = planting.tell(day, planted).beyond(healthy[planted.view])
            yield replace(_found(Day.of(source, day, kind), strength, planted, told), kind=kind)


def _found(day: Day, strength: str, planted: Planted, told: Told) -> Found:
    first = told.first_line
    named = any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", first) for word in planted.named)
    return Found(
        data=day.source.name,
        day=day.date.isoformat(),
        kind="",
        strength=strength,
        subjects=planted.named[:2],
        incidents=told.incidents,
        named=named,
        lines=tuple(told.lines),
    )


def compute_figures(found: list[Found]) -> dict[str, float]:
    """The keys of what was planted."""
    figures: dict[str, float] = {}
    of_kind: dict[tuple[str, str], list[Found]] = defaultdict(list)
    for one in found:
        if one.kind:
            of_kind[one.kind, one.strength].append(one)
    recall = {key: sum(one.is_found for one in all_of) / len(all_of) for key, all_of in of_kind.items()}
    for strength in STRENGTHS:
        own = [share for (_, of_strength), share in recall.items() if of_strength == strength]
        if own:
            figures[f"recall_{strength}"] = sum(own) / len(own)
    hits = [one for one in found if one.kind and one.is_found]
    if hits:
        figures["named"] = sum(one.named for one in hits) / len(hits)
        figures["alerts_per_fault"] = sum(one.incidents for one in hits) / len(hits)
    untouched = {(one.data, one.day) for one in found if not one.kind}
    alarmed = {(one.data, one.day) for one in found if not one.kind and one.is_found}
    figures["false_share"] = len(alarmed) / len(untouched)
    return figures | {f"recall_{kind}": share for (kind, strength), share in recall.items() if strength == "middle"}


def _details(found: list[Found]) -> dict[str, Any]:
    """By kind, strength and data set, what was found of how many; examples; and each alarm of an untouched day."""
    planted, hit, named = (Counter[tuple[str, str, str]]() for _ in range(3))
    missed: dict[str, list[str]] = defaultdict(list)
    misnamed: dict[str, list[str]] = defaultdict(list)
    for one in found:
        if not one.kind:
            continue
        key = one.kind, one.strength, one.data
        planted[key] += 1
        hit[key] += one.is_found
        named[key] += one.named
        words = f"{one.data} {one.day} {one.strength} {'/'.join(one.subjects)}"
        if not one.is_found and one.strength != "mild":
            missed[one.kind].append(words)
        elif one.is_found and not one.named:
            misnamed[one.kind].append(f"{words}: {one.lines[0]}")
    table: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for (kind, strength, data), count in planted.items():
        own = kind, strength, data
        table[kind][data][strength] = f"{hit[own]} of {count} found, {named[own]} named"
    return {
        "kinds": table,
        "missed": missed,
        "misnamed": {kind: lines[: 4 * _EXAMPLES] for kind, lines in misnamed.items()},
        "several": [asdict(one) for one in found if one.kind and one.incidents > 1][: 20 * _EXAMPLES],
        "untouched": [
            {"data": one.data, "day": one.day, "of": one.strength, "lines": one.lines}
            for one in found
            if not one.kind and one.is_found
        ],
    }


def measure(
    names: list[str], kinds: list[str], days: int, strengths: Sequence[str] = STRENGTHS, *, keep: bool = False
) -> tuple[list[Found], dict[str, float]]:
    """Run the histories, then the days with faults, in two processes."""
    found: list[Found] = []
    began, seconds = time.perf_counter(), {}
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / "found.jsonl").open("w", encoding="utf-8") as lines, ProcessPoolExecutor(_PROCESSES) as pool:
        running: dict[Any, tuple[str, date | None]] = {
            pool.submit(run_history, name, days, keep=keep): (name, None) for name in names
        }
        while running:
            done = next(as_completed(running))
            name, day = running.pop(done)
            if day is None:
                seconds[name] = done.result()
                running |= {
                    pool.submit(plant_day, name, one, kinds, strengths): (name, one)
                    for one in _source(name).planted(days)
                }
            else:
                of_day = done.result()
                found += of_day
                # what is known can be read before the end
                lines.writelines(f"{json.dumps(asdict(one))}\n" for one in of_day)
                lines.flush()
            sys.stderr.write(f"{time.perf_counter() - began:6.0f} s  {name} {day or 'history'}\n")
    return sorted(found, key=lambda one: (one.kind, one.data, one.day)), seconds


def main() -> None:
    """Measure what was asked for, print it, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=KINDS, metavar="KIND")
    parser.add_argument("--data", action="append", choices=available(), metavar="DATA")
    parser.add_argument("--days", type=int, default=PLANTED, help="at most so many days of each data set")
    parser.add_argument("--keep", action="store_true", help="plant in the histories of the run before")
    parser.add_argument("--strength", action="append", choices=STRENGTHS)
    parsed = parser.parse_args()
    began = time.perf_counter()
    found, seconds = measure(
        parsed.data or available(), parsed.only or list(KINDS), parsed.days, parsed.strength or STRENGTHS
    )
    report = Report(name="faults", goals=_GOALS, figures=compute_figures(found), details=_details(found))
    report.details |= {"seconds": time.perf_counter() - began, "seconds_of_histories": seconds}
    Path(BUILD).mkdir(parents=True, exist_ok=True)
    report.write()


if __name__ == "__main__":
    main()
