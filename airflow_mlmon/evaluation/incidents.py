"""Breaches that belong together, each incident with its likely cause first.

Columns that usually move together, and break together, are one incident; so are columns that are empty on as many
rows, and a column and its segments, also those that it divides. What the model puts out and how well it does are
consequences: they belong to the incident that would move the score most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.profiles.columns.segment import divides
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.metrics import NULL_SHARE
from airflow_mlmon.tasks.registry import METRICS

# nights below which a correlation says nothing, and the least that ties two columns together
_FEWEST_NIGHTS = 10
_TIED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Breaches of a night that belong together.

    Attributes:
        breaches: The likely cause first, then by how much they matter.
        shift: How far the cause alone would move the mean score; None where that is not known.
    """

    breaches: tuple[Verdict, ...]
    shift: float | None = None

    @property
    def cause(self) -> Verdict:
        """The breach that most likely explains the others."""
        return self.breaches[0]


def group_breaches(
    breaches: Sequence[Verdict],
    columns: Mapping[str, ColumnHistory],
    shifts: Mapping[str, float],
    outputs: Sequence[str],
) -> list[Incident]:
    """The incidents of a night, the one that matters most first.

    Args:
        breaches: what is in breach.
        columns: the drift of each column over the nights, which shows what usually moves together.
        shifts: how far each column's drift alone would move the mean score.
        outputs: columns that the model puts out.
    """
    first = [breach for breach in breaches if not _is_consequence(breach, outputs)]
    consequences = sorted(
        (breach for breach in breaches if _is_consequence(breach, outputs)), key=lambda breach: _rank(breach, shifts)
    )
    groups: list[list[Verdict]] = []
    for breach in first:
        tied = [group for group in groups if any(_are_tied(breach, other, columns) for other in group)]
        merged = [breach, *(other for group in tied for other in group)]
        groups = [group for group in groups if group not in tied] + [merged]
    ordered = sorted(
        (sorted(group, key=lambda breach: _rank(breach, shifts)) for group in groups),
        key=lambda group: _rank(group[0], shifts),
    )
    if consequences:
        ordered = [[*(ordered[0] if ordered else []), *consequences], *ordered[1:]]
    return [
        Incident(breaches=tuple(group), shift=shifts.get(group[0].column or "") if group[0].column else None)
        for group in ordered
    ]


def _is_consequence(breach: Verdict, outputs: Sequence[str]) -> bool:
    return METRICS[breach.metric].of_model or breach.column in outputs


def _rank(breach: Verdict, shifts: Mapping[str, float]) -> tuple[float, bool, float, str, str, str]:
    """By the shift of the score, then the whole before its segments, then by effect."""
    column, segment = breach.column or "", breach.segment or ""
    shift, effect = abs(shifts.get(column, 0.0)), abs(breach.effect or 0.0)
    return -shift, bool(segment), -effect, breach.metric, column, segment


def _are_tied(one: Verdict, other: Verdict, columns: Mapping[str, ColumnHistory]) -> bool:
    first, second = _subject(one, columns), _subject(other, columns)
    if first is None or second is None:
        # rows that are missing explain no column, nor the other way round
        return first is second and one.metric == other.metric
    if first == second or _are_empty_together(one, other):
        return True
    return abs(_correlation(columns.get(first), columns.get(second))) >= _TIED


def _subject(breach: Verdict, columns: Mapping[str, ColumnHistory]) -> str | None:
    """The column that a breach is of; of the rows of a segment, the one that divides it."""
    if breach.column is None and breach.segment is not None:
        return next((name for name in columns if divides(name, breach.segment)), None)
    return breach.column


def _are_empty_together(one: Verdict, other: Verdict) -> bool:
    """Whether as many values are missing of both: a feed that fails leaves all of its columns empty."""
    return one.metric == other.metric == NULL_SHARE and one.segment == other.segment and one.value == other.value


def _correlation(one: ColumnHistory | None, other: ColumnHistory | None) -> float:
    """How the places of two columns move together from night to night; 0 where that is not known."""
    if one is None or other is None:
        return 0.0
    first, second = _places(one), _places(other)
    days = sorted(set(first) & set(second))
    if len(days) < _FEWEST_NIGHTS:
        return 0.0
    pair = np.array([[places[day] for day in days] for places in (first, second)])
    return float(np.corrcoef(pair)[0, 1]) if (pair.std(axis=1) > 0).all() else 0.0


def _places(history: ColumnHistory) -> dict[date, float]:
    return {day: evidence.place for day, evidence in history.past if evidence.place is not None}
