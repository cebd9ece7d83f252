"""Evidently's answers on the samples of two data sets, for the methods that need rows."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.comparison.dataset import Dataset
from airflow_mlmon.drift.methods import sampled_methods
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.errors import ConfigError


def ask_evidently(reference: Dataset, current: Dataset, method: str) -> Mapping[str, SampledScore]:
    """Compute the scores by Evidently on the samples of both sides, if the method needs rows.

    Raises:
        ConfigError: the reference is a profile, which contains no rows.
    """
    asked = sampled_methods(reference.schema.columns, method, {})
    if not asked:
        return {}
    if reference.sample is None or current.sample is None:
        raise ConfigError(
            f"The drift method {method!r} needs rows.", hint="give the rows of the reference instead of its profile"
        )
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    return score_samples(reference.sample, current.sample, asked)
