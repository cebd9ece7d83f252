"""Figures of a benchmark by key: what measures each, and what it returns."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure, what to print beside it, and what it comes of."""

    figure: float
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """A figure: its goal, and what measures it."""

    goal: str
    measure: Callable[[], Measured]


def measure_keys(name: str, description: str, keys: Mapping[str, Key]) -> None:
    """Measure all figures of a benchmark, or those that `--only` names, and report them."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--only", action="append", choices=sorted(keys), help="a key to measure; may be repeated")
    report = Report(name=name, goals={key: one.goal for key, one in keys.items()})
    for key in parser.parse_args().only or keys:
        sys.stderr.write(f"{key} …\n")
        found = keys[key].measure()
        report.figures[key], report.notes[key], report.details[key] = found.figure, found.note, found.details
    report.write()
