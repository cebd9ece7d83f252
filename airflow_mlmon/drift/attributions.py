"""Attributions of the score to the features: their mean magnitudes, and the ranking of the features by them.

The magnitudes are summed exactly, in a profile with one column per feature; its quanta are those of the pinned schema,
so that the profiles of any two days add up. The ranking is compared by the normalised discounted cumulative gain as
Amazon SageMaker Clarify defines it ("Feature attribution drift for models in production"):

    NDCG = DCG / iDCG,   DCG = sum over i of a(f'_i) / log2(i + 1),   iDCG = sum over i of a(f_i) / log2(i + 1)

with a(f) the reference's mean absolute attribution of a feature, f_1, f_2, … the features ranked by it, and f'_1, f'_2,
… the features ranked by those of the day. It is 1 if the rankings agree; Clarify alerts below 0.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.vector import VectorProfile
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.attributions import attributable
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.metrics import NDCG

MAGNITUDE, SHARE = "attribution", "attribution_share"


def magnitude_schema(spec: ModelSpec, pinned: ProfileSchema) -> ProfileSchema:
    """Return the schema of the magnitudes: a column per feature, in quanta of the pinned schema."""
    held = {column.name: column for column in pinned.columns}
    quanta = {
        feature: held[name].element_quantum or 1.0 if held[name].kind is Kind.VECTOR else held[name].quantum
        for feature, name in _sources(spec).items()
    }
    return ProfileSchema(
        model=spec.model,
        columns=tuple(ColumnSchema(name=name, kind=Kind.NUMERIC, quantum=unit) for name, unit in quanta.items()),
    )


def profile_magnitudes(tables: Iterable[pa.Table], spec: ModelSpec, pinned: ProfileSchema) -> Profile:
    """Profile the magnitudes of the attributions of the rows of some tables."""
    stream = ProfileStream(magnitude_schema(spec, pinned), threads=1)
    for rows in tables:
        columns, there = {}, set(rows.column_names)
        for place, (feature, name) in enumerate(_sources(spec).items()):
            if name in there:
                found = rows.column(name)
                is_vector = spec.columns[name].type is ColumnType.VECTOR
                columns[feature] = pc.abs(pc.list_element(found, place) if is_vector else found)
        stream.add(pa.table(columns))
    return stream.total()


def measure_attributions(profile: Profile, reference: Profile | None) -> list[MetricValue]:
    """Measure the mean magnitude of each feature, its share of their sum, and the NDCG of their ranking."""
    found = [_magnitude(name, column) for name, column in profile.columns.items()]
    total = sum(value.value or 0.0 for value in found)
    lack = next((value.reason for value in found if value.value is None), "")
    lack = lack or ("" if total else "every attribution is 0")
    shares = [
        MetricValue(
            metric=SHARE,
            column=value.column,
            value=None if lack or value.value is None else value.value / total,
            rows=value.rows,
            reason=lack,
        )
        for value in found
    ]
    return [*found, *shares, _ndcg(found, lack, reference)]


def ndcg(reference: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    """Compare the ranking of the same features by their attributions; features of equal ones keep their order.

    None if the reference's are all 0.

    >>> training = {"SAT score": 0.70, "GPA": 0.50, "class rank": 0.05}
    >>> round(ndcg(training, {"SAT score": 0.10, "GPA": 0.20, "class rank": 0.70}), 3)
    0.688
    """
    gains = np.array(list(reference.values()))
    values = np.array([current[name] for name in reference])
    discounts = 1 / np.log2(np.arange(len(gains)) + 2)
    ideal = float(np.sort(gains)[::-1] @ discounts)
    return float(gains[np.argsort(-values, kind="stable")] @ discounts) / ideal if ideal else None


def attribution_shifts(
    spec: ModelSpec, now: Mapping[str, ColumnProfile], baseline: Mapping[str, ColumnProfile]
) -> dict[str, float]:
    """Return the change of the mean attribution of each column, by its name.

    Attributions of a row add up to its score, less a constant; so do their means, and this is what the column has moved
    the mean score by, in the units of the attributions.
    """
    shifts: dict[str, float] = {}
    for place, (feature, name) in enumerate(_sources(spec).items()):
        after, before = (_mean(side.get(name), place) for side in (now, baseline))
        if after is not None and before is not None:
            shifts |= dict.fromkeys(_columns_of(spec, feature), after - before)
    return shifts


def _sources(spec: ModelSpec) -> dict[str, str]:
    """Return the column with the attribution of each feature, in the order of the spec."""
    columns = spec.predictions.columns
    features = attributable(columns)
    found = {column.feature: name for name, column in columns.items() if column.feature is not None}
    vector = next((name for name in spec.columns_of(Role.ATTRIBUTION) if columns[name].type is ColumnType.VECTOR), None)
    return {name: vector or found[name] for name in features if vector or name in found}


def _columns_of(spec: ModelSpec, feature: str) -> list[str]:
    """Return the columns that a feature is monitored by: those derived from a text, else itself."""
    if feature in spec.columns:
        return [feature]
    return [name for name in spec.columns if name.startswith(f"{feature}.")]


def _magnitude(name: str, column: ColumnProfile) -> MetricValue:
    assert isinstance(column, NumericProfile)  # noqa: S101 - the schema says so
    reason = "" if column.observed else f"no attribution to {name}"
    value = MetricValue(metric=MAGNITUDE, column=name, value=column.mean, rows=column.observed, reason=reason)
    return value.within(column.mean_interval)


def _ndcg(found: list[MetricValue], lack: str, reference: Profile | None) -> MetricValue:
    rows = min((value.rows for value in found), default=0)
    gains = {name: _mean(column) for name, column in reference.columns.items()} if reference else {}
    known = {name: gain for name, gain in gains.items() if gain is not None}
    if not lack and len(known) < len(found):
        lack = "the reference has no attributions"
    value = None if lack else ndcg(known, {str(one.column): one.value or 0.0 for one in found})
    reason = lack or ("" if value is not None else "every attribution of the reference is 0")
    return MetricValue(metric=NDCG, value=value, rows=rows, reason=reason)


def _mean(column: ColumnProfile | None, place: int = 0) -> float | None:
    if isinstance(column, VectorProfile):
        quantum = column.schema.element_quantum or 1.0
        return float(column.dimensions.means[place]) * quantum if column.dimensions.rows else None
    return column.mean if isinstance(column, NumericProfile) else None
