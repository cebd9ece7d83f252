"""Third step: score the distance of the partition from its baseline, column by column."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from airflow_mlmon.baselines import BaselineFacts
from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.drift.methods import sampled_methods
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.drift.multivariate import MultivariateDrift, multivariate_metric
from airflow_mlmon.drift.sampled import SampledScore
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.baselines.choose import ChosenBaseline, choose_baselines, compare_with
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.deciding.segment_drift import (
    compare_segments,
    withhold_outputs,
)
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled
from airflow_mlmon.pipeline.telemetry import note, observed
from airflow_mlmon.pipeline.workspace.curated import read_sampled
from airflow_mlmon.pipeline.workspace.multivariate import compare_together
from airflow_mlmon.pipeline.workspace.outliers import outlier_metrics
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference, read_reference_sample
from airflow_mlmon.pipeline.workspace.samples import Samples, without_day
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import Kind
from airflow_mlmon.records import DriftDetail, MetricValue, MultivariateDetail
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.metrics import DRIFT


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionDrift:
    """Drift of a partition, which is published with its other results.

    Attributes:
        metrics: Scores of the columns, of all rows and of each segment, and of all features together.
        baselines: The baselines of the columns.
    """

    metrics: tuple[MetricValue, ...]
    baselines: tuple[BaselineFacts, ...]

    @property
    def scores(self) -> list[MetricValue]:
        """Return the scores of the columns, of all rows."""
        return [value for value in self.metrics if value.metric == DRIFT and value.segment is None]

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return {
            "metrics": [asdict(value) for value in self.metrics],
            "baselines": [baseline.to_dict() for baseline in self.baselines],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Restore from `to_dict`."""
        return cls(
            metrics=tuple(_metric_of(value) for value in content["metrics"]),
            baselines=tuple(BaselineFacts.from_dict(baseline) for baseline in content["baselines"]),
        )


def _metric_of(content: Mapping[str, Any]) -> MetricValue:
    drift, multivariate = content["drift"], content["multivariate"]
    if multivariate is not None:
        strongest = tuple((name, loss) for name, loss in multivariate["strongest"])
        multivariate = MultivariateDetail(**{**multivariate, "strongest": strongest})
    typed = {"drift": drift and DriftDetail(**drift), "multivariate": multivariate}
    return MetricValue(**{**content, **typed, "new_values": tuple(map(tuple, content.get("new_values", ())))})


@observed("detect_drift")
def detect_drift(run: Run, prepared: Prepared, profiled: Profiled) -> PartitionDrift:
    """Compare each column with its baseline."""
    run.progress("comparing with the baseline")
    reference = ensure_reference(run, prepared.partition.day)
    current = read_profile(run, profiled.uri)
    note(rows=current.rows)
    return compare_day(run, reference, prepared.partition, prepared.version, current)


def compare_day(
    run: Run, reference: StoredReference, partition: Partition, version: str, current: Profile
) -> PartitionDrift:
    """Compare a profile with the baselines of its day."""
    baselines = choose_baselines(run, reference, Span(days=(partition.day,)))
    methods = _sampled_methods(run, baselines)
    sampled: dict[str, SampledScore] = {}
    together: MultivariateDrift | None = None
    outliers: list[MetricValue] = []
    if methods or reference.together or run.spec.drift.outliers is not None:
        samples = _read_samples(run, reference, partition, version)
        sampled = _ask_evidently(run, samples, methods)
        together = _compare_together(run, reference, samples)
        outliers = outlier_metrics(run.spec, reference.schema, samples)
    drift = withhold_outputs(
        run.spec, compare_with(run, reference.schema, baselines, current, sampled), baselines, current
    )
    titles = {column: baseline.facts.title for baseline in baselines for column in baseline.facts.columns}
    segments = compare_segments(run, reference, partition.day, baselines, current)
    return PartitionDrift(
        metrics=(
            *_score_metrics(drift, titles),
            *([multivariate_metric(together)] if together else []),
            *outliers,
            *(
                replace(value, segment=segment.segment)
                for segment in segments
                for value in _score_metrics(segment.columns, segment.baselines)
            ),
        ),
        baselines=tuple(baseline.facts for baseline in baselines),
    )


def _sampled_methods(run: Run, baselines: Sequence[ChosenBaseline]) -> Mapping[str, tuple[Method, Kind]]:
    """Return the columns whose method needs rows.

    Only the reference has rows; a column with another baseline is listed as not compared.
    """
    own = [baseline.schema for baseline in baselines if baseline.facts.kind is BaselineKind.REFERENCE]
    drift = run.spec.drift
    return sampled_methods([column for schema in own for column in schema.columns], drift.method, drift.methods)


def _read_samples(run: Run, reference: StoredReference, partition: Partition, version: str) -> Samples:
    """Read samples by prediction id of the day and of the reference, without the day if it belongs to the reference."""
    others = without_day(read_reference_sample(run, reference), run.spec, partition.day)
    return Samples(reference=others, current=read_sampled(run, partition, version))


def _ask_evidently(run: Run, samples: Samples, methods: Mapping[str, tuple[Method, Kind]]) -> dict[str, SampledScore]:
    if not methods:
        return {}
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    run.progress("computing drift with Evidently")
    return score_samples(samples.reference, samples.current, methods)


def _compare_together(run: Run, reference: StoredReference, samples: Samples) -> MultivariateDrift | None:
    if reference.together is None:
        return None
    run.progress("comparing all features together")
    return compare_together(run.spec, reference.schema, reference.together, samples)


def _score_metrics(drift: Sequence[ColumnDrift], titles: Mapping[str, str]) -> list[MetricValue]:
    return [score_metric(column, titles[column.column]) for column in drift]


def keep_drift(run: Run, prepared: Prepared, drift: PartitionDrift) -> str:
    """Write the result beside the curated rows, under a name from its hash, and return its URI."""
    data = json.dumps(drift.to_dict(), sort_keys=True).encode()
    name = f"drift-{hashlib.sha256(data).hexdigest()[:12]}.json"
    uri = run.version_uri(prepared.partition, prepared.version, name)
    run.files.write(uri, data)
    return uri


def read_drift(run: Run, uri: str) -> PartitionDrift:
    """Read the result of `keep_drift`."""
    return PartitionDrift.from_dict(json.loads(run.files.read(uri)))
