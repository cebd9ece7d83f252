"""The step of the labels: what they say of the partitions that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from airflow_mlmon.archive.labels import join_labels
from airflow_mlmon.partition import Partition
from airflow_mlmon.performance.parts import LabelledParts, measure_parts, profile_label_parts
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.label_drift import compare_labels, count_labels, label_drift_metric
from airflow_mlmon.pipeline.workspace.partition_files import read_curated, read_parquet
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.profiles.layout import SegmentLayout
from airflow_mlmon.records import Delivery, Family, MetricValue, Results
from airflow_mlmon.spec import Role
from airflow_mlmon.spec.metrics import POSITIVE_SHARE

# how much of a delivery's version is in the name of what rests on it, and the name where there is none
_SHORT, _NONE = 6, "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The labelled profile of one partition, and the versions of rows and deliveries that it rests on."""

    day: str
    version: str
    uri: str
    deliveries: tuple[str, ...]


def measure_performance(run: Run, prepared: Prepared) -> list[Measured]:
    """Measure the partition itself and each earlier one that the day's delivery has labels for."""
    measured = [measure_labels(run, prepared.partition, prepared.version)]
    for past, version in _affected(run, prepared):
        run.progress(f"performance of {past.key}")
        measured.append(measure_labels(run, past, version))
    return [entry for entry in measured if entry is not None]


def measure_labels(run: Run, partition: Partition, version: str) -> Measured | None:
    """Join every delivery taken in so far to the partition, and keep what it says."""
    if run.spec.labels is None:
        return None
    deliveries = deliveries_of(run, partition)
    reference = pinned_reference(run)
    segments = reference.layout.segments if reference else ()
    profile = profile_night_labels(run, partition, version, deliveries, segments)
    uri = labels_uri(run, partition, version, deliveries)
    run.files.write(uri, profile.to_bytes())
    return Measured(
        day=partition.key, version=version, uri=uri, deliveries=tuple(delivery.version for delivery in deliveries)
    )


def profile_night_labels(
    run: Run, partition: Partition, version: str, deliveries: Sequence[Delivery], segments: Sequence[SegmentLayout]
) -> LabelledParts:
    """The labelled profiles of a version of a partition, from its rows and the deliveries."""
    dividing = [name for segment in segments for name in segment.columns]
    curated = read_curated(run, partition, version, _joined_columns(run), where_there=dividing)
    tables = [read_parquet(run, delivery.uri) for delivery in deliveries]
    return profile_label_parts(join_labels(curated, tables, run.spec), curated, segments)


def labels_uri(run: Run, partition: Partition, version: str, deliveries: Sequence[Delivery]) -> str:
    """Where the labelled profile lies that some deliveries make of a version."""
    content = "-".join(delivery.version[:_SHORT] for delivery in deliveries) or _NONE
    return run.version_uri(partition, version, f"labels-{partition.key}-{content}.profile")


def stored_labels(run: Run, partition: Partition, version: str) -> LabelledParts | None:
    """The labelled profile of a version that was measured last; None where nobody has measured it."""
    found = last_measured(run, partition, version)
    return LabelledParts.from_bytes(run.files.read(found.uri)) if found else None


def last_measured(run: Run, partition: Partition, version: str) -> Measured | None:
    """What was measured last of a version: it rests on the most deliveries that still are as they were.

    Those beyond have no label of the partition, whose performance would have been measured again.
    """
    there = {item.uri.rpartition("/")[2] for item in run.files.list(run.version_uri(partition, version, ""))}
    deliveries = deliveries_of(run, partition)
    # days can run in any order, so that any of the deliveries may have come after the last that counts
    known = {delivery.version[:_SHORT]: delivery for delivery in deliveries}
    rests_on = [
        [known[short] for short in shorts if short in known]
        for name in there
        if (shorts := _deliveries_in(name, partition)) is not None and known.keys() >= set(shorts)
    ]
    if not rests_on:
        return None
    longest = max(rests_on, key=len)
    most = sorted(longest, key=deliveries.index)
    uri = labels_uri(run, partition, version, most)
    return Measured(
        day=partition.key, version=version, uri=uri, deliveries=tuple(delivery.version for delivery in most)
    )


def _deliveries_in(name: str, partition: Partition) -> list[str] | None:
    """The deliveries that the name of a labelled profile says; None where it is no such name."""
    head, tail = f"labels-{partition.key}-", ".profile"
    if not (name.startswith(head) and name.endswith(tail)):
        return None
    content = name.removeprefix(head).removesuffix(tail)
    return [] if content == _NONE else content.split("-")


def deliveries_of(run: Run, partition: Partition) -> list[Delivery]:
    """The deliveries taken in that may hold the partition's labels, in the order of their days."""
    labels = run.spec.labels
    if labels is None:
        return []
    last = partition.shift(labels.delay_days).day
    return sorted(run.store.deliveries(run.model, partition.day, last), key=lambda delivery: delivery.partition.start)


def label_metrics(run: Run, measured: Measured) -> list[MetricValue]:
    """The performance that a labelled profile gives, in sum and by segment, and the drift of the label."""
    found = LabelledParts.from_bytes(run.files.read(measured.uri))
    metrics = measure_parts(found, run.spec.labels.min_share if run.spec.labels else 0)
    reference = pinned_reference(run)
    is_measured = any(
        value.metric == POSITIVE_SHARE and value.segment is None and value.value is not None for value in metrics
    )
    if reference is not None and is_measured:
        counts = count_labels(found.whole)
        drift = compare_labels(run.spec, reference.labels, counts)
        metrics += [label_drift_metric(drift, counts)] if drift else []
    return metrics


def label_results(run: Run, measured: Measured) -> Results:
    """The performance of a night that is not judged."""
    partition = Partition.from_key(run.model, measured.day)
    return Results(partition=partition, family=Family.LABELS, metrics=tuple(label_metrics(run, measured)))


def _affected(run: Run, prepared: Prepared) -> list[tuple[Partition, str]]:
    """Earlier partitions, with their served version, that the day's delivery has labels for."""
    labels = run.spec.labels
    today = prepared.partition.day
    if labels is None or not (delivery := run.store.deliveries(run.model, today, today)):
        return []
    delivered = read_parquet(run, delivery[0].uri, ["id"]).column("id").combine_chunks()
    first = prepared.partition.shift(-labels.delay_days).day
    affected = []
    for night in run.store.nights(run.model, first, prepared.partition.shift(-1).day):
        if night.version is not None:
            ids = read_curated(run, night.partition, night.version, [run.spec.id_column]).column(0)
            if pc.any(pc.is_in(ids, delivered)).as_py():
                affected.append((night.partition, night.version))
    return affected


def _joined_columns(run: Run) -> list[str]:
    names = [run.spec.id_column, run.spec.column_of(Role.SCORE), run.spec.column_of(Role.PREDICTION)]
    return [name for name in names if name]
