"""Checks inferred from the days of a reference, pinned or just read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.new_values import Novelty, measure_novelty
from airflow_mlmon.pipeline.workspace.samples import days_of
from airflow_mlmon.profiles.engine.derived import with_derived
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.quality.infer import Inferred, infer_checks
from airflow_mlmon.spec import ModelSpec


def infer_from_days(
    spec: ModelSpec, schema: ProfileSchema, profile: Profile, days: Sequence[Profile], novelty: Mapping[str, Novelty]
) -> Inferred:
    """Infer checks from the profile of a reference, those of its days, in their order, and its categories."""
    return infer_checks(schema, profile, days, spec, {name: found.why_open for name, found in novelty.items()})


def infer_from_rows(spec: ModelSpec, schema: ProfileSchema, rows: pa.Table) -> Inferred:
    """Infer checks from the rows of a reference that is not pinned."""
    at = days_of(rows, spec.time_column, spec.day_zone)
    days = [
        profile_table(rows.filter(pc.equal(at, day)), schema) for day in sorted(pc.unique(at.drop_null()).to_pylist())
    ]
    undated = profile_table(rows.filter(at.is_null()), schema)
    novelty = measure_novelty(schema, with_derived(rows, schema.columns), at)
    return infer_from_days(spec, schema, sum_profiles(schema, [*days, undated]), days, novelty)
