"""Chart for a message: the first metric of its alerts over the trailing days."""

from __future__ import annotations

from airflow_mlmon.alerts.message import DayMessage
from airflow_mlmon.pipeline.pages.trends import trend_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.tasks.registry import METRICS


def draw_picture(run: Run, message: DayMessage) -> bytes | None:
    """Draw the metric of the first alert on all rows as a PNG; None if no metric can be drawn."""
    for alert in message.payload["alerts"]:
        if alert["metric"] in METRICS and not alert.get("segment"):
            series = trend_of(run, message.partition.day, alert["metric"], alert["column"])
            if series is not None:
                from airflow_mlmon.reports.png import trend_png  # noqa: PLC0415 - slow to import, and few mails need it

                return trend_png(series)
    return None
