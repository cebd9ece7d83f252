"""Metrics of the rows of a partition: of the answers, the requests and the attributions, and a spec's own."""

from __future__ import annotations

from functools import partial

from airflow_mlmon.drift.attributions import measure_attributions
from airflow_mlmon.drift.unseen import unseen_metrics
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.attributions import read_magnitudes, reference_magnitudes
from airflow_mlmon.pipeline.workspace.curated import stream_curated
from airflow_mlmon.pipeline.workspace.measured_before import measured_before
from airflow_mlmon.pipeline.workspace.operations import measure_rows, read_operations
from airflow_mlmon.pipeline.workspace.reference import StoredReference
from airflow_mlmon.pipeline.workspace.row_contents import measure_contents
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.own import measure_unlabelled


def row_metrics(
    run: Run, reference: StoredReference, partition: Partition, version: str, profile: Profile
) -> list[MetricValue]:
    """Measure a version of a partition: its rows and what is new in them, the failed requests, the attributions.

    Without labels, also what the spec itself measures.
    """
    metrics = measure_rows(run, profile, read_operations(run, partition, version))
    metrics += unseen_metrics(profile, reference.profile, run.spec)
    metrics += measure_contents(run, reference.rows, reference.folder, partition, version)
    magnitudes = read_magnitudes(run, reference.schema, partition, version)
    if magnitudes is not None:
        metrics += measure_attributions(magnitudes, reference_magnitudes(run, reference.folder))
    read = partial(stream_curated, run, partition, version)
    try:
        return [*metrics, *measure_unlabelled(run.spec, profile.rows, read)]
    except NotFoundError:
        return [*metrics, *measured_before(run, partition, version, run.spec.own_metrics)]
