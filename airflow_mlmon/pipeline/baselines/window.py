"""What is compared with a baseline, a night or a window of days in sum, and how far such spans usually lie from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date

from airflow_mlmon.drift.limits import Limit
from airflow_mlmon.drift.windows import FEWEST_APART, paired_limits, window_limits, windows_of
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import dates_before
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import Reference, reference_nights
from airflow_mlmon.pipeline.workspace.stored_profiles import DayProfile, stored_profiles
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A night, or a window of days in sum.

    Attributes:
        days: Its days, the oldest first.
        held: How many of them are in the sum.
        own: Those of them whose profile is the reference's own.
    """

    days: tuple[date, ...]
    held: int = 1
    own: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """How far spans like one usually lie from a baseline like its own.

    Attributes:
        limits: The limit of each column that has one.
        windows: How many spans they are of, at most.
        apart: How many of these do not overlap.
    """

    limits: Mapping[str, Limit] = field(default_factory=dict)
    windows: int = 0
    apart: int = 0


def usual_of_reference(run: Run, reference: Reference, span: Span) -> Usual:
    """Each run of as many nights of the reference against its other nights."""
    windows = windows_of(len(reference.days), span.held)
    if not windows:
        return Usual()
    limits = _reference_limits(run, reference, span.held)
    return Usual(limits=limits, windows=windows, apart=len(reference.days) // span.held)


def usual_of_nights(run: Run, layout: Layout, nights: Sequence[DayProfile], span: Span) -> Usual:
    """Each run of as many of a baseline's nights against its others."""
    profiles = [narrowed(night.profile, layout) for night in nights if night.profile is not None]
    windows = windows_of(len(profiles), span.held)
    if not windows:
        return Usual()
    drift = run.spec.drift
    limits = window_limits(layout, profiles, drift.method, drift.quantile, span.held, methods=drift.methods)
    return Usual(limits=limits, windows=windows, apart=len(profiles) // span.held)


def history_of(run: Run, reference: Reference, span: Span) -> list[DayProfile]:
    """The nights before a span: as many as the spec's history has, or four spans where these are more."""
    length = len(span.days)
    reach = max(run.spec.history.nights, 2 * FEWEST_APART * length if length > 1 else 0)
    return stored_profiles(run, reference, dates_before(span.days[0], reach))


def usual_of_neighbours(run: Run, layout: Layout, nights: Sequence[DayProfile], span: Span) -> Usual:
    """Each span of the history against the one before it.

    Spans of several nights overlap: of those it takes two pairs that lie apart, of nights as many pairs as
    the history's minimum.
    """
    drift, length = run.spec.drift, len(span.days)
    sums = [_sum_of_all(nights[start : start + length], layout) for start in range(len(nights) - length + 1)]
    pairs, apart, free = [], 0, 0
    for start, (before, after) in enumerate(zip(sums, sums[length:], strict=False)):
        if before is not None and after is not None:
            pairs.append((before, after))
            if start >= free:
                apart, free = apart + 1, start + 2 * length
    if length > 1 and apart < FEWEST_APART:
        return Usual()
    fewest = run.spec.history.minimum if length == 1 else FEWEST_APART
    limits = paired_limits(layout, pairs, drift.method, drift.quantile, fewest=fewest, methods=drift.methods)
    return Usual(limits=limits, windows=len(pairs), apart=apart)


def narrowed(profile: Profile, layout: Layout) -> Profile:
    """The columns of a narrower layout, of all rows."""
    columns = {column.name: profile.columns[column.name] for column in layout.columns}
    return Profile(layout_id=layout.id, rows=profile.rows, columns=columns)


def _reference_limits(run: Run, reference: Reference, length: int) -> Mapping[str, Limit]:
    """The reference's limits for windows of a length: computed once, then kept beside it."""
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


def _sum_of_all(days: Sequence[DayProfile], layout: Layout) -> Profile | None:
    """The sum of some days; None where one of them has no profile."""
    profiles = [narrowed(day.profile, layout) for day in days if day.profile is not None]
    return sum_profiles(layout, profiles) if len(profiles) == len(days) else None
