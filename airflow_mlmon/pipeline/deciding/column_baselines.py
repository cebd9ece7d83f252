"""Baseline of each column of a day, and the past days that are part of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_mlmon.drift.versions import CategoryCounts, days_alike
from airflow_mlmon.pipeline.baselines.choose import ChosenBaseline, members_of
from airflow_mlmon.pipeline.workspace.compared_days import PastDay
from airflow_mlmon.profiles.keys import segment_name
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.spec.model import ModelSpec

# baselines of earlier days
_MOVING = {BaselineKind.TRAILING, BaselineKind.PREVIOUS, BaselineKind.SAME_WEEKDAY}


def column_baselines(
    spec: ModelSpec,
    baselines: Sequence[ChosenBaseline],
    now: Profile,
    past: Sequence[PastDay],
    schema: ProfileSchema,
) -> dict[str, tuple[Profile, frozenset[date]]]:
    """Return the baseline of each column, and the days that are part of it.

    Outputs of the model are compared only with days of the same versions.
    """
    found: dict[str, tuple[Profile, frozenset[date]]] = {}
    for chosen in baselines:
        found |= dict.fromkeys(chosen.facts.columns, (chosen.whole, members_of(chosen, past)))
        if chosen.facts.kind in _MOVING and spec.version_column:
            own = _of_versions(chosen, spec.version_column, now, schema)
            for name in set(chosen.facts.columns).intersection(spec.outputs):
                del found[name]
                found |= {name: own} if own else {}
    return found


def _of_versions(
    chosen: ChosenBaseline, version_column: str, now: Profile, schema: ProfileSchema
) -> tuple[Profile, frozenset[date]] | None:
    """Return the days of a baseline with the same versions as this day; None if they are too few."""
    held = {one.day: one.profile for one in chosen.days if one.profile and one.day in chosen.facts.days}
    counts = {day: _served(profile, version_column) for day, profile in held.items()}
    alike = days_alike(counts, _served(now, version_column))
    if len(alike) == len(held):
        return chosen.whole, frozenset(held)
    if len(alike) < chosen.facts.needed:
        return None
    return sum_profiles(schema, (held[day] for day in sorted(alike))), frozenset(alike)


def _served(profile: Profile, version_column: str) -> CategoryCounts:
    """Return the rows by version."""
    segment = profile.segments.get(segment_name([version_column]))
    return {str(value): part.rows for value, part in segment.parts.items()} if segment else {}
