"""Planting of faults: the day, the kinds of fault, and the choice of columns and rows."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from tests.benchmarks.faults.source import Source

STRENGTHS = ("mild", "middle", "strong")
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Planted:
    """A day with a fault.

    Attributes:
        rows: its predictions; None where they are untouched.
        named: words one of which the first line of a right alert has: columns, or what is wrong with the rows.
        labels: its labels; None where they are untouched.
        texts: columns that are archived as text.
        is_labelled: whether the labels of the next day are known, which show faults of the outputs.
    """

    rows: pd.DataFrame | None
    named: tuple[str, ...]
    labels: pd.DataFrame | None = None
    texts: frozenset[str] = frozenset()
    is_labelled: bool = False

    @property
    def view(self) -> str:
        """What of the day is looked at: `rows`, on its night; `outputs`, with its labels too; or its `labels`."""
        return "labels" if self.labels is not None else "outputs" if self.is_labelled else "rows"


@dataclass(frozen=True, slots=True)
class Day:
    """An untouched day that a fault is planted in; the draws are those of the kind and the day, at each strength."""

    source: Source
    date: date
    random: np.random.Generator

    @classmethod
    def of(cls, source: Source, day: date, kind: str) -> Day:
        """The day for a kind of fault."""
        seed = zlib.crc32(f"{source.name} {kind} {day}".encode())
        return cls(source, day, np.random.default_rng(seed))

    @property
    def rows(self) -> pd.DataFrame:
        """A copy of its rows."""
        return self.source.by_day[self.date].copy()

    @property
    def week_before(self) -> pd.DataFrame:
        """The rows of the day a week before, with its own times."""
        rows = self.source.by_day[self.date - _WEEK].copy()
        time = self.source.of_role("time")
        rows[time] = rows[time] + _WEEK
        return rows

    def pick(self, names: Sequence[str], fits: Callable[[pd.Series], bool] = lambda _: True) -> str:
        """One of the columns that fit, at random; empty if none does."""
        rows = self.source.by_day[self.date]
        fitting = [name for name in names if fits(rows[name])]
        return str(self.random.choice(fitting)) if fitting else ""

    def some(self, share: float, among: np.ndarray | None = None) -> np.ndarray:
        """A share of the rows that may be chosen, at random, but at least one: those of a smaller share among them."""
        places = np.arange(len(self.source.by_day[self.date])) if among is None else np.flatnonzero(among)
        chosen = self.random.permutation(places)[: max(1, round(share * len(places)))]
        mask = np.zeros(len(self.source.by_day[self.date]), bool)
        mask[chosen] = True
        return mask

    def plant(self, kind: Kind, amount: float) -> Planted | None:
        """The day with a fault; None where the kind does not fit, or nothing would differ."""
        planted = kind.plant(self, amount)
        if planted is None:
            return None
        own, source = self.source.by_day[self.date], self.source
        if planted.rows is None:
            return None if source.to_labels(planted.labels).equals(source.to_labels(own)) else planted
        is_same = source.to_table(planted.rows, planted.texts).equals(source.to_table(own))
        return None if is_same else planted


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and its three strengths, which were fixed before any result was seen.

    Attributes:
        name: of the key `recall_<name>`.
        strengths: mild, middle and strong, in the words of `plant`.
        plant: plants it; None where the day has nothing that it fits.
    """

    name: str
    strengths: tuple[float, float, float]
    plant: Callable[[Day, float], Planted | None] = field(repr=False)


def is_changing(column: pd.Series) -> bool:
    """Whether it has two different values."""
    return column.dropna().nunique() > 1  # noqa: PD101 - columns of all types


def is_varied(column: pd.Series) -> bool:
    """Whether at least half of the rows have a value other than zero, and these differ."""
    values = column[column.notna() & (column != 0)]
    return len(values) >= len(column) / 2 and is_changing(values)


def is_continuous(column: pd.Series) -> bool:
    """Whether it is varied, with at least ten different values."""
    return is_varied(column) and column.nunique() >= 10


def has_values(column: pd.Series) -> bool:
    """Whether at least half of the rows have a value."""
    return bool(column.notna().mean() >= 0.5)
