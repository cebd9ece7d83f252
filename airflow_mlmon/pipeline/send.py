"""Last step: the alerts that are waiting go to their channels."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from airflow_mlmon.alerts.channels import Sender
from airflow_mlmon.alerts.delivery import DeliveryReport, deliver
from airflow_mlmon.errors import ServiceUnavailableError
from airflow_mlmon.pipeline.context import Run

log = logging.getLogger(__name__)


def send_alerts(run: Run, senders: Mapping[str, Sender], now: datetime) -> DeliveryReport:
    """Send what is due; what fails stays in the outbox and is tried again.

    Raises:
        ServiceUnavailableError: at least one message did not arrive.
    """
    report = deliver(run.store, senders, now, model=run.model, page_url=run.page_url, tells=run.tells)
    if report.failed:
        raise ServiceUnavailableError(
            f"{report.failed} alerts of {run.model} were not delivered: {'; '.join(report.errors)}",
            hint="they stay in the outbox, and the next run tries again",
        )
    return report
