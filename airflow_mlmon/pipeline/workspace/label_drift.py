"""Drift of the labels received against those of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.drift.compare import ColumnDrift, compare_profiles
from airflow_mlmon.drift.methods import method_for
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.layout import ColumnLayout, Kind, Layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.methods import Method


class LabelCounts(NamedTuple):
    """Labels by value, as in a profile of the label."""

    negative: int
    positive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDrift:
    """Drift of the label, with the profiles of both sides for a chart."""

    drift: ColumnDrift
    reference: Profile
    current: Profile


def count_labels(profile: Any) -> LabelCounts:
    """Count the labels of each value."""
    return LabelCounts(profile.labelled - profile.positive, profile.positive)


def compare_labels(spec: ModelSpec, nights: Sequence[LabelCounts], current: LabelCounts) -> LabelDrift | None:
    """Score the label's distance from the labels of the reference; None if it has none."""
    if spec.labels is None or not nights:
        return None
    name = spec.labels.label
    layout = Layout(
        model=spec.model, columns=(ColumnLayout(name=name, kind=Kind.CATEGORY, vocabulary=("false", "true")),)
    )
    profiles = [_profile(layout, counts) for counts in nights]
    reference, now = sum_profiles(layout, profiles), _profile(layout, current)
    method = _method(spec.drift.method)
    [drift] = compare_profiles(layout, reference, now, method=method)
    if spec.drift.method.is_sampled:
        reason = f"by {method}, because {spec.drift.method} needs rows and labels are stored as counts"
        drift = replace(drift, note="; ".join(filter(None, (drift.note, reason))))
    return LabelDrift(drift=drift, reference=reference, current=now)


def _method(asked: Method) -> Method:
    """Return the spec's method for a category; Jensen-Shannon if that needs rows."""
    chosen = method_for(Kind.CATEGORY, asked)
    return Method.JENSENSHANNON if chosen.is_sampled else chosen


def label_drift_metric(found: LabelDrift) -> MetricValue:
    """Return the score as a metric, beside those of the columns."""
    return score_metric(found.drift, "the reference")


def _profile(layout: Layout, counts: LabelCounts) -> Profile:
    values = [pa.repeat(pa.scalar(value=False), counts.negative), pa.repeat(pa.scalar(value=True), counts.positive)]
    return profile_table(pa.table([pa.chunked_array(values)], names=[layout.columns[0].name]), layout)
