"""Grouping of breaches to incidents, each with its likely cause first.

Columns whose drift correlates on other days and that are in breach together are one incident; so are columns of which
one's drift explains the other's, columns derived from one text, columns with equally many nulls, and a column and its
segments, also those that it defines. Rows that are lost, doubled or repeated change the columns too: what concerns no
column joins the first incident. Of more than two incidents on one day, one cause is likelier than many, and they are
one. Outputs and performance of the model are consequences: they belong to the incident that would move the output most.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import numpy as np

from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.profiles.keys import divides
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.metrics import (
    BROKEN_RELATION_RATE,
    DELAY,
    EQUAL_SHARE,
    ERROR_RATE,
    EXPLAINED_SHARE,
    LABEL_MATCH_RATE,
    LATENCY,
    NULL_RATE,
    REPEATED_SHARE,
    REPLAYED_SHARE,
    ROWS,
    ROWS_BY_HOUR,
    UNSAMPLED_ROWS,
)
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.tasks.registry import METRICS

# minimum of days for a correlation, and the smallest that ties two columns together
_FEWEST_DAYS = 10
_TIED = 0.5
# a correlation as near to it is computed with care
_UNDECIDED = 1e-6
# of several columns together
_BETWEEN = frozenset({BROKEN_RELATION_RATE, EXPLAINED_SHARE, EQUAL_SHARE})
# of the rows themselves, which change what all columns are like
_OF_ROWS = frozenset({ROWS, UNSAMPLED_ROWS, REPLAYED_SHARE, ROWS_BY_HOUR})
_OF_SERVICE = frozenset({DELAY, ERROR_RATE, LABEL_MATCH_RATE, "latency_p50", LATENCY, "saturation_mean"})
# incidents that may have a cause each
_FEW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Breaches of a day with one likely cause.

    Attributes:
        breaches: The likely cause first, then by importance.
        shift: Change of the mean output by the cause alone; None if unknown.
        is_attributed: Whether the change is that of its mean attribution, in the units of the attributions.
    """

    breaches: tuple[Verdict, ...]
    shift: float | None = None
    is_attributed: bool = False

    @property
    def cause(self) -> Verdict:
        """Return the breach that most likely explains the others."""
        return self.breaches[0]


def group_breaches(
    breaches: Sequence[Verdict],
    columns: Mapping[str, ColumnHistory],
    shifts: Mapping[str, float],
    outputs: Sequence[str],
    *,
    texts: Mapping[str, str] = MappingProxyType({}),
    explained: Collection[tuple[str, str]] = (),
) -> list[Incident]:
    """Group the breaches of a day to incidents, the most important first.

    Args:
        breaches: the breaches.
        columns: the evidence of each column over the days, for correlations.
        shifts: change of the mean output by each column's drift alone.
        outputs: output columns of the model.
        texts: the text that a column is derived from.
        explained: pairs of columns of which the first's drift explains the second's.
    """
    first = [breach for breach in breaches if not _is_consequence(breach, outputs)]
    consequences = sorted(
        (breach for breach in breaches if _is_consequence(breach, outputs)), key=lambda breach: _rank(breach, shifts)
    )
    places = _Places(columns=columns)
    groups: list[list[Verdict]] = []
    for breach in first:
        tied = [group for group in groups if any(_are_tied(breach, other, places, texts, explained) for other in group)]
        merged = [breach, *(other for group in tied for other in group)]
        groups = [group for group in groups if group not in tied] + [merged]
    ordered = [sorted(group, key=lambda breach: _rank(breach, shifts)) for group in groups]
    ordered.sort(key=lambda group: _rank(group[0], shifts))
    if len(ordered) > _FEW:
        ordered = [[breach for group in ordered for breach in group]]
    ordered = [_with_repeats_first(group) for group in ordered]
    if consequences:
        ordered = [[*(ordered[0] if ordered else []), *consequences], *ordered[1:]]
    return [
        Incident(breaches=tuple(group), shift=shifts.get(group[0].column or "") if group[0].column else None)
        for group in ordered
    ]


def _with_repeats_first(group: Sequence[Verdict]) -> list[Verdict]:
    """Put repeated rows before what they do to several columns; a single column that is wrong makes rows alike."""
    columns = {breach.column for breach in group if breach.column and breach.metric not in _BETWEEN}
    return sorted(group, key=lambda breach: not (breach.metric == REPEATED_SHARE and len(columns) != 1))


def _is_consequence(breach: Verdict, outputs: Sequence[str]) -> bool:
    return METRICS[breach.metric].of_model or breach.column in outputs


def _rank(breach: Verdict, shifts: Mapping[str, float]) -> tuple[int, float, bool, float, str, str, str]:
    """Return the sort key: by change of the output, all rows before segments, then by effect size.

    Rows that are lost, doubled or repeated come first: no column changes their number. A relation between columns
    breaks with either of them, and so comes after what is wrong with one alone.
    """
    column, segment = breach.column or "", breach.segment or ""
    shift, effect = abs(shifts.get(column, 0.0)), abs(breach.effect or 0.0)
    place = 0 if breach.metric in _OF_ROWS and not segment else 2 if breach.metric in _BETWEEN else 1
    return place, -shift, bool(segment), -effect, breach.metric, column, segment


def _are_tied(
    one: Verdict,
    other: Verdict,
    places: _Places,
    texts: Mapping[str, str],
    explained: Collection[tuple[str, str]],
) -> bool:
    first, second = _subject(one, places.columns), _subject(other, places.columns)
    if first is None or second is None:
        # what happened at the service explains no column, and vice versa
        return one.metric == other.metric if {one.metric, other.metric} & _OF_SERVICE else True
    if {one.metric, other.metric} & _BETWEEN:
        # a relation breaks with any of its columns
        return True
    if (first, second) in explained or (second, first) in explained:
        return True
    if texts.get(first, first) == texts.get(second, second) or _are_empty_together(one, other):
        return True
    return places.are_tied(first, second)


def _subject(breach: Verdict, columns: Mapping[str, ColumnHistory]) -> str | None:
    """Return the column of a breach; for the rows of a segment, the column that defines it."""
    if breach.column is None and breach.segment is not None:
        return next((name for name in columns if divides(name, breach.segment)), None)
    return breach.column


def _are_empty_together(one: Verdict, other: Verdict) -> bool:
    """Return True if both have equally many nulls, as after the failure of a shared feed."""
    return one.metric == other.metric == NULL_RATE and one.segment == other.segment and one.value == other.value


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Locations of the columns from day to day, each prepared once for its correlations with all others."""

    columns: Mapping[str, ColumnHistory]
    held: dict[str, tuple[tuple[date, ...], Floats, Floats | None]] = field(default_factory=dict)

    def are_tied(self, one: str, other: str) -> bool:
        """Return whether the locations of two columns correlate; not if that is unknown."""
        if one not in self.columns or other not in self.columns:
            return False
        (days, first, unit), (other_days, second, other_unit) = self._of(one), self._of(other)
        if days == other_days and unit is not None and other_unit is not None:
            nearly = abs(float(unit @ other_unit))
            if abs(nearly - _TIED) > _UNDECIDED:
                return nearly >= _TIED
        shared = sorted(set(days) & set(other_days))
        if len(shared) < _FEWEST_DAYS:
            return False
        pair = np.array(
            [
                [places[day] for day in shared]
                for places in (dict(zip(days, first, strict=True)), dict(zip(other_days, second, strict=True)))
            ]
        )
        return bool((pair.std(axis=1) > 0).all()) and abs(float(np.corrcoef(pair)[0, 1])) >= _TIED

    def _of(self, name: str) -> tuple[tuple[date, ...], Floats, Floats | None]:
        """Return the days and the locations of a column, and these at unit length; None if they hardly differ."""
        if name not in self.held:
            found = {day: one.place for day, one in self.columns[name].past if one.place is not None}
            days = tuple(sorted(found))
            values = np.array([found[day] for day in days])
            unit = None
            if len(days) >= _FEWEST_DAYS:
                centred = values - values.mean()
                length = float(np.sqrt(centred @ centred))
                unit = centred / length if length > _UNDECIDED * float(np.abs(values).max()) else None
            self.held[name] = days, values, unit
        return self.held[name]
