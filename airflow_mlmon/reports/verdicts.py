"""Verdicts of a day in the order of its page: of all rows, by column, and of segments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from airflow_mlmon.evaluation.columns import drift_by_column, drifted, evaluated
from airflow_mlmon.records import Verdict, VerdictState
from airflow_mlmon.spec.metrics import (
    BROKEN_RELATION_RATE,
    DRIFT,
    EQUAL_SHARE,
    EXPLAINED_SHARE,
    NEW_CATEGORY_RATE,
    NULL_RATE,
    STATUS,
    UNSEEN,
)
from airflow_mlmon.tasks.registry import METRICS

# metrics evaluated for each column, in the order of the table
_OF_COLUMNS = (
    DRIFT,
    NULL_RATE,
    NEW_CATEGORY_RATE,
    *UNSEEN,
    BROKEN_RELATION_RATE,
    EXPLAINED_SHARE,
    EQUAL_SHARE,
)
_NUMBER = re.compile(r"\d[\d,.]*")
# rule of a verdict without enough data; see `evaluation.evaluate`
_EXPECTED = "as expected"
_ORDER = (VerdictState.BREACH, VerdictState.OK, VerdictState.INSUFFICIENT_DATA)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentVerdicts:
    """Verdicts on the segments of a drifted column.

    Attributes:
        column: The column; None for the rows of segments.
        breaches: The segments in breach, the largest effect first.
        healthy: Number of segments within the expected range.
        unknown: Number of segments without enough data.
    """

    column: str | None
    breaches: tuple[Verdict, ...]
    healthy: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingVerdicts:
    """Metrics of columns that are not evaluated for one reason.

    Attributes:
        note: The reason; of columns that differ in its numbers, that of the first.
        metrics: The metrics.
        columns: The columns.
    """

    note: str
    metrics: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayVerdicts:
    """Verdicts of a day.

    Attributes:
        drift: The one verdict on the drift of each column, by a rule of the spec or by what is expected.
        whole: Those on all rows, on model versions, and by rules of the spec.
        columns: Those on each column, by its name and the metric.
        metrics: The metrics of columns that any column has enough data for.
        segments: Those on segments.
    """

    drift: Mapping[str, Verdict]
    whole: tuple[Verdict, ...]
    columns: Mapping[str, Mapping[str, Verdict]]
    metrics: tuple[str, ...]
    segments: tuple[SegmentVerdicts, ...]

    @property
    def drifted(self) -> int:
        """Return the number of drifted columns."""
        return len(drifted(self.drift))

    @property
    def evaluated(self) -> int:
        """Return the number of columns with enough data."""
        return len(evaluated(self.drift))

    def of_metric(self, metric: str) -> Verdict | None:
        """Return the verdict on a metric of all rows and columns; of several, one in breach."""
        return next((one for one in self.whole if (one.metric, one.column, one.segment) == (metric, None, None)), None)

    def count_of(self, state: str) -> int:
        """Return the number of verdicts on columns with a state."""
        return sum(verdict.state == state for by_metric in self.columns.values() for verdict in by_metric.values())

    @property
    def known(self) -> dict[str, Mapping[str, Verdict]]:
        """Return the columns with enough data for any verdict."""
        return {name: found for name, found in self.columns.items() if not all(map(_is_unknown, found.values()))}

    @property
    def lacks(self) -> list[MissingVerdicts]:
        """Return what is not evaluated of columns, once for each reason."""
        reasons: dict[str, list[Verdict]] = {}
        for by_metric in self.columns.values():
            for verdict in filter(_is_unknown, by_metric.values()):
                reasons.setdefault(_NUMBER.sub("", verdict.note), []).append(verdict)
        return [
            MissingVerdicts(
                note=found[0].note,
                metrics=tuple(dict.fromkeys(verdict.metric for verdict in found)),
                columns=tuple(dict.fromkeys(str(verdict.column) for verdict in found)),
            )
            for found in reasons.values()
        ]

    @property
    def days(self) -> tuple[int, ...]:
        """Return the lengths of the history of the verdicts in days, ascending; 0 for sampling error alone."""
        verdicts = [*self.whole, *(verdict for by_metric in self.columns.values() for verdict in by_metric.values())]
        return tuple(sorted({verdict.history or 0 for verdict in verdicts if verdict.p_value is not None}))


def arrange(verdicts: Iterable[Verdict]) -> DayVerdicts:
    """Group the verdicts of a day, those in breach first."""
    whole: list[Verdict] = []
    columns: dict[str, dict[str, Verdict]] = {}
    segments: dict[str | None, list[Verdict]] = {}
    verdicts = list(verdicts)
    for verdict in verdicts:
        if verdict.metric == STATUS:
            continue  # shown at the top of the page
        if not _is_of_expected(verdict) or verdict.metric not in METRICS:
            whole.append(verdict)
        elif verdict.segment is not None and not METRICS[verdict.metric].of_model:
            segments.setdefault(verdict.column, []).append(verdict)
        elif verdict.column is not None and verdict.metric in _OF_COLUMNS:
            columns.setdefault(verdict.column, {})[verdict.metric] = verdict
        else:
            whole.append(verdict)
    return DayVerdicts(
        drift=drift_by_column(verdicts),
        whole=tuple(sorted(whole, key=lambda verdict: _ORDER.index(verdict.state))),
        columns=dict(sorted(columns.items(), key=lambda item: not _has_breach(item[1].values()))),
        metrics=tuple(
            name
            for name in _OF_COLUMNS
            if any(name in by_metric and not _is_unknown(by_metric[name]) for by_metric in columns.values())
        ),
        segments=tuple(_of_segments(column, found) for column, found in segments.items()),
    )


def _is_of_expected(verdict: Verdict) -> bool:
    """Return True for a verdict against the expected value, and False for one by a rule of the spec."""
    return verdict.p_value is not None or verdict.rule == _EXPECTED


def _of_segments(column: str | None, verdicts: Sequence[Verdict]) -> SegmentVerdicts:
    breaches = [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]
    return SegmentVerdicts(
        column=column,
        breaches=tuple(sorted(breaches, key=lambda verdict: -abs(verdict.effect or 0.0))),
        healthy=sum(verdict.state is VerdictState.OK for verdict in verdicts),
        unknown=sum(verdict.state is VerdictState.INSUFFICIENT_DATA for verdict in verdicts),
    )


def _is_unknown(verdict: Verdict) -> bool:
    return verdict.state is VerdictState.INSUFFICIENT_DATA


def _has_breach(verdicts: Iterable[Verdict]) -> bool:
    return any(verdict.state is VerdictState.BREACH for verdict in verdicts)
