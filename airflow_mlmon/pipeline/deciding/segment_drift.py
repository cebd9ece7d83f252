"""Drift of the segments of a day, and the effect of a version change on the drift of all rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.pipeline.baselines.choose import (
    ChosenBaseline,
    choose_baselines,
    compare_with,
    of_all_versions,
    of_value,
)
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.profiles.keys import segment_key, segment_name
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import MINIMUM_ROWS

# a smaller share of rows by versions missing in the baseline does not change the score of all rows
_UNKNOWN_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDrift:
    """Drift of one value of a segment.

    Attributes:
        segment: The name of the segment.
        rows: Number of rows.
        columns: The drift of each column.
        baselines: The titles of their baselines.
    """

    segment: str
    rows: int
    columns: tuple[ColumnDrift, ...]
    baselines: Mapping[str, str]


def compare_segments(
    run: Run, reference: StoredReference, day: date, baselines: Sequence[ChosenBaseline], current: Profile
) -> list[SegmentDrift]:
    """Compare each value of each segment with the same rows of its baseline.

    A version is compared with the baselines that the spec maps it to. If these have too few days of
    it, it is compared with the rows of all versions, except for what the model itself puts out. The rows of
    another value are not compared where they or the baseline's are too few.
    """
    found = []
    for name, segment in current.segments.items():
        for value, part in segment.parts.items():
            if name == run.spec.version_column:
                own = choose_baselines(run, reference, Span(days=(day,)), version=value)
                found.append(_compare_version(run, reference, own, current, value))
            elif part.rows >= MINIMUM_ROWS:
                of_rows = [of_value(chosen, name, value) for chosen in baselines]
                used = [chosen for chosen in of_rows if chosen is not None]
                if len(used) == len(baselines):
                    found.append(_compare_part(run, reference, used, current, (name, value)))
    return found


def _compare_version(
    run: Run, reference: StoredReference, baselines: Sequence[ChosenBaseline], current: Profile, version: str
) -> SegmentDrift:
    name = str(run.spec.version_column)
    of_version = [(chosen, of_value(chosen, name, version)) for chosen in baselines]
    used = [own or of_all_versions(chosen) for chosen, own in of_version]
    lacking = {column for chosen, own in of_version if own is None for column in chosen.facts.columns}
    drift = _compare_part(run, reference, used, current, (name, version))
    reason = f"the baseline has too few days of {version}"
    return replace(drift, columns=tuple(_withheld(drift.columns, lacking & set(run.spec.outputs), reason)))


def _compare_part(
    run: Run, reference: StoredReference, baselines: Sequence[ChosenBaseline], current: Profile, of: tuple[str, str]
) -> SegmentDrift:
    part = current.part(*of) or Profile.empty(reference.schema)
    return SegmentDrift(
        segment=segment_key(*of),
        rows=part.rows,
        columns=tuple(compare_with(run, reference.schema, baselines, part, {})),
        baselines={column: chosen.facts.title for chosen in baselines for column in chosen.facts.columns},
    )


def withhold_outputs(
    spec: ModelSpec, drift: Sequence[ColumnDrift], baselines: Sequence[ChosenBaseline], current: Profile
) -> list[ColumnDrift]:
    """Withhold the verdicts on outputs of versions that are missing in the baseline.

    Their scores differ because the model differs; each version is compared by itself.
    """
    for chosen in baselines:
        unknown = _unknown_versions(spec, chosen.whole, current)
        if unknown:
            columns = set(chosen.facts.columns) & set(spec.outputs)
            drift = _withheld(drift, columns, f"the baseline has no rows of {', '.join(unknown)}: see the versions")
    return list(drift)


def _unknown_versions(spec: ModelSpec, baseline: Profile, current: Profile) -> list[str]:
    """Return the versions missing in the baseline that served more than a negligible share of the rows."""
    known = baseline.segments.get(segment_name([spec.version_column or ""]))
    now = current.segments.get(segment_name([spec.version_column or ""]))
    if known is None or now is None or not known.parts:
        # a baseline without versions covers all of them
        return []
    unknown = {value: part.rows for value, part in now.parts.items() if value not in known.parts}
    return sorted(unknown) if sum(unknown.values()) > _UNKNOWN_SHARE * current.rows else []


def _withheld(drift: Sequence[ColumnDrift], columns: Collection[str], reason: str) -> list[ColumnDrift]:
    return [replace(column, note=reason, is_withheld=True) if column.column in columns else column for column in drift]
