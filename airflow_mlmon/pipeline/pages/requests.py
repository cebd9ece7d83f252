"""Requests and attributions of a day, for its page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from airflow_mlmon.drift.attributions import MAGNITUDE, SHARE
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.attributions import reference_magnitudes
from airflow_mlmon.pipeline.workspace.operations import read_operations
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.records import MetricValue, PartitionState
from airflow_mlmon.reports.charts import by_hour
from airflow_mlmon.reports.requests import Attributions, Requests
from airflow_mlmon.spec.metrics import NDCG
from airflow_mlmon.tasks.operations import OF_REQUESTS, count_by_hour, count_statuses

_DEFECTS = ("unknown_statuses", "negative_latencies")


def requests_of(run: Run, state: PartitionState, metrics: Sequence[MetricValue]) -> Requests | None:
    """Collect the requests of a day; None if the spec does not ask for them."""
    found = {value.key: value for value in metrics if value.metric in OF_REQUESTS}
    operational = run.spec.operational
    if operational is None or not found:
        return None
    profile = read_operations(run, state.partition, str(state.version))
    pairs = [
        (name, found.get(("saturation_mean", name, None)), found.get(("saturation_p95", name, None)))
        for name in operational.saturation
    ]
    return Requests(
        values=tuple(
            found[key]
            for key in ((metric, None, None) for metric in OF_REQUESTS)
            # nothing is unknown or negative on most days
            if key in found and (found[key].value != 0 or key[0] not in _DEFECTS)
        ),
        saturation=tuple((name, mean, high) for name, mean, high in pairs if mean and high),
        statuses=tuple(
            (name, count, operational.is_error(name)) for name, count in (count_statuses(profile) if profile else ())
        ),
        by_hour=by_hour(count_by_hour(profile), "requests") if profile and profile.rows else None,
    )


def attributions_of(run: Run, day: date, metrics: Sequence[MetricValue]) -> Attributions | None:
    """Collect the attributions of a day; None if it has none."""
    found = {value.key: value for value in metrics if value.segment is None}
    order = found.get((NDCG, None, None))
    if order is None:
        return None
    reference = pinned_reference(run, day)
    before = reference_magnitudes(run, reference.folder) if reference else None
    gains = before.columns if before else {}
    rows = [
        (str(value.column), value, found[SHARE, value.column, None], _mean(gains.get(str(value.column))))
        for value in found.values()
        if value.metric == MAGNITUDE
    ]
    return Attributions(ndcg=order, rows=tuple(sorted(rows, key=lambda row: -(row[1].value or 0.0))))


def _mean(column: ColumnProfile | None) -> float | None:
    return column.mean if isinstance(column, NumericProfile) else None
