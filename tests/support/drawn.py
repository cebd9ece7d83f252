"""ColumnDays on which nothing happens, and days with one fault, as profiles.

30 columns: ten normal, ten lognormal (both of mean 0 and standard deviation 1), ten of eight levels, each with 1 %
of nulls; and a segment of three values. The rows of a day are a Poisson count. Tests may draw fewer columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.evaluation.evaluate import PartitionEvidence
from airflow_mlmon.evaluation.evidence import Comparisons
from airflow_mlmon.evaluation.history import ColumnDays, base_shares
from airflow_mlmon.evaluation.series import Point
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import MetricValue, SubjectKey
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.tasks.summary import summary_metrics

NORMAL = tuple(f"normal_{at}" for at in range(10))
LOGNORMAL = tuple(f"lognormal_{at}" for at in range(10))
LEVELS = tuple(f"level_{at}" for at in range(10))
SEGMENTS = ("east", "north", "west")
NULLS = 0.01
_FIRST = date(2026, 1, 1)
_LEVEL_NAMES = np.array([*"abcdefgh", "new"])
_LEVEL_SHARES = np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.07, 0.04, 0.02])
_SCHEMA_ROWS = 20_000

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Rows:
    """A day before it is a table: numbers and level codes by column, and which of them are null."""

    numbers: Columns
    levels: dict[str, npt.NDArray[np.int64]]
    nulls: dict[str, npt.NDArray[np.bool_]]

    def table(self, random: np.random.Generator) -> pa.Table:
        """The rows as the product reads them."""
        rows = len(next(iter(self.nulls.values())))
        arrays = {
            **{name: pa.array(values, mask=self.nulls[name]) for name, values in self.numbers.items()},
            **{
                name: pa.DictionaryArray.from_arrays(
                    pa.array(codes.astype(np.int32), mask=self.nulls[name]), _LEVEL_NAMES
                ).cast(pa.string())
                for name, codes in self.levels.items()
            },
            "region": pa.array(np.array(SEGMENTS)[random.integers(0, len(SEGMENTS), rows)]),
        }
        return pa.table(arrays)


Fault = Callable[[Rows, np.random.Generator], Rows]


def spec(each: int = 10) -> ModelSpec:
    """What is declared of the days, with so many columns of each kind."""
    columns: dict[str, dict[str, str]] = {
        "id": {"type": "string", "role": "id"},
        "at": {"type": "timestamp", "role": "time"},
        **{name: {"type": "float"} for name in (*NORMAL[:each], *LOGNORMAL[:each])},
        **{name: {"type": "category"} for name in (*LEVELS[:each], "region")},
    }
    return ModelSpec.model_validate(
        {
            "model": "healthy",
            "start": _FIRST,
            "predictions": {"path": "predictions/{date}", "columns": columns},
            "reference": {"path": "reference"},
            "segments": ["region"],
        }
    )


def draw(random: np.random.Generator, rows: int, daily: float = 0.0, each: int = 10) -> Rows:
    """A day of so many rows; the mean of each number varies from day to day by `daily` standard deviations."""
    spread = math.sqrt((math.e - 1) * math.e)
    numbers = {name: random.normal(size=rows) for name in NORMAL[:each]}
    numbers |= {name: (random.lognormal(size=rows) - math.exp(0.5)) / spread for name in LOGNORMAL[:each]}
    if daily:
        numbers = {name: values + daily * random.normal() for name, values in numbers.items()}
    levels = {name: random.choice(len(_LEVEL_SHARES), rows, p=_LEVEL_SHARES) for name in LEVELS[:each]}
    nulls = {name: random.random(rows) < NULLS for name in (*numbers, *levels)}
    return Rows(numbers, levels, nulls)


class World:
    """Draws days and keeps what the product would keep of them."""

    def __init__(self, seed: int, rows: int, *, daily: float = 0.0, each: int = 10) -> None:
        self.spec = spec(each)
        self.random = np.random.default_rng(seed)
        self.rows = rows
        self.daily = daily
        self.each = each
        self._schema: ProfileSchema = pin_schema(
            self.spec, draw(self.random, _SCHEMA_ROWS, each=each).table(self.random)
        )
        self.comparisons = Comparisons()
        self._past: list[tuple[date, Profile, list[MetricValue]]] = []

    def day(self, fault: Fault | None = None, rows: int | None = None) -> Profile:
        """The profile of a new day."""
        count = int(self.random.poisson(self.rows)) if rows is None else rows
        drawn = draw(self.random, max(count, 1), self.daily, self.each)
        if fault:
            drawn = fault(drawn, self.random)
        return profile_table(drawn.table(self.random), self._schema)

    def remember(self, profile: Profile, days: int) -> None:
        """Make it the last of so many days before the next one."""
        day = _FIRST + timedelta(days=0) if not self._past else self._past[-1][0] + timedelta(days=1)
        self._past = [*self._past, (day, profile, self._metrics(profile))][-days:]

    def evidence(self, profile: Profile, baseline: Profile) -> PartitionEvidence:
        """What the nightly run would evaluate the day by."""
        day = self._past[-1][0] + timedelta(days=1) if self._past else _FIRST
        baselines = {name: (baseline, frozenset[date]()) for name in baseline.columns}
        days = ColumnDays(
            day=day,
            now=profile,
            past=[(past, own) for past, own, _ in self._past],
            baselines=baselines,
            comparisons=self.comparisons,
        )
        past: dict[SubjectKey, list[tuple[date, Point]]] = {}
        for before, _, metrics in self._past:
            for value in metrics:
                if value.value is not None:
                    past.setdefault(value.key, []).append((before, Point(value=value.value, rows=value.rows)))
        return PartitionEvidence(
            day=day,
            metrics=self._metrics(profile),
            past=past,
            columns=days.columns(),
            base=base_shares(baselines, baseline),
            parts=days.parts,
        )

    def _metrics(self, profile: Profile) -> list[MetricValue]:
        scores = [
            MetricValue(metric="drift_score", column=name, value=None, rows=column.observed)
            for name, column in profile.columns.items()
        ]
        return [*summary_metrics(profile, self.spec), *scores]
