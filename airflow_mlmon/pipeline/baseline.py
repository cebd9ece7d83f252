"""The baselines of a night: which partitions and versions they are the sum of, and their limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from airflow_mlmon.drift.compare import ColumnDrift, DriftState, compare
from airflow_mlmon.drift.limits import Limit, leave_one_out_limits
from airflow_mlmon.drift.pairs import paired_limits
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.pins import in_force
from airflow_mlmon.pipeline.profile import profile_uri
from airflow_mlmon.pipeline.reference import Reference, reference_nights
from airflow_mlmon.pipeline.stored import DayProfile, ProfileState, reference_version, stored_profiles
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.spec.baseline import Baseline, BaselineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFacts:
    """What a baseline was made of, as it is kept beside the drift.

    Attributes:
        title: The baseline in words.
        kind: How its days were found.
        columns: The columns that were compared with it.
        asked: How many nights it asks for.
        needed: With fewer nights than this there is no verdict.
        nights: The version of each day's rows that is in the sum.
        other_layout: Days that are not, because their profile has another layout.
        pin: Number of the pin by which it held; None when the spec said so.
    """

    title: str
    kind: BaselineKind
    columns: tuple[str, ...]
    asked: int
    needed: int
    nights: Mapping[date, str]
    other_layout: int = 0
    pin: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON can carry it."""
        return {
            "title": self.title,
            "kind": self.kind,
            "columns": list(self.columns),
            "asked": self.asked,
            "needed": self.needed,
            "nights": {day.isoformat(): version for day, version in self.nights.items()},
            "other_layout": self.other_layout,
            "pin": self.pin,
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> BaselineFacts:
        """The facts that `to_dict` wrote."""
        return cls(
            **{
                **content,
                "kind": BaselineKind(content["kind"]),
                "columns": tuple(content["columns"]),
                "nights": {date.fromisoformat(day): version for day, version in content["nights"].items()},
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBaseline:
    """A baseline of a night: its sum, under a layout of its own columns alone, and their limits."""

    facts: BaselineFacts
    layout: Layout
    profile: Profile
    limits: Mapping[str, Limit]


def choose_baselines(run: Run, reference: Reference, day: date) -> list[ChosenBaseline]:
    """The baselines of a day's columns, by the pins and the spec; each column has exactly one."""
    pins = run.store.baselines(run.model)
    by_column = {column.name: in_force(run.spec, pins, day, column=column.name) for column in reference.layout.columns}
    chosen = []
    for held in dict.fromkeys(by_column.values()):
        columns = tuple(name for name, own in by_column.items() if own == held)
        found = sum_baseline(run, reference, held.baseline, columns, day)
        pin = held.pin.number if held.pin else None
        chosen.append(replace(found, facts=replace(found.facts, pin=pin)))
    return chosen


def sum_baseline(
    run: Run, reference: Reference, baseline: Baseline, columns: Sequence[str], day: date
) -> ChosenBaseline:
    """A baseline as it is on a day, of some columns."""
    layout = _narrowed(reference.layout, columns)
    if baseline.kind is BaselineKind.REFERENCE:
        return _of_reference(run, reference, baseline, layout)
    return _of_days(run, reference, baseline, layout, day)


def compare_with(
    run: Run,
    layout: Layout,
    baselines: Sequence[ChosenBaseline],
    current: Profile,
    sampled: Mapping[str, SampledScore],
) -> list[ColumnDrift]:
    """The drift of every column against its own baseline, in the order of the layout.

    `sampled` has the answers for columns whose method needs rows.
    """
    found: dict[str, ColumnDrift] = {}
    for baseline in baselines:
        drift = compare(
            baseline.layout,
            baseline.profile,
            _part(current, baseline.layout),
            method=run.spec.drift.method,
            methods=run.spec.drift.methods,
            sampled=sampled,
            limits=baseline.limits,
        )
        found |= {column.column: _with_shortage(column, baseline.facts) for column in drift}
    return [found[column.name] for column in layout.columns]


def baseline_profiles(run: Run, reference: Reference, facts: Sequence[BaselineFacts]) -> dict[str, Profile]:
    """The sum that each column was compared with, made again from the versions that are named.

    A column is left out when one of them is gone.
    """
    profiles: dict[str, Profile] = {}
    for entry in facts:
        if entry.kind is BaselineKind.REFERENCE:
            profiles |= dict.fromkeys(entry.columns, reference.profile)
        elif (total := _sum_of_named(run, reference, entry.nights)) is not None:
            profiles |= dict.fromkeys(entry.columns, total)
    return profiles


def _sum_of_named(run: Run, reference: Reference, nights: Mapping[date, str]) -> Profile | None:
    name = reference_version(reference)
    own = reference_nights(run, reference) if name in nights.values() else {}
    try:
        parts = [
            own[day]
            if version == name
            else Profile.from_bytes(
                run.files.read(profile_uri(run, Partition.of_day(run.model, day), version, reference.layout.id))
            )
            for day, version in nights.items()
        ]
    except (NotFoundError, KeyError):
        return None
    return sum_profiles(reference.layout, parts)


def _of_reference(run: Run, reference: Reference, baseline: Baseline, layout: Layout) -> ChosenBaseline:
    name = reference_version(reference)
    facts = _facts(run, baseline, layout, dict.fromkeys(reference.days, name), len(reference.days))
    # whoever declares a short reference means it: its own nights have always been the measure
    return ChosenBaseline(
        facts=replace(facts, needed=0),
        layout=layout,
        profile=_part(reference.profile, layout),
        limits=reference.limits,
    )


def _of_days(run: Run, reference: Reference, baseline: Baseline, layout: Layout, day: date) -> ChosenBaseline:
    asked = baseline.days(day)
    stored = stored_profiles(run, reference, asked)
    held = [found for found in stored if found.profile is not None]
    profiles = [_part(found.profile, layout) for found in held if found.profile is not None]
    facts = replace(
        _facts(run, baseline, layout, {found.day: found.version or "" for found in held}, len(asked)),
        other_layout=sum(found.state is ProfileState.OTHER_LAYOUT for found in stored),
    )
    limits: Mapping[str, Limit] = {}
    if baseline.kind is BaselineKind.PREVIOUS:
        limits = _limits_of_neighbours(run, reference, layout, day)
    elif len(held) >= facts.needed:
        drift = run.spec.drift
        limits = leave_one_out_limits(layout, profiles, drift.method, drift.quantile, methods=drift.methods)
    return ChosenBaseline(facts=facts, layout=layout, profile=sum_profiles(layout, profiles), limits=limits)


def _facts(run: Run, baseline: Baseline, layout: Layout, nights: Mapping[date, str], asked: int) -> BaselineFacts:
    return BaselineFacts(
        title=baseline.title,
        kind=baseline.kind,
        columns=tuple(column.name for column in layout.columns),
        asked=asked,
        needed=min(run.spec.history.minimum, asked // 2 + 1),
        nights=nights,
    )


def _limits_of_neighbours(run: Run, reference: Reference, layout: Layout, day: date) -> Mapping[str, Limit]:
    """How far the nights of the history lay from the night before each of them."""
    history = run.spec.history
    past = [day - timedelta(days=offset) for offset in range(history.nights, 0, -1)]
    days = stored_profiles(run, reference, past)
    pairs = [pair for before, after in pairwise(days) if (pair := _pair(before, after, layout))]
    drift = run.spec.drift
    return paired_limits(layout, pairs, drift.method, drift.quantile, fewest=history.minimum, methods=drift.methods)


def _pair(before: DayProfile, after: DayProfile, layout: Layout) -> tuple[Profile, Profile] | None:
    if before.profile is None or after.profile is None:
        return None
    return _part(before.profile, layout), _part(after.profile, layout)


def _with_shortage(column: ColumnDrift, facts: BaselineFacts) -> ColumnDrift:
    """The column with the words that fit its baseline, when there is no verdict for want of nights."""
    if facts.kind is BaselineKind.REFERENCE or column.limit is not None or column.method.is_sampled:
        return column
    if len(facts.nights) < facts.needed:
        note = f"{facts.title}: {len(facts.nights)} of {facts.asked} nights, at least {facts.needed} are needed"
        if facts.other_layout:
            note += f"; {facts.other_layout} have another layout: reprofile"
    elif column.score is not None:
        note = f"no limit: too few nights to say how far a night lies from {facts.title}"
    else:
        return column
    return replace(column, state=DriftState.INSUFFICIENT_DATA, note=note)


def _narrowed(layout: Layout, columns: Sequence[str]) -> Layout:
    return Layout(model=layout.model, columns=tuple(column for column in layout.columns if column.name in columns))


def _part(profile: Profile, layout: Layout) -> Profile:
    """The columns of a narrower layout."""
    columns = {column.name: profile.columns[column.name] for column in layout.columns}
    return Profile(layout_id=layout.id, rows=profile.rows, columns=columns)
