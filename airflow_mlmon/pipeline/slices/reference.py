"""Slices of the reference: from its own segments, otherwise from its rows, read file by file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import StateError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.rows import Divided, Sliced, merge_divided
from airflow_mlmon.pipeline.workspace.reference import StoredReference, reference_outcomes
from airflow_mlmon.pipeline.workspace.reference_rows import join_reference_labels, read_reference, stream_reference
from airflow_mlmon.pipeline.workspace.samples import days_of
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.parts import profile_outcome_parts, sum_outcome_parts
from airflow_mlmon.tasks.registry import task_of


def slice_reference(run: Run, reference: StoredReference, segments: tuple[SegmentSchema, ...]) -> Sliced:
    """Return the slices of the reference that match those of a window.

    Raises:
        StateError: its files have changed since the profile schema was pinned.
    """
    schema = replace(reference.schema, segments=segments)
    has_labels = run.spec.labels is not None and run.spec.reference.label is not None
    task = task_of(run.spec)
    labels = reference_outcomes(run, reference) if has_labels else sum_outcome_parts(task, ())
    held = set(reference.schema.segments) if labels is not None else set()
    found: list[Divided] = [] if labels is None else [(reference.profile, labels)]
    missing = tuple(segment for segment in segments if segment not in held)
    if missing:
        run.progress("slices of the reference")
        found.append(_read(run, reference, replace(reference.schema, segments=missing)))
    profile, labelled = merge_divided(found, schema)
    return Sliced(
        segments=segments,
        profile=profile,
        labelled=labelled if has_labels else None,
        rows_read=profile.rows if missing else 0,
    )


def _read(run: Run, reference: StoredReference, schema: ProfileSchema) -> Divided:
    files: dict[str, str] = {}

    def streamed() -> Iterable[pa.Table]:
        for rows, checksums, *_ in stream_reference(run):
            files.update(checksums)
            yield rows

    def by_day() -> Iterable[pa.Table]:
        rows, checksums, *_ = read_reference(run)
        files.update(checksums)
        days = days_of(rows, run.spec.time_column, run.spec.day_zone)
        for day in pc.unique(days):
            yield rows.filter(pc.equal(days, day) if day.is_valid else days.is_null())

    # rows of a group may be in several files
    is_cut = task_of(run.spec).undivided is not None
    found = _divide(run, by_day() if is_cut else streamed(), schema, reference.outcomes)
    if files != reference.files:
        raise StateError(
            f"The files of the reference of {run.model} have changed since its profile schema was pinned.",
            hint="restore them, or change reference.path in the spec to pin the new ones",
        )
    # an id in two files: only all files together determine which of its rows counts
    return (
        found
        if found[0].rows == reference.profile.rows
        else _divide(run, [read_reference(run)[0]], schema, reference.outcomes)
    )


def _divide(run: Run, tables: Iterable[pa.Table], schema: ProfileSchema, outcomes: OutcomeSchema) -> Divided:
    task = task_of(run.spec)
    profile, labelled = Profile.empty(schema), sum_outcome_parts(task, ())
    for rows in tables:
        profile += profile_table(rows, schema)
        joined = join_reference_labels(run, rows)
        if joined is not None:
            parts = profile_outcome_parts(task, joined, rows, schema.segments, outcomes)
            labelled = sum_outcome_parts(task, (labelled, parts))
    return profile, labelled
