"""Metrics of the arrival of a partition, independent of its content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_mlmon.archive.curation.capture_account import CaptureAccount
from airflow_mlmon.archive.curation.curate import malformed_reasons
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import (
    CAPTURE_DROPPED,
    CAPTURE_LOSS_RATE,
    CAPTURE_LOST,
    CAPTURE_UNKNOWN,
    MALFORMED_VECTOR_RATE,
    SAMPLING_FRACTION,
    UNSAMPLED_ROWS,
)
from airflow_mlmon.statistics.intervals import wilson_interval

# the metrics of `arrival_metrics`
ARRIVAL_METRICS = frozenset(
    {
        "rows_quarantined",
        "quarantined_share",
        "delay_hours",
        MALFORMED_VECTOR_RATE,
        SAMPLING_FRACTION,
        UNSAMPLED_ROWS,
        CAPTURE_DROPPED,
        CAPTURE_LOST,
        CAPTURE_UNKNOWN,
        CAPTURE_LOSS_RATE,
    }
)


def arrival_metrics(run: Run, prepared: Prepared) -> list[MetricValue]:
    """Measure the quarantined rows, the quarantine rate, the malformed vectors, the delay, the sampling and capture.

    The reference's own days have none of these: their rows were selected and did not arrive day by day.
    """
    delay = prepared.delay
    rows, quarantined = prepared.rows_read, prepared.rows_quarantined
    return [
        MetricValue(metric="rows_quarantined", value=quarantined, rows=rows),
        MetricValue(
            metric="quarantined_share",
            value=quarantined / rows if rows else None,
            rows=rows,
            reason="" if rows else "no rows counted",
        ),
        MetricValue(metric="delay_hours", value=delay.hours, rows=rows, reason=delay.reason),
        *_malformed_rates(run, prepared),
        *_sampling(run, prepared),
        *_capture(run, prepared),
    ]


def _capture(run: Run, prepared: Prepared) -> list[MetricValue]:
    """Measure what the archive lacks of the rows that the service logged, where they were captured."""
    if not prepared.is_captured:
        return []
    account = CaptureAccount(**_read_manifest(run, prepared)["capture"])
    logged = account.rows + account.lacking
    counts = {
        CAPTURE_DROPPED: sum(account.dropped.values()),
        CAPTURE_LOST: account.lost + account.missing,
        CAPTURE_UNKNOWN: account.unknown,
    }
    rate = MetricValue(
        metric=CAPTURE_LOSS_RATE,
        value=account.lacking / logged if logged else None,
        rows=logged,
        reason="" if logged else "no rows counted",
    )
    return [*(MetricValue(metric=name, value=count, rows=logged) for name, count in counts.items()), rate]


def _sampling(run: Run, prepared: Prepared) -> list[MetricValue]:
    """Measure what the rows stand for; without a log or capture they stand for themselves."""
    if run.spec.predictions.log is None and not prepared.is_captured:
        return []
    fraction = _read_manifest(run, prepared).get("sampling_fraction") or 1.0
    rows = prepared.rows_accepted
    unsampled = MetricValue(metric=UNSAMPLED_ROWS, value=rows / fraction, rows=rows)
    if run.spec.predictions.log is None and fraction == 1:
        # capture takes all rows unless it is told otherwise
        return [unsampled]
    return [MetricValue(metric=SAMPLING_FRACTION, value=fraction, rows=rows), unsampled]


def _malformed_rates(run: Run, prepared: Prepared) -> list[MetricValue]:
    if not run.spec.vectors:
        return []
    quarantined = _read_manifest(run, prepared)["quarantined"]
    return [_malformed_rate(name, run, quarantined, prepared.rows_read) for name in run.spec.vectors]


def _read_manifest(run: Run, prepared: Prepared) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        run.files.read(run.version_uri(prepared.partition, prepared.version, MANIFEST))
    )
    return content


def _malformed_rate(name: str, run: Run, quarantined: Mapping[str, int], rows: int) -> MetricValue:
    malformed = sum(quarantined.get(reason, 0) for reason in malformed_reasons(name, run.spec))
    return MetricValue(
        metric=MALFORMED_VECTOR_RATE,
        column=name,
        value=malformed / rows if rows else None,
        rows=rows,
        reason="" if rows else "no rows counted",
    ).within(wilson_interval(malformed, rows))
