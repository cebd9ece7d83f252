"""The limits of evidently's methods on samples: what they say of the reference's own nights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from airflow_mlmon.drift.limits import Limit, limits_of_samples
from airflow_mlmon.drift.methods import sampled_methods
from airflow_mlmon.drift.sampled import nights_of
from airflow_mlmon.pipeline.workspace.samples import Samples, spread
from airflow_mlmon.profiles.layout import Kind, Layout
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.methods import Method


def limited_methods(spec: ModelSpec, layout: Layout) -> Mapping[str, tuple[Method, Kind]]:
    """The columns whose method needs rows and is quick enough to be asked of the reference's nights."""
    asked = sampled_methods(layout.columns, spec.drift.method, spec.drift.methods)
    return {name: pair for name, pair in asked.items() if nights_of(pair[0])}


def sampled_limits(spec: ModelSpec, layout: Layout, nights: Sequence[Samples]) -> dict[str, Limit]:
    """The limit of each column whose method needs rows, from a sample of each night against one of the others.

    A slow method is asked of fewer nights.
    """
    asked = limited_methods(spec, layout)
    if not asked:
        return {}
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    answers = []
    for place, night in enumerate(nights):
        due = {name: pair for name, pair in asked.items() if place in spread(len(nights), nights_of(pair[0]))}
        answers.append(score_samples(night.reference, night.current, due))
    return limits_of_samples(answers, spec.drift.quantile)
