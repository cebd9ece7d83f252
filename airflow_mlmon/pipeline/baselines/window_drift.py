"""Drift of windows of days against their baselines, from stored profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.errors import StateError
from airflow_mlmon.evaluation.columns import evaluate_columns
from airflow_mlmon.evaluation.history import ColumnDays
from airflow_mlmon.partition import date_range, dates_before
from airflow_mlmon.pipeline.baselines.choose import (
    ChosenBaseline,
    choose_baselines,
    compare_with,
    drift_breaches,
    members_of,
)
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import StoredReference, pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, ProfileState, stored_profiles
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.baseline import Baseline
from airflow_mlmon.spec.evaluation import Season

# number of past windows to read, if the history in days has fewer
_PAST_WINDOWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Drift of some days in sum.

    Attributes:
        first: First day.
        last: Last day, included.
        days: The days in the sum, with the versions of their rows.
        skipped: The excluded days with the reason.
        rows: Number of rows.
        columns: The score of each column.
        verdicts: The verdict on each column, by earlier windows of the same length.
        baselines: The baselines of the columns.
    """

    first: date
    last: date
    days: Mapping[date, str]
    skipped: Mapping[date, ProfileState]
    rows: int
    columns: Sequence[ColumnDrift]
    verdicts: Mapping[str, Verdict]
    baselines: Sequence[ChosenBaseline]


def roll_up(run: Run, first: date, last: date, length: int, baseline: Baseline | None = None) -> Iterator[Window]:
    """Return the windows of `length` days from `first` on; the last one may be shorter.

    They are compared with the baselines of the spec, or with the given one.

    Raises:
        StateError: the spec has changed since its profile schema was pinned.
    """
    reference = required_reference(run)
    days = stored_profiles(run, reference, [partition.day for partition in run.partitions(first, last)])
    past = Past(run=run, reference=reference, known={day.day: day for day in days})
    for start in range(0, len(days), length):
        yield _window(past, days[start : start + length], baseline)


def required_reference(run: Run) -> StoredReference:
    """Return the pinned reference.

    Raises:
        StateError: none is pinned, or the spec has changed since.
    """
    reference = pinned_reference(run)
    if reference is None:
        raise StateError(
            f"No profile schema is pinned for the current spec of {run.model}.",
            hint="pin it with `mlmon run`, and profile past days under it with `mlmon reprofile`",
        )
    return reference


@dataclass(frozen=True, kw_only=True)
class Past:
    """Profiles of past days, each read once, as history of days or of windows."""

    run: Run
    reference: StoredReference
    known: dict[date, DayProfile] = field(default_factory=dict)

    def evaluate(
        self, span: Span, baselines: Sequence[ChosenBaseline], current: Profile, drift: Sequence[ColumnDrift]
    ) -> dict[str, Verdict]:
        """Evaluate the drift of a window against earlier windows of its length; without them, by sampling error."""
        policy = self.run.spec.alerts.evaluation
        length, first = len(span.days), span.days[0]
        days = self._days(first, max(self.run.spec.history.days // length, _PAST_WINDOWS) * length)
        windows = [days[start : start + length] for start in range(0, len(days), length)]
        history = ColumnDays(
            day=first,
            now=current,
            past=[(window[0].day, self._sum(window)) for window in windows if _is_held(window)],
            baselines={
                name: (chosen.whole, _members(members_of(chosen, days), windows))
                for chosen in baselines
                for name in chosen.facts.columns
            },
            excluded=self._excluded(baselines, windows, days),
            length=len(windows),
            # only a window of one day has a weekday
            season=policy.season if length == 1 else Season.NONE,
        )
        titles = {name: chosen.facts.title for chosen in baselines for name in chosen.facts.columns}
        return evaluate_columns(history, [score_metric(column, titles[column.column]) for column in drift], policy)

    def _excluded(
        self, baselines: Sequence[ChosenBaseline], windows: Sequence[Sequence[DayProfile]], days: Sequence[DayProfile]
    ) -> dict[tuple[str, str | None], set[date]]:
        """Return the windows that are no history of a column: part of its baseline, or of an ongoing incident."""
        breached = drift_breaches(self.run, days[-1].day + timedelta(days=1))
        found: dict[tuple[str, str | None], set[date]] = {}
        for chosen in baselines:
            members = members_of(chosen, days)
            partly = {
                window[0].day for window in windows if 0 < sum(one.day in members for one in window) < _held(window)
            }
            for name in chosen.facts.columns:
                broken = breached.get(name, set())
                found[name, None] = partly | {
                    window[0].day for window in windows if any(one.day in broken for one in window)
                }
        return found

    def _days(self, before: date, count: int) -> list[DayProfile]:
        days = dates_before(before, count)
        missing = [day for day in days if day not in self.known]
        if missing:
            wanted = date_range(missing[0], missing[-1])
            self.known.update({found.day: found for found in stored_profiles(self.run, self.reference, wanted)})
        return [self.known[day] for day in days]

    def _sum(self, days: Sequence[DayProfile]) -> Profile:
        return sum_profiles(self.reference.schema, (day.profile for day in days if day.profile is not None))


def _held(window: Sequence[DayProfile]) -> int:
    return sum(one.profile is not None for one in window)


def _is_held(window: Sequence[DayProfile]) -> bool:
    """Return True if more than half of the days of a window have a profile."""
    return 2 * _held(window) > len(window)


def _members(days: frozenset[date], windows: Sequence[Sequence[DayProfile]]) -> frozenset[date]:
    """Return the windows that lie within a baseline, by their first day."""
    return frozenset(
        window[0].day
        for window in windows
        if any(one.day in days for one in window) and all(one.day in days for one in window if one.profile is not None)
    )


def _window(past: Past, days: Sequence[DayProfile], baseline: Baseline | None) -> Window:
    run, reference = past.run, past.reference
    held = [day for day in days if day.profile is not None]
    total = sum_profiles(reference.schema, (day.profile for day in held if day.profile is not None))
    span = Span(
        days=tuple(day.day for day in days),
        own=frozenset(day.day for day in held if day.is_reference),
    )
    baselines = choose_baselines(run, reference, span, asked=baseline)
    columns = compare_with(run, reference.schema, baselines, total, sampled={})
    return Window(
        first=days[0].day,
        last=days[-1].day,
        days={day.day: day.version or "" for day in held},
        skipped={day.day: day.state for day in days if day.profile is None},
        rows=total.rows,
        columns=columns,
        verdicts=past.evaluate(span, baselines, total, columns),
        baselines=baselines,
    )
