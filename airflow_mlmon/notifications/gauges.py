"""Publication of a model's gauges to Prometheus: through a Pushgateway, as a file, or both."""

from __future__ import annotations

from datetime import datetime

from airflow_mlmon.hooks.endpoint import create_endpoint
from airflow_mlmon.pipeline.pages.gauges import model_gauges
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.reports.exposition import CONTENT_TYPE, exposition
from airflow_mlmon.settings import Settings
from airflow_mlmon.storage import join_uri


def publish_gauges(run: Run, settings: Settings, now: datetime) -> None:
    """Publish the gauges as configured, replacing those of the previous run as a whole.

    Args:
        run: the run.
        settings: where to.
        now: time against which the model is late.

    Raises:
        ServiceError: the Pushgateway rejected them, or the file cannot be written.
    """
    if settings.metrics_folder is None and settings.pushgateway is None:
        return
    text = exposition(model_gauges(run, now)).encode()
    if settings.metrics_folder is not None:
        path = join_uri(settings.metrics_folder, f"mlmon_{run.model}.prom")
        run.storage.at(path).write(path, text)
    if settings.pushgateway is not None:
        endpoint = create_endpoint(settings.pushgateway, "Pushgateway")
        # the name of a model needs no escaping in a path
        endpoint.send(text, {"Content-Type": CONTENT_TYPE}, method="PUT", path=f"/metrics/job/mlmon/model/{run.model}")
