"""Operators of all models together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator, Context

from airflow_mlmon.operators.base import airflow_errors, to_json
from airflow_mlmon.partition import DEFAULT_ZONE, day_of


class WriteFleetOperator(BaseOperator):
    """Register the specs of folders, and write the pages of all models and the inbox.

    Args:
        folders: folders of specs; a model that has run is on the pages without one too.
    """

    template_fields: Sequence[str] = ("folders",)
    ui_color = "#e8f0ee"

    def __init__(self, *, folders: Sequence[str | Path] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folders = [str(Path(folder).absolute()) for folder in folders]

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Return the address of the first page, their number, and the number of models by status."""
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.hooks.storage import open_storage  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.fleet.files import write_fleet  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.fleet.specs import register_specs  # noqa: PLC0415 - heavy
        from airflow_mlmon.store.metric_store import MetricStore  # noqa: PLC0415 - heavy

        settings, now = read_airflow_settings(), datetime.now(UTC)
        files = open_storage().at(settings.workspace, settings.workspace_connection)
        with airflow_errors(), MetricStore(settings.store) as store:
            for listed in register_specs(store, self.folders, now.date()):
                if listed.error:
                    self.log.warning("%s", listed.error)
            return to_json(write_fleet(store, files, settings.reports, now))


class SendDigestsOperator(BaseOperator):
    """Send the morning message of each owner, on the shared channels of the deployment with `digest`.

    Args:
        zone: time zone whose day is that of the messages; one that was sent on a day is not sent again on it.
    """

    ui_color = "#e8f0ee"

    def __init__(self, *, zone: str = DEFAULT_ZONE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def execute(self, context: Context) -> dict[str, Any]:  # noqa: ARG002 - Airflow's signature
        """Return how many messages were sent, had nothing to say, and had been sent before."""
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.loading import load_channels  # noqa: PLC0415 - heavy
        from airflow_mlmon.notifications.senders import build_digest_sender  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.fleet.digest import send_digests  # noqa: PLC0415 - heavy
        from airflow_mlmon.store.metric_store import MetricStore  # noqa: PLC0415 - heavy

        settings, now = read_airflow_settings(), datetime.now(UTC)
        with airflow_errors(), MetricStore(settings.store) as store:
            sent = send_digests(
                store,
                load_channels(settings.channels) if settings.channels else (),
                lambda channel: build_digest_sender(channel, now),
                now,
                day=day_of(now, self.zone),
                reports_url=settings.reports_url,
            )
            return to_json(sent)
