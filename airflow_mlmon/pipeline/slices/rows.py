"""Profiles of the slices of a window, and of the same slices of the reference.

A column that is a segment of the profile schema is taken from stored profiles, or from curated rows on days without a
profile; any other column is taken from curated rows, one day at a time. Both give the same numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from airflow_mlmon.comparison.slices import SliceRows
from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_columns, open_curated
from airflow_mlmon.pipeline.workspace.outcomes import deliveries_of, profile_partition_outcomes, stored_outcomes
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.pipeline.workspace.stored_profiles import stored_profiles
from airflow_mlmon.profiles.columns.segment import MAX_PARTS, Part
from airflow_mlmon.profiles.engine.division import count_values
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from airflow_mlmon.records import PartitionState
from airflow_mlmon.spec import ColumnType
from airflow_mlmon.spec.choices import MINIMUM_ROWS
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.parts import OutcomeParts, sum_outcome_parts
from airflow_mlmon.tasks.registry import task_of

MAX_SLICES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliced:
    """Rows divided into slices.

    Attributes:
        segments: The segments, each with the values that have a slice.
        profile: All rows, with those segments.
        labelled: The outcome profiles of all rows and of the slices; None without labels.
        small: By segment, the values with too few rows for a slice; they are in its rest.
        gathered: By segment, the number of values beyond the maximum of slices; they are in its rest too.
        gone: Days whose rows are missing; they are not counted here.
        stored: By segment, the number of days taken from stored profiles.
        rows_read: Number of rows read, for lack of a profile.
        rows_counted: Number of rows counted in Druid, for lack of a profile.
    """

    segments: tuple[SegmentSchema, ...]
    profile: Profile
    labelled: OutcomeParts | None
    small: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    gathered: Mapping[str, int] = field(default_factory=dict)
    gone: frozenset[date] = frozenset()
    stored: Mapping[str, int] = field(default_factory=dict)
    rows_read: int = 0
    rows_counted: int = 0

    def by_slice(self) -> dict[tuple[str, str | None], SliceRows]:
        """Return the profiles of each slice with rows, by segment and value; None for the rest."""
        found = {}
        for name, segment in self.profile.segments.items():
            parts: list[tuple[str | None, Part]] = [*segment.parts.items(), (None, segment.rest)]
            for value, part in parts:
                if not part.rows:
                    continue
                profile = Profile(schema_id=self.profile.schema_id, rows=part.rows, columns=part.columns)
                labelled = self.labelled.parts.get(segment_key(name, value)) if self.labelled else None
                found[name, value] = SliceRows(profile=profile, labelled=labelled)
        return found


# a profile, and the outcome profiles of the same rows
Divided = tuple[Profile, OutcomeParts]


class DayRows(Protocol):
    """Interface that divides the rows of a day; NotFoundError if they are missing."""

    def reads(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> bool:
        """Return True if dividing by these segments must read the rows."""
        ...

    def count(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> Sequence[Counter[str | None]]:
        """Count the rows of each value of each segment; None is the rest."""
        ...

    def divide(self, state: PartitionState, schema: ProfileSchema, outcomes: OutcomeSchema) -> Divided:
        """Profile the rows under a profile schema."""
        ...


def slice_days(
    run: Run,
    reference: StoredReference,
    states: Sequence[PartitionState],
    asked: Sequence[tuple[str, ...]],
    rows: DayRows | None = None,
) -> Sliced:
    """Divide the rows of some days into slices, from stored profiles or from rows, by default the curated ones.

    Raises:
        ConfigError: an integer column has more than 50 values and is no segment of the profile schema.
    """
    rows = rows or CuratedRows(run)
    pinned = {frozenset(segment.columns): segment for segment in reference.schema.segments}
    counted, gone = _count(run, rows, states, [columns for columns in asked if frozenset(columns) not in pinned])
    chosen, small, gathered = _choose_values(counted, asked)
    segments = tuple(pinned.get(frozenset(columns)) or chosen[columns] for columns in asked)
    schema = replace(reference.schema, segments=segments)
    total, labelled = Profile.empty(schema), no_outcomes(run)
    divided = {True: 0, False: 0}
    stored = Counter[str]()
    for day in states:
        if day.partition.day in gone:
            continue
        run.progress(f"slices of {day.partition.key}")
        try:
            (profile, labels), missing = _divide_day(run, reference, rows, day, schema)
        except NotFoundError:
            gone.add(day.partition.day)
            continue
        total, labelled = total + profile, sum_outcome_parts(task_of(run.spec), (labelled, labels))
        stored += Counter(segment.name for segment in segments if segment not in missing)
        if missing:
            divided[rows.reads(day, missing)] += profile.rows
    return Sliced(
        segments=segments,
        profile=total,
        labelled=labelled if run.spec.labels else None,
        small=small,
        gathered=gathered,
        gone=frozenset(gone),
        stored=stored,
        rows_read=divided[True],
        rows_counted=divided[False],
    )


def no_outcomes(run: Run) -> OutcomeParts:
    """Return the outcome profiles of rows without labels."""
    return sum_outcome_parts(task_of(run.spec), ())


def merge_divided(found: Sequence[Divided], schema: ProfileSchema) -> Divided:
    """Merge profiles of the same rows under a schema, of which each has some segments."""
    segments = {
        own.name: profile.segments[own.name]
        for profile, _ in found
        for own in schema.segments
        if own.name in profile.segments and profile.segments[own.name].schema == own
    }
    first, labels = found[0]
    whole = Profile(schema_id=schema.id, rows=first.rows, columns=first.columns, segments=segments)
    parts = {key: part for _, labelled in found for key, part in labelled.parts.items()}
    return whole, OutcomeParts(whole=labels.whole, parts=parts)


def _count(
    run: Run, rows: DayRows, states: Sequence[PartitionState], asked: Sequence[tuple[str, ...]]
) -> tuple[dict[tuple[str, ...], Counter[str | None]], set[date]]:
    """Count the rows of each value of columns without stored profiles; also return the days without rows."""
    counted = {columns: Counter[str | None]() for columns in asked}
    gone: set[date] = set()
    segments = [SegmentSchema(columns=columns) for columns in asked]
    for day in states if asked else ():
        run.progress(f"values of {day.partition.key}")
        try:
            of_day = rows.count(day, segments)
        except NotFoundError:
            gone.add(day.partition.day)
            continue
        for columns, counts in zip(asked, of_day, strict=True):
            counted[columns] += counts
    for columns, counts in counted.items():
        _demand_few_integers(run, columns, len(counts.keys() - {None}))
    return counted, gone


def _demand_few_integers(run: Run, columns: tuple[str, ...], distinct: int) -> None:
    is_integer = len(columns) == 1 and run.spec.columns[columns[0]].type is ColumnType.INTEGER
    if is_integer and distinct > MAX_PARTS:
        raise ConfigError(
            f"Column {columns[0]!r} is an integer with {distinct:,} distinct values in the window; a slice is one "
            f"value of at most {MAX_PARTS}.",
            hint="archive a category with ranges of it, or add it to `segments` in the spec, which keeps its "
            "most frequent values",
            column=columns[0],
        )


def _choose_values(
    counted: Mapping[tuple[str, ...], Counter[str | None]], asked: Sequence[tuple[str, ...]]
) -> tuple[dict[tuple[str, ...], SegmentSchema], dict[str, Mapping[str, int]], dict[str, int]]:
    """Choose the values that get a slice, those with too few rows, and the number beyond the maximum."""
    chosen: dict[tuple[str, ...], SegmentSchema] = {}
    small: dict[str, Mapping[str, int]] = {}
    gathered: dict[str, int] = {}
    room = MAX_SLICES - (len(asked) - len(counted)) * (MAX_PARTS + 1)
    for columns, counts in counted.items():
        # one slice is for the rest
        most = max(room - 1, 0)
        ordered = sorted((-count, value) for value, count in counts.items() if value is not None)
        enough = tuple(value for count, value in ordered[:most] if -count >= MINIMUM_ROWS)
        chosen[columns] = SegmentSchema(columns=columns, values=enough)
        name = chosen[columns].name
        small[name] = {value: -count for count, value in ordered[:most] if -count < MINIMUM_ROWS}
        gathered[name] = len(ordered[most:])
        room -= min(len(ordered), most) + 1
    return chosen, small, gathered


def _divide_day(
    run: Run, reference: StoredReference, rows: DayRows, state: PartitionState, schema: ProfileSchema
) -> tuple[Divided, tuple[SegmentSchema, ...]]:
    """Divide a day under the profile schema; also return the segments that needed its rows."""
    held = [segment for segment in schema.segments if segment in reference.schema.segments]
    stored = _stored_day(run, reference, state, held) if held else None
    missing = tuple(segment for segment in schema.segments if stored is None or segment not in held)
    found = [stored] if stored else []
    if missing:
        found.append(rows.divide(state, replace(reference.schema, segments=missing), reference.outcomes))
    return merge_divided(found, schema), missing


def _stored_day(
    run: Run, reference: StoredReference, state: PartitionState, segments: Sequence[SegmentSchema]
) -> Divided | None:
    """Return the stored profiles of a day; None if one is missing."""
    [day] = stored_profiles(run, reference, [state.partition.day])
    if day.profile is None or day.version != state.version:
        return None
    if run.spec.labels is None:
        return day.profile, no_outcomes(run)
    labelled = stored_outcomes(run, state.partition, str(state.version), reference.outcomes)
    if labelled is None:
        return None
    # labels measured under an earlier profile schema have other parts
    rows = {key: part.rows for own in segments for key, part in day.profile.segments[own.name].by_key().items()}
    known = {key: part.rows for key, part in labelled.parts.items()}
    if task_of(run.spec).undivided is not None:
        # rows that belong together are in one part, whatever the values of some
        return (day.profile, labelled) if rows.keys() <= known.keys() else None
    return (day.profile, labelled) if rows.items() <= known.items() else None


class CuratedRows:
    """Curated rows of the workspace."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def reads(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> bool:  # noqa: ARG002 - always
        """Return True."""
        return True

    def count(self, state: PartitionState, segments: Sequence[SegmentSchema]) -> list[Counter[str | None]]:
        """Count the rows of each value."""
        names = [name for segment in segments for name in segment.columns]
        counted = [Counter[str | None]() for _ in segments]
        with open_columns(self._run, state.partition, str(state.version)) as rows:
            for batch in rows.batches([self._run.spec.id_column], where_there=names):
                for counts, segment in zip(counted, segments, strict=True):
                    counts.update(count_values(batch, segment))
        return counted

    def divide(self, state: PartitionState, schema: ProfileSchema, outcomes: OutcomeSchema) -> Divided:
        """Profile the rows, read twice: all columns, and the columns of performance."""
        version, run = str(state.version), self._run
        with open_curated(run, state.partition, version) as rows:
            profile = profile_parquet(rows.paths, schema)
        if run.spec.labels is None:
            return profile, no_outcomes(run)
        deliveries = deliveries_of(run, state.partition)
        return profile, profile_partition_outcomes(
            run, state.partition, version, deliveries, schema.segments, schema=outcomes
        )
