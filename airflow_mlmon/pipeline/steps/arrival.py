"""Metrics of the arrival of a partition, independent of its content."""

from __future__ import annotations

from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.records import MetricValue

# the metrics of `arrival_metrics`
ARRIVAL_METRICS = frozenset({"rows_quarantined", "quarantined_share", "delay_hours"})


def arrival_metrics(prepared: Prepared) -> list[MetricValue]:
    """Measure the quarantined rows, the quarantine rate and the delay of the files.

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
    ]
