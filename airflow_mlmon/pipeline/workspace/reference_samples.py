"""Samples of the reference's days, each scored against the other days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from airflow_mlmon.drift.methods import text_methods
from airflow_mlmon.drift.multivariate import SampleSizes, multivariate_metric
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.multivariate import common_sizes, compare_together
from airflow_mlmon.pipeline.workspace.outliers import outlier_metrics
from airflow_mlmon.pipeline.workspace.samples import Samples, left_out_days
from airflow_mlmon.profiles.schema import Kind, ProfileSchema
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.metrics import DRIFT

# maximum number of days whose features are compared together: each costs tenths of a second
_SAMPLED_DAYS = 28
# 3 to 5 s for a day, while the other method of texts takes 0.2 s
_TOO_SLOW = Method.TEXT_CONTENT_PERCENTILE


def score_samples_of_days(
    run: Run, table: pa.Table, schema: ProfileSchema
) -> tuple[SampleSizes | None, dict[date, list[MetricValue]]]:
    """Score a sample of each reference day against rows of the other days; also return the sample sizes.

    Scored are all features together, outlying rows and the texts of each column, if the spec enables them. Later days
    are evaluated by these scores.
    """
    spec = run.spec
    texts = text_methods(schema.columns, spec.drift.method, spec.drift.methods)
    texts = {name: pair for name, pair in texts.items() if pair[0] is not _TOO_SLOW}
    if not spec.drift.multivariate and not texts and spec.drift.outliers is None:
        return None, {}
    run.progress("sampling the days of the reference")
    days = dict(left_out_days(table, spec, _SAMPLED_DAYS))
    found = {
        day: [*_score_texts(samples, texts), *outlier_metrics(spec, schema, samples)] for day, samples in days.items()
    }
    if not spec.drift.multivariate:
        return None, found
    sizes = common_sizes(spec, days.values())
    for day, samples in days.items():
        drift = compare_together(spec, schema, sizes, samples, explain=False)
        found[day] += [] if drift.is_withheld else [multivariate_metric(drift)]
    return sizes, found


def _score_texts(samples: Samples, methods: Mapping[str, tuple[Method, Kind]]) -> list[MetricValue]:
    if not methods:
        return []
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    answers = score_samples(samples.reference, samples.current, methods)
    return [
        MetricValue(metric=DRIFT, column=name, value=answer.value, rows=answer.rows_current)
        for name, answer in answers.items()
        if answer.value is not None
    ]
