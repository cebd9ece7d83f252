"""Outlying rows of a day's sample, if the spec asks for them."""

from __future__ import annotations

from airflow_mlmon.pipeline.workspace.multivariate import joint_features
from airflow_mlmon.pipeline.workspace.samples import Samples
from airflow_mlmon.profiles.schema import ProfileSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec


def outlier_metrics(spec: ModelSpec, schema: ProfileSchema, day: Samples) -> list[MetricValue]:
    """Measure the share of outlying rows of a day beside the reference's; nothing if the spec does not ask for it."""
    if spec.drift.outliers is None:
        return []
    from airflow_mlmon.drift.isolation_forest import fit_outliers  # noqa: PLC0415 - slow to import

    outliers = fit_outliers(day.reference, joint_features(spec, schema), spec.drift.outliers)
    return [outliers.measure(day.current)]
