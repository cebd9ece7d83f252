"""Operational profile of the requests of some rows, answered or failed, and the metrics that follow from it.

Its schema follows from the spec alone, so that the profiles of any two days add up: numbers are counted around 0, where
a cell of the grid is 2**-7 of its lower bound wide, and a quantile is half a cell from the true one at most.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.grid import to_bounds, to_cells
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.segment import Part
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.keys import column_key
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ColumnSchema, Kind, ProfileSchema, SegmentSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import ERROR_RATE, ROWS
from airflow_mlmon.spec.operational import Operational
from airflow_mlmon.statistics.intervals import interval_around, quantile_interval, wilson_interval

HOUR, OUTCOME, STATUS, DURATION, SATURATION = "hour", "outcome", "status", "latency", "saturation."
HOURS = tuple(f"{hour:02}" for hour in range(24))
# the metrics of requests, in the order of pages
OF_REQUESTS = (
    "requests_per_hour",
    "rows_errors",
    "error_rate",
    "unknown_statuses",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "negative_latencies",
    "saturation_mean",
    "saturation_p95",
)
_SERVED, _ERROR = "served", "error"
_QUANTILES = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}
_HIGH = 0.95
# exact sums below 35 minutes without big integers, and saturations below 2,048
_QUANTUM_MS, _QUANTUM = 2.0**-10, 2.0**-20


def operational_schema(spec: ModelSpec) -> ProfileSchema:
    """Return the schema of the operational profile, which the spec alone determines."""
    saturation = spec.operational.saturation if spec.operational else ()
    return ProfileSchema(
        model=spec.model,
        columns=(
            ColumnSchema(name=HOUR, kind=Kind.CATEGORY, vocabulary=HOURS),
            ColumnSchema(name=OUTCOME, kind=Kind.CATEGORY, vocabulary=(_SERVED, _ERROR)),
            ColumnSchema(name=STATUS, kind=Kind.CATEGORY),
            ColumnSchema(name=DURATION, kind=Kind.NUMERIC, quantum=_QUANTUM_MS),
            *(ColumnSchema(name=SATURATION + name, kind=Kind.NUMERIC, quantum=_QUANTUM) for name in saturation),
        ),
        segments=(SegmentSchema(columns=(spec.version_column,)),) if spec.version_column else (),
    )


def operational_columns(spec: ModelSpec) -> list[str]:
    """Return the columns from which the operational profile is made."""
    named = spec.operational.columns if spec.operational else ()
    return [name for name in (spec.time_column, spec.version_column, *named) if name]


def profile_operations(rows: pa.Table, spec: ModelSpec) -> Profile:
    """Profile the requests of a partition, those with an error status among them.

    The latency is that of answered requests: an error may come at once, or after a timeout.
    """
    operational = spec.operational or Operational()
    held = set(rows.column_names)
    is_error = mark_errors(rows, spec)
    columns = {HOUR: pa.array(HOURS).take(pc.hour(rows.column(spec.time_column)).combine_chunks())}
    if operational.status in held:
        status = rows.column(operational.status).cast(pa.string())
        columns |= {STATUS: status, OUTCOME: _outcomes(status, is_error, operational)}
    if operational.latency in held:
        latency = pc.multiply(rows.column(operational.latency).cast(pa.float64()), operational.latency_unit_ms)
        columns[DURATION] = pc.if_else(is_error, None, latency)
    columns |= {SATURATION + name: rows.column(name) for name in operational.saturation if name in held}
    if spec.version_column in held:
        columns[str(spec.version_column)] = rows.column(spec.version_column)
    return profile_table(pa.table(columns), operational_schema(spec))


def mark_errors(table: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Mark the rows whose status is an error by `operational`; none without a status."""
    operational = spec.operational
    if operational is None or operational.status is None or operational.status not in table.column_names:
        return pa.chunked_array([pa.repeat(pa.scalar(value=False), table.num_rows)])
    texts = table.column(operational.status).cast(pa.string())
    found = [text for text in pc.unique(texts).to_pylist() if text is not None and operational.is_error(text)]
    return pc.is_in(texts, pa.array(found, pa.string()))


def _outcomes(status: pa.ChunkedArray, is_error: pa.ChunkedArray, operational: Operational) -> pa.ChunkedArray:
    """Return served or error; null where the status is missing or unknown."""
    known = [text for text in pc.unique(status).to_pylist() if text is not None and operational.is_known(text)]
    outcomes = pc.if_else(is_error, _ERROR, _SERVED)
    return pc.if_else(pc.is_in(status, pa.array(known, pa.string())), outcomes, None)


def measure_operations(profile: Profile, spec: ModelSpec) -> list[MetricValue]:
    """Measure the traffic, the errors, the latencies and the saturation of a partition."""
    operational = spec.operational or Operational()
    metrics = [_peak(profile)]
    if operational.status:
        metrics += [*_errors(profile), *_by_status(profile, operational), *_by_version(profile)]
    if operational.latency:
        metrics += _latencies(profile)
    for name in operational.saturation:
        metrics += _saturation(profile, name)
    return metrics


def count_traffic(summary: list[MetricValue], operations: Profile) -> list[MetricValue]:
    """Return the metrics of the answered rows with all requests as the number of rows, which rests on the answered."""
    key = (ROWS, None, None)
    traffic = float(operations.rows)
    return [replace(value, value=traffic) if value.key == key else value for value in summary]


def count_statuses(profile: Profile) -> list[tuple[str, int]]:
    """Return the most frequent statuses with their requests, the most frequent first; of more than 20, about."""
    return list(_category(profile, STATUS).names)


def count_by_hour(profile: Profile) -> list[int]:
    """Return the requests of each hour of the day, in UTC."""
    hours = _category(profile, HOUR)
    return [hours.count_of(hour) for hour in HOURS]


def _peak(profile: Profile) -> MetricValue:
    counts = count_by_hour(profile)
    timed = sum(counts)
    return MetricValue(
        metric="requests_per_hour",
        value=float(max(counts)) if timed else None,
        rows=timed,
        reason="" if timed else "no request has a time",
    )


def _errors(profile: Profile) -> Iterator[MetricValue]:
    outcome, status = _category(profile, OUTCOME), _category(profile, STATUS)
    yield MetricValue(metric="rows_errors", value=float(outcome.count_of(_ERROR)), rows=profile.rows)
    yield MetricValue(metric="unknown_statuses", value=float(status.observed - outcome.observed), rows=profile.rows)
    yield _error_rate(profile)


def _error_rate(part: Profile | Part) -> MetricValue:
    outcome, status = _category(part, OUTCOME), _category(part, STATUS)
    reason = "" if outcome.observed else "no request has a status"
    if not outcome.observed and status.observed:
        reason = f"none of {status.observed} statuses is known: neither a code of three digits nor an error of the spec"
    return _share(outcome.count_of(_ERROR), outcome.observed, reason)


def _share(part: int, whole: int, reason: str, segment: str | None = None) -> MetricValue:
    low, high = wilson_interval(part, whole) or (None, None)
    return MetricValue(
        metric=ERROR_RATE,
        segment=segment,
        value=part / whole if whole else None,
        rows=whole,
        low=low,
        high=high,
        reason=reason,
    )


def _by_status(profile: Profile, operational: Operational) -> Iterator[MetricValue]:
    """Measure the share of each status that is an error."""
    known = _category(profile, OUTCOME).observed
    for name, count in sorted(_category(profile, STATUS).names):
        if operational.is_error(name):
            yield _share(count, known, "", column_key(str(operational.status), name))


def _by_version(profile: Profile) -> Iterator[MetricValue]:
    for segment in profile.segments.values():
        for key, part in segment.by_key().items():
            found = _error_rate(part)
            yield _share(round((found.value or 0) * found.rows), found.rows, found.reason, key)


def _latencies(profile: Profile) -> Iterator[MetricValue]:
    column = _number(profile, DURATION)
    negative = int(column.distribution.points.counts[column.distribution.points.keys < 0].sum())
    yield MetricValue(metric="negative_latencies", value=float(negative), rows=column.observed)
    reason = f"all of {negative} latencies are negative" if negative else "no answered request has a latency"
    for metric, share in _QUANTILES.items():
        yield _quantile(metric, column, share, reason)


def _saturation(profile: Profile, name: str) -> Iterator[MetricValue]:
    column = _number(profile, SATURATION + name)
    reason = "" if column.observed else "no row has a value"
    rows, deviation = column.observed, column.std
    low, high = interval_around(column.mean or 0.0, deviation**2 / rows) if deviation else (None, None)
    yield MetricValue(
        metric="saturation_mean", column=name, value=column.mean, rows=rows, low=low, high=high, reason=reason
    )
    yield _quantile("saturation_p95", column, _HIGH, "no row has a value", name)


def _quantile(
    metric: str, profile: NumericProfile, share: float, reason: str, column: str | None = None
) -> MetricValue:
    """Return a quantile with its interval by order statistics; negative latencies are not counted among them."""
    points = profile.distribution.points
    is_held = points.keys >= 0 if metric in _QUANTILES else np.ones(len(points), dtype=bool)
    held = Tally(keys=points.keys[is_held], counts=points.counts[is_held])
    if not len(held):
        return MetricValue(metric=metric, column=column, value=None, rows=0, reason=reason)
    value = _at(held, share)
    lower, upper = to_bounds(to_cells(np.array([value])))
    is_exact = profile.distribution.is_exact
    ends = quantile_interval(share, held.rows)
    return MetricValue(
        metric=metric,
        column=column,
        value=value,
        rows=held.rows,
        low=_at(held, ends[0]) if ends else None,
        high=_at(held, ends[1]) if ends else None,
        error_bound=0.0 if is_exact else float(upper[0] - lower[0]) / 2,
    )


def _at(points: Tally, share: float) -> float:
    position = int(np.searchsorted(np.cumsum(points.counts), share * points.rows))
    return float(points.keys[min(position, len(points) - 1)])


def _category(part: Profile | Part, name: str) -> CategoryProfile:
    column = part.columns[name]
    assert isinstance(column, CategoryProfile)  # noqa: S101 - the schema says so
    return column


def _number(part: Profile | Part, name: str) -> NumericProfile:
    column = part.columns[name]
    assert isinstance(column, NumericProfile)  # noqa: S101 - the schema says so
    return column
