"""Drift of windows of days against their baselines, from stored profiles alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.errors import StateError
from airflow_mlmon.partition import days_between
from airflow_mlmon.pipeline.baselines.choose import ChosenBaseline, choose_baselines, compare_with
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import Reference, pinned_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, ProfileState, stored_profiles
from airflow_mlmon.profiles.profile import sum_profiles
from airflow_mlmon.spec.baseline import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The drift of some days in sum.

    Attributes:
        first: First day.
        last: Last day, included.
        nights: The days that are in the sum, with the versions of their rows.
        skipped: The days that are not, with the reason.
        rows: Rows in all.
        columns: Each column beside the limit that as many nights of its baseline give.
        baselines: What the columns were compared with.
    """

    first: date
    last: date
    nights: Mapping[date, str]
    skipped: Mapping[date, ProfileState]
    rows: int
    columns: Sequence[ColumnDrift]
    baselines: Sequence[ChosenBaseline]


def roll_up(run: Run, first: date, last: date, length: int, baseline: Baseline | None = None) -> Iterator[Window]:
    """The windows of `length` days from `first` on; the last one may be shorter.

    They are compared with the baselines of the spec, or with the one that is given.

    Raises:
        StateError: the spec has changed since its layout was pinned.
    """
    reference = required_reference(run)
    days = stored_profiles(run, reference, [partition.day for partition in days_between(run.model, first, last)])
    for start in range(0, len(days), length):
        yield _window(run, reference, days[start : start + length], baseline)


def required_reference(run: Run) -> Reference:
    """The pinned reference.

    Raises:
        StateError: there is none, or the spec has changed since.
    """
    reference = pinned_reference(run)
    if reference is None:
        raise StateError(
            f"No layout is pinned for the spec of {run.model} as it stands.",
            hint="`mlmon run` pins it, and `mlmon reprofile` carries it to the past",
        )
    return reference


def _window(run: Run, reference: Reference, days: Sequence[DayProfile], baseline: Baseline | None) -> Window:
    held = [day for day in days if day.profile is not None]
    total = sum_profiles(reference.layout, (day.profile for day in held if day.profile is not None))
    span = Span(
        days=tuple(day.day for day in days),
        held=len(held),
        own=frozenset(day.day for day in held if day.is_reference),
    )
    baselines = choose_baselines(run, reference, span, asked=baseline)
    return Window(
        first=days[0].day,
        last=days[-1].day,
        nights={day.day: day.version or "" for day in held},
        skipped={day.day: day.state for day in days if day.profile is None},
        rows=total.rows,
        columns=compare_with(run, reference.layout, baselines, total, sampled={}),
        baselines=baselines,
    )
