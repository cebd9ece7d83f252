"""Third step: the partition's distance from the reference, column by column."""

from __future__ import annotations

import json
from dataclasses import asdict

from airflow_mlmon.drift.compare import ColumnDrift, DriftState, compare
from airflow_mlmon.drift.methods import method_for
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.prepare import Prepared, read_curated
from airflow_mlmon.pipeline.profile import Profiled
from airflow_mlmon.pipeline.reference import Reference, ensure_reference, read_sample, sample
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.methods import Method

_FILE = "drift.json"


def detect_drift(run: Run, prepared: Prepared, profiled: Profiled) -> list[ColumnDrift]:
    """Compare the profile with the reference's; the outcome is kept beside the curated rows."""
    run.progress("comparing with the reference")
    reference = ensure_reference(run)
    drift = compare(
        reference.layout,
        reference.profile,
        Profile.from_bytes(run.files.read(profiled.uri)),
        method=run.spec.drift.method,
        methods=run.spec.drift.methods,
        sampled=_score_samples(run, prepared, reference),
        limits=reference.limits,
    )
    content = json.dumps([asdict(column) for column in drift], indent=1)
    run.files.write(run.version_uri(prepared.partition, prepared.version, _FILE), content.encode())
    return drift


def _score_samples(run: Run, prepared: Prepared, reference: Reference) -> dict[str, SampledScore]:
    """What evidently finds on samples by prediction id, where the spec asks for methods that need rows."""
    drift = run.spec.drift
    methods = {
        column.name: (method_for(column.kind, drift.methods.get(column.name, drift.method)), column.kind)
        for column in reference.layout.columns
    }
    methods = {name: chosen for name, chosen in methods.items() if chosen[0].is_sampled}
    if not methods:
        return {}
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    run.progress("asking evidently")
    columns = [run.spec.id_column, *methods]
    rows = read_curated(run, prepared.partition, prepared.version, columns)
    return score_samples(read_sample(run, reference), sample(rows, run.spec.id_column), methods)


def read_drift(run: Run, partition: Partition, version: str) -> list[ColumnDrift]:
    """What `detect_drift` kept of a version."""
    content = json.loads(run.files.read(run.version_uri(partition, version, _FILE)))
    return [
        ColumnDrift(
            **(
                column
                | {
                    "state": DriftState(column["state"]),
                    "kind": Kind(column["kind"]),
                    "method": Method(column["method"]),
                }
            )
        )
        for column in content
    ]


def drift_metrics(drift: list[ColumnDrift]) -> list[MetricValue]:
    """The scores as metrics, with their limit, and the number of columns beyond it."""
    metrics = [
        MetricValue(
            metric="drift_score",
            column=column.column,
            value=column.score,
            rows=column.rows_current,
            detail={"method": column.method, "limit": column.limit, "nights": column.nights, "state": column.state},
        )
        for column in drift
    ]
    judged = [column for column in drift if column.state is not DriftState.INSUFFICIENT_DATA]
    beyond = [column.column for column in judged if column.state is DriftState.BEYOND]
    total = MetricValue(
        metric="drifted_columns",
        value=len(beyond) if judged else None,
        rows=max((column.rows_current for column in drift), default=0),
        detail={"columns": beyond, "of": len(judged)},
    )
    return [*metrics, total]
