"""What is measured of how a partition came, before anything is known of what is in it."""

from __future__ import annotations

from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.records import MetricValue

# what `arrival_metrics` measures
ARRIVAL_METRICS = frozenset({"rows_quarantined", "quarantined_share", "delay_hours"})


def arrival_metrics(prepared: Prepared) -> list[MetricValue]:
    """Rows quarantined, their share of the rows listed, and how late the files were.

    The reference's own nights have none of these: its rows were chosen, and did not come day by day.
    """
    delay = prepared.delay
    rows, quarantined = prepared.rows_listed, prepared.rows_quarantined
    return [
        MetricValue(metric="rows_quarantined", value=quarantined, rows=rows),
        MetricValue(
            metric="quarantined_share",
            value=quarantined / rows if rows else None,
            rows=rows,
            reason="" if rows else "no row could be counted",
        ),
        MetricValue(metric="delay_hours", value=delay.hours, rows=rows, reason=delay.reason),
    ]
