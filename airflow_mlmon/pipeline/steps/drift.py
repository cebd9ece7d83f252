"""Third step: the partition's distance from its baseline, column by column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

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
    SegmentDrift,
    column_of,
    compare_segments,
    withhold_outputs,
)
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.steps.profile import Profiled
from airflow_mlmon.pipeline.workspace.multivariate import compare_together
from airflow_mlmon.pipeline.workspace.partition_files import read_sampled
from airflow_mlmon.pipeline.workspace.reference import Reference, ensure_reference, read_sample
from airflow_mlmon.pipeline.workspace.samples import Samples, without_day
from airflow_mlmon.profiles.layout import Kind
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.baseline import BaselineKind
from airflow_mlmon.spec.methods import Method

_FILE = "drift.json"


def detect_drift(run: Run, prepared: Prepared, profiled: Profiled) -> list[ColumnDrift]:
    """Compare each column with its baseline; the outcome is kept beside the curated rows."""
    run.progress("comparing with the baseline")
    reference = ensure_reference(run)
    current = Profile.from_bytes(run.files.read(profiled.uri))
    return compare_night(run, reference, prepared.partition, prepared.version, current)


def compare_night(
    run: Run, reference: Reference, partition: Partition, version: str, current: Profile
) -> list[ColumnDrift]:
    """Compare a profile with the baselines of its day; what they were made of is kept too."""
    baselines = choose_baselines(run, reference, Span(days=(partition.day,)))
    methods = _sampled_methods(run, baselines)
    sampled: dict[str, SampledScore] = {}
    together: MultivariateDrift | None = None
    if methods or reference.together:
        samples = _read_samples(run, reference, partition, version)
        sampled = _ask_evidently(run, samples, methods)
        together = _compare_together(run, reference, samples)
    drift = withhold_outputs(
        run.spec, compare_with(run, reference.layout, baselines, current, sampled), baselines, current
    )
    segments = compare_segments(run, reference, partition.day, baselines, current)
    content = {
        "layout": reference.layout.id,
        "baselines": [baseline.facts.to_dict() for baseline in baselines],
        "columns": [asdict(column) for column in drift],
        "segments": [segment.to_dict() for segment in segments],
        "together": asdict(together) if together else None,
    }
    run.files.write(run.version_uri(partition, version, _FILE), json.dumps(content, indent=1).encode())
    return drift


def _sampled_methods(run: Run, baselines: Sequence[ChosenBaseline]) -> Mapping[str, tuple[Method, Kind]]:
    """The columns whose method needs rows.

    Of the baselines the reference alone has rows; a column with another one is listed as not compared.
    """
    own = [baseline.layout for baseline in baselines if baseline.facts.kind is BaselineKind.REFERENCE]
    drift = run.spec.drift
    return sampled_methods([column for layout in own for column in layout.columns], drift.method, drift.methods)


def _read_samples(run: Run, reference: Reference, partition: Partition, version: str) -> Samples:
    """Samples by prediction id of the reference, without the night where it is one of its own, and of the night."""
    others = without_day(read_sample(run, reference), run.spec.time_column, partition.day)
    return Samples(reference=others, current=read_sampled(run, partition, version))


def _ask_evidently(run: Run, samples: Samples, methods: Mapping[str, tuple[Method, Kind]]) -> dict[str, SampledScore]:
    if not methods:
        return {}
    from airflow_mlmon.reports.evidently_drift import score_samples  # noqa: PLC0415 - slow to import

    run.progress("asking evidently")
    return score_samples(samples.reference, samples.current, methods)


def _compare_together(run: Run, reference: Reference, samples: Samples) -> MultivariateDrift | None:
    if reference.together is None:
        return None
    run.progress("comparing all features together")
    return compare_together(run.spec, reference.layout, reference.together, samples)


def read_drift(run: Run, partition: Partition, version: str) -> list[ColumnDrift]:
    """What `detect_drift` kept of a version."""
    return [column_of(column) for column in _read(run, partition, version)["columns"]]


def read_segment_drift(run: Run, partition: Partition, version: str) -> list[SegmentDrift]:
    """What `detect_drift` kept of the segments of a version."""
    return [SegmentDrift.from_dict(segment) for segment in _read(run, partition, version).get("segments", ())]


def read_baselines(run: Run, partition: Partition, version: str) -> list[BaselineFacts]:
    """The partitions and versions that a version of a partition was compared with."""
    return [BaselineFacts.from_dict(facts) for facts in _read(run, partition, version)["baselines"]]


def read_together(run: Run, partition: Partition, version: str) -> MultivariateDrift | None:
    """What `detect_drift` kept of a version's features together; None where the spec did not ask."""
    found = _read(run, partition, version).get("together")
    if found is None:
        return None
    strongest = tuple((name, loss) for name, loss in found["strongest"])
    # what earlier releases kept besides is left out
    known = {field.name: found[field.name] for field in fields(MultivariateDrift) if field.name in found}
    return MultivariateDrift(**{**known, "strongest": strongest})


def _read(run: Run, partition: Partition, version: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(run.files.read(run.version_uri(partition, version, _FILE)))
    return content


def drift_metrics(run: Run, partition: Partition, version: str) -> list[MetricValue]:
    """The scores that were kept of a version, as metrics of all rows and of each segment."""
    titles = {column: facts.title for facts in read_baselines(run, partition, version) for column in facts.columns}
    segments = read_segment_drift(run, partition, version)
    together = read_together(run, partition, version)
    return [
        *_score_metrics(read_drift(run, partition, version), titles),
        *([multivariate_metric(together)] if together else []),
        *(
            replace(value, segment=segment.segment)
            for segment in segments
            for value in _score_metrics(segment.columns, segment.baselines)
        ),
    ]


def _score_metrics(drift: Sequence[ColumnDrift], titles: Mapping[str, str]) -> list[MetricValue]:
    return [score_metric(column, titles[column.column]) for column in drift]
