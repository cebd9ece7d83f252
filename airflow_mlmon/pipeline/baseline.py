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
from airflow_mlmon.pipeline.profile import profile_uri
from airflow_mlmon.pipeline.reference import Reference, reference_nights
from airflow_mlmon.pipeline.stored import DayProfile, ProfileState, reference_version, stored_profiles
from airflow_mlmon.profiles.layout import Layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.segment import segment_key
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
    """

    title: str
    kind: BaselineKind
    columns: tuple[str, ...]
    asked: int
    needed: int
    nights: Mapping[date, str]
    other_layout: int = 0

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
    """A baseline of a night: the columns that are compared with it, what they are, and their limits.

    Attributes:
        facts: What it was made of.
        layout: Its own columns alone.
        whole: Its sum, under the pinned layout.
        nights: The nights whose sum it is, or of the night before, all nights from which the limits come.
        limits: How far a night may lie from it.
    """

    facts: BaselineFacts
    layout: Layout
    whole: Profile
    nights: Sequence[DayProfile]
    limits: Mapping[str, Limit]

    @property
    def profile(self) -> Profile:
        """Its sum, under its own columns' layout."""
        return narrowed(self.whole, self.layout)


def choose_baselines(run: Run, reference: Reference, day: date, version: str | None = None) -> list[ChosenBaseline]:
    """The baselines of a day's columns, as the spec names them; each column has exactly one.

    They are those of a model version, or of all rows.
    """
    by_column = {
        column.name: run.spec.baselines.get(column.name, run.spec.baseline) for column in reference.layout.columns
    }
    chosen = []
    for baseline in dict.fromkeys(by_column.values()):
        columns = tuple(name for name, own in by_column.items() if own == baseline)
        layout = _layout_of(reference.layout, columns)
        if baseline.kind is BaselineKind.REFERENCE:
            chosen.append(_of_reference(run, reference, baseline, layout))
        else:
            chosen.append(_of_days(run, reference, baseline, layout, day))
    return chosen


def of_value(run: Run, reference: Reference, chosen: ChosenBaseline, segment: str, value: str) -> ChosenBaseline | None:
    """The baseline of the rows of one value of a segment; None where it has too few nights with such rows."""
    part = chosen.whole.part(segment, value)
    if part is None:
        return None
    if chosen.facts.kind is BaselineKind.REFERENCE:
        limits = reference.segment_limits.get(segment_key(segment, value), {})
        return replace(chosen, whole=part, limits=limits)
    own = [replace(day, profile=day.profile and day.profile.part(segment, value)) for day in chosen.nights]
    held = {day.day: day.version or "" for day in own if day.profile and day.day in chosen.facts.nights}
    if len(held) < chosen.facts.needed:
        return None
    facts = replace(chosen.facts, nights=held)
    return replace(chosen, facts=facts, whole=part, nights=own, limits=_limits(run, chosen.layout, facts, own))


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
            narrowed(current, baseline.layout),
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
        whole=reference.profile,
        nights=(),
        limits=reference.limits,
    )


def _of_days(run: Run, reference: Reference, baseline: Baseline, layout: Layout, day: date) -> ChosenBaseline:
    asked = baseline.days(day)
    stored = stored_profiles(run, reference, asked)
    held = [found for found in stored if found.profile is not None]
    facts = replace(
        _facts(run, baseline, layout, {found.day: found.version or "" for found in held}, len(asked)),
        other_layout=sum(found.state is ProfileState.OTHER_LAYOUT for found in stored),
    )
    nights = _history(run, reference, day) if baseline.kind is BaselineKind.PREVIOUS else stored
    return ChosenBaseline(
        facts=facts,
        layout=layout,
        whole=sum_profiles(reference.layout, (found.profile for found in held if found.profile is not None)),
        nights=nights,
        limits=_limits(run, layout, facts, nights),
    )


def _facts(run: Run, baseline: Baseline, layout: Layout, nights: Mapping[date, str], asked: int) -> BaselineFacts:
    return BaselineFacts(
        title=baseline.title,
        kind=baseline.kind,
        columns=tuple(column.name for column in layout.columns),
        asked=asked,
        needed=min(run.spec.history.minimum, asked // 2 + 1),
        nights=nights,
    )


def _history(run: Run, reference: Reference, day: date) -> list[DayProfile]:
    past = [day - timedelta(days=offset) for offset in range(run.spec.history.nights, 0, -1)]
    return stored_profiles(run, reference, past)


def _limits(run: Run, layout: Layout, facts: BaselineFacts, nights: Sequence[DayProfile]) -> Mapping[str, Limit]:
    """How far each night lay from the sum of the others, or from the night before; none of too few nights."""
    drift = run.spec.drift
    if facts.kind is BaselineKind.PREVIOUS:
        pairs = [pair for before, after in pairwise(nights) if (pair := _pair(before, after, layout))]
        fewest = run.spec.history.minimum
        return paired_limits(layout, pairs, drift.method, drift.quantile, fewest=fewest, methods=drift.methods)
    profiles = [narrowed(night.profile, layout) for night in nights if night.profile is not None]
    if len(profiles) < facts.needed:
        return {}
    return leave_one_out_limits(layout, profiles, drift.method, drift.quantile, methods=drift.methods)


def _pair(before: DayProfile, after: DayProfile, layout: Layout) -> tuple[Profile, Profile] | None:
    if before.profile is None or after.profile is None:
        return None
    return narrowed(before.profile, layout), narrowed(after.profile, layout)


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


def _layout_of(layout: Layout, columns: Sequence[str]) -> Layout:
    return Layout(model=layout.model, columns=tuple(column for column in layout.columns if column.name in columns))


def narrowed(profile: Profile, layout: Layout) -> Profile:
    """The columns of a narrower layout, of all rows."""
    columns = {column.name: profile.columns[column.name] for column in layout.columns}
    return Profile(layout_id=layout.id, rows=profile.rows, columns=columns)
