"""Selection of the baselines of a partition: the partitions and versions that they are the sum of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.drift.compare import ColumnDrift, compare_profiles
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.evaluation.history import ongoing
from airflow_mlmon.pipeline.baselines.in_force import InForce, in_force
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.compared_days import PastDay
from airflow_mlmon.pipeline.workspace.mlflow_source import with_named_versions
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, reference_days
from airflow_mlmon.pipeline.workspace.stored_profiles import (
    DayProfile,
    ProfileState,
    reference_version,
    stored_profiles,
)
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.baseline import Baseline, BaselineKind
from airflow_mlmon.spec.metrics import DRIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBaseline:
    """Baseline of a window, and the columns that are compared with it.

    Attributes:
        facts: The partitions and versions that it consists of.
        schema: The profile schema of its own columns.
        whole: Its sum under the pinned schema.
        days: The days that it asks for; those with a profile are in the sum.
    """

    facts: BaselineFacts
    schema: ProfileSchema
    whole: Profile
    days: Sequence[DayProfile]

    @property
    def profile(self) -> Profile:
        """Return its sum, under the schema of its own columns."""
        return narrowed(self.whole, self.schema)


def choose_baselines(
    run: Run, reference: StoredReference, span: Span, *, asked: Baseline | None = None, version: str | None = None
) -> list[ChosenBaseline]:
    """Return the baselines of a window's columns, by the pins and the spec or as requested, one for each column.

    They are those of a model version, or of all rows. A day of an ongoing incident that was not accepted as normal is
    left out of the baseline of the column in breach.
    """
    pins, spec = run.ask(run.store.baselines), with_named_versions(run, span.days[-1])
    breached = drift_breaches(run, span.days[0]) if asked is None and len(span.days) == 1 else {}
    by_column = {
        column.name: InForce(baseline=asked)
        if asked
        else in_force(spec, pins, span.days[-1], version=version, column=column.name)
        for column in reference.schema.columns
    }
    grouped: dict[tuple[InForce, frozenset[date]], list[str]] = {}
    for name, held in by_column.items():
        grouped.setdefault((held, frozenset(breached.get(name, ()))), []).append(name)
    chosen = []
    for (held, without), columns in grouped.items():
        found = sum_baseline(run, reference, held.baseline, tuple(columns), span, without=without)
        pin = held.pin.number if held.pin else None
        chosen.append(replace(found, facts=replace(found.facts, pin=pin)))
    return chosen


def drift_breaches(run: Run, day: date) -> dict[str, set[date]]:
    """Return the days of each column's ongoing drift up to a day that was not accepted as normal."""
    accepted = run.ask(run.store.accepted_until, day)
    breaches = run.ask(run.store.breached_days, date.min, day - timedelta(days=1), DRIFT)
    return {
        column: ongoing(
            [breach for breach in days if breach > accepted.get((metric, column, segment), date.min)],
            day,
            run.spec.alerts.clear,
        )
        for (metric, column, segment), days in breaches.items()
        if column and segment is None
    }


def sum_baseline(
    run: Run,
    reference: StoredReference,
    baseline: Baseline,
    columns: Sequence[str],
    span: Span,
    *,
    without: Collection[date] = frozenset(),
) -> ChosenBaseline:
    """Sum the baseline of a window for some columns; a baseline of earlier days is taken `without` some."""
    schema = _schema_of(reference.schema, columns)
    if baseline.kind is BaselineKind.REFERENCE:
        return _of_reference(run, reference, baseline, schema, span)
    return _of_days(run, reference, baseline, schema, span, without=without)


def of_value(chosen: ChosenBaseline, segment: str, value: str) -> ChosenBaseline | None:
    """Return the baseline of one value of a segment; None if too few of its days have such rows."""
    part = chosen.whole.part(segment, value)
    if part is None:
        return None
    if chosen.facts.kind is BaselineKind.REFERENCE:
        return replace(chosen, whole=part)
    own = [replace(day, profile=day.profile and day.profile.part(segment, value)) for day in chosen.days]
    held = {day.day: day.version or "" for day in own if day.profile and day.day in chosen.facts.days}
    if len(held) < chosen.facts.needed:
        return None
    facts = replace(chosen.facts, days=held)
    return replace(chosen, facts=facts, whole=part, days=own)


def of_all_versions(chosen: ChosenBaseline) -> ChosenBaseline:
    """Return the baseline of all versions, for a version with too few days, with a title that names it."""
    return replace(chosen, facts=replace(chosen.facts, title=f"{chosen.facts.title}, all versions"))


def compare_with(
    run: Run,
    schema: ProfileSchema,
    baselines: Sequence[ChosenBaseline],
    current: Profile,
    sampled: Mapping[str, SampledScore],
) -> list[ColumnDrift]:
    """Score the drift of every column against its own baseline, in the order of the schema.

    `sampled` has the scores of columns whose method needs rows.
    """
    found: dict[str, ColumnDrift] = {}
    for baseline in baselines:
        drift = compare_profiles(
            baseline.schema,
            baseline.profile,
            narrowed(current, baseline.schema),
            method=run.spec.drift.method,
            methods=run.spec.drift.methods,
            sampled=sampled,
        )
        found |= {column.column: _with_shortage(column, baseline) for column in drift}
    return [found[column.name] for column in schema.columns]


def baseline_profiles(run: Run, reference: StoredReference, facts: Sequence[BaselineFacts]) -> dict[str, Profile]:
    """Restore the sum that each column was compared with, from the named versions.

    A column is left out if a version is missing.
    """
    profiles: dict[str, Profile] = {}
    for entry in facts:
        if entry.kind is BaselineKind.REFERENCE:
            profiles |= dict.fromkeys(entry.columns, reference.profile)
        elif (total := _sum_of_named(run, reference, entry.days)) is not None:
            profiles |= dict.fromkeys(entry.columns, total)
    return profiles


def _sum_of_named(run: Run, reference: StoredReference, days: Mapping[date, str]) -> Profile | None:
    name = reference_version(reference)
    own = reference_days(run, reference) if name in days.values() else {}
    try:
        parts = [
            own[day]
            if version == name
            else Profile.from_bytes(run.files.read(profile_uri(run, run.partition(day), version, reference.schema.id)))
            for day, version in days.items()
        ]
    except (NotFoundError, KeyError):
        return None
    return sum_profiles(reference.schema, parts)


def _of_reference(
    run: Run, reference: StoredReference, baseline: Baseline, schema: ProfileSchema, span: Span
) -> ChosenBaseline:
    days = [day for day in reference.days if day not in span.own]
    versions = dict.fromkeys(days, reference_version(reference))
    facts = _facts(run, baseline, schema, span, days=versions, asked=len(days))
    whole = reference.profile
    if span.own:
        own = reference_days(run, reference)
        whole = sum_profiles(reference.schema, (own[day] for day in days))
    return ChosenBaseline(
        # a short reference is accepted as declared, without a minimum of days
        facts=replace(facts, needed=0, title=f"{facts.title}{_of_source(reference)}"),
        schema=schema,
        whole=whole,
        days=(),
    )


def _of_source(reference: StoredReference) -> str:
    return f" ({reference.source.source})" if reference.source else ""


def _of_days(
    run: Run,
    reference: StoredReference,
    baseline: Baseline,
    schema: ProfileSchema,
    span: Span,
    *,
    without: Collection[date],
) -> ChosenBaseline:
    asked = baseline.days(span.days[0], span.days[-1], without=without)
    stored = stored_profiles(run, reference, asked)
    held = [found for found in stored if found.profile is not None]
    named = {found.day: found.version or "" for found in held}
    facts = replace(
        _facts(run, baseline, schema, span, days=named, asked=len(asked)),
        other_schema=sum(found.state is ProfileState.OTHER_SCHEMA for found in stored),
    )
    return ChosenBaseline(
        facts=facts,
        schema=schema,
        whole=sum_profiles(reference.schema, (found.profile for found in held if found.profile is not None)),
        days=stored,
    )


def _facts(
    run: Run, baseline: Baseline, schema: ProfileSchema, span: Span, *, days: Mapping[date, str], asked: int
) -> BaselineFacts:
    return BaselineFacts(
        title=baseline.title(len(span.days)),
        kind=baseline.kind,
        columns=tuple(column.name for column in schema.columns),
        asked=asked,
        needed=min(run.spec.history.minimum, asked // 2 + 1),
        days=days,
    )


def _with_shortage(column: ColumnDrift, chosen: ChosenBaseline) -> ColumnDrift:
    """Return the column, with a note if its baseline lacks days."""
    facts = chosen.facts
    if facts.kind is BaselineKind.REFERENCE or len(facts.days) == facts.asked:
        return column
    short = f"{facts.title}: {len(facts.days)} of {facts.asked} days"
    if facts.other_schema:
        short += f", {facts.other_schema} have another profile schema: run mlmon reprofile"
    return replace(column, note="; ".join(filter(None, (short, column.note))))


def narrowed(profile: Profile, schema: ProfileSchema) -> Profile:
    """Return the profile of all rows with the columns of a narrower schema."""
    columns = {column.name: profile.columns[column.name] for column in schema.columns}
    return Profile(schema_id=schema.id, rows=profile.rows, columns=columns)


def members_of(chosen: ChosenBaseline, past: Sequence[DayProfile | PastDay]) -> frozenset[date]:
    """Return the past days that are part of a baseline."""
    if chosen.facts.kind is BaselineKind.REFERENCE:
        return frozenset(one.day for one in past if one.is_reference and one.day in chosen.facts.days)
    return frozenset(one.day for one in past if one.day in chosen.facts.days)


def _schema_of(schema: ProfileSchema, columns: Sequence[str]) -> ProfileSchema:
    return ProfileSchema(
        model=schema.model, columns=tuple(column for column in schema.columns if column.name in columns)
    )
