"""Drift of windows of days against the reference, from stored profiles alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift, compare
from airflow_mlmon.drift.limits import Limit
from airflow_mlmon.drift.windows import window_limits, windows_of
from airflow_mlmon.errors import NotFoundError, StateError
from airflow_mlmon.partition import days_between
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.reference import Reference, pinned_reference, reference_nights
from airflow_mlmon.pipeline.stored import DayProfile, ProfileState, stored_profiles
from airflow_mlmon.profiles.profile import Profile, sum_profiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The drift of some days in sum.

    Attributes:
        first: First day.
        last: Last day, included.
        nights: The days that are in the sum, with the versions of their rows.
        skipped: The days that are not, with the reason.
        rows: Rows in all.
        columns: Each column beside the limit that as many consecutive reference nights give.
        windows: Runs of that many consecutive nights in the reference; 0 where none is left out.
        apart: How many of them do not overlap.
    """

    first: date
    last: date
    nights: Mapping[date, str]
    skipped: Mapping[date, ProfileState]
    rows: int
    columns: Sequence[ColumnDrift]
    windows: int
    apart: int


def roll_up(run: Run, first: date, last: date, length: int) -> Iterator[Window]:
    """The windows of `length` days from `first` on; the last one may be shorter.

    Raises:
        StateError: the spec has changed since its layout was pinned.
    """
    reference = required_reference(run)
    days = stored_profiles(run, reference, [partition.day for partition in days_between(run.model, first, last)])
    limits: dict[int, Mapping[str, Limit]] = {}
    for start in range(0, len(days), length):
        chosen = days[start : start + length]
        held = sum(day.profile is not None for day in chosen)
        if held not in limits:
            limits[held] = _limits(run, reference, held) if held else {}
        yield _window(run, reference, chosen, limits[held])


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


def _window(run: Run, reference: Reference, days: Sequence[DayProfile], limits: Mapping[str, Limit]) -> Window:
    held = [day for day in days if day.profile is not None]
    total = sum_profiles(reference.layout, (day.profile for day in held if day.profile is not None))
    others = _others(run, reference, {day.day for day in held if day.is_reference})
    asked = run.spec.drift
    drift = compare(reference.layout, others, total, method=asked.method, methods=asked.methods, limits=limits)
    windows = windows_of(len(reference.days), len(held)) if held else 0
    return Window(
        first=days[0].day,
        last=days[-1].day,
        nights={day.day: day.version or "" for day in held},
        skipped={day.day: day.state for day in days if day.profile is None},
        rows=total.rows,
        columns=drift if windows else [_without_limit(column, len(reference.days), len(held)) for column in drift],
        windows=windows,
        apart=len(reference.days) // len(held) if held else 0,
    )


def _others(run: Run, reference: Reference, days: Collection[date]) -> Profile:
    """The reference without the nights that are themselves in the window."""
    if not days:
        return reference.profile
    nights = reference_nights(run, reference)
    return sum_profiles(reference.layout, (profile for day, profile in nights.items() if day not in days))


def _without_limit(column: ColumnDrift, nights: int, length: int) -> ColumnDrift:
    """The column of a window for which the reference is too short."""
    if not length or column.method.is_sampled:
        return column
    return replace(column, note=f"no limit: {nights} nights of the reference hold no two windows of {length}")


def _limits(run: Run, reference: Reference, length: int) -> Mapping[str, Limit]:
    """The limits for windows of a length: computed once, then kept beside the reference."""
    if length == 1:
        return reference.limits
    uri = f"{reference.folder}/limits-{length}.json"
    try:
        stored = json.loads(run.files.read(uri))
    except NotFoundError:
        nights = [profile for _, profile in sorted(reference_nights(run, reference).items())]
        drift = run.spec.drift
        limits = window_limits(reference.layout, nights, drift.method, drift.quantile, length, methods=drift.methods)
        run.files.write(uri, json.dumps({name: asdict(limit) for name, limit in limits.items()}).encode())
        return limits
    return {name: Limit(**limit) for name, limit in stored.items()}
