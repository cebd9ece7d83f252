"""`mlmon fleet`: write the pages of all models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.loading import load_channels
from airflow_mlmon.notifications.senders import build_digest_sender
from airflow_mlmon.pipeline.fleet.digest import DigestReport, send_digests
from airflow_mlmon.pipeline.fleet.files import write_fleet
from airflow_mlmon.pipeline.fleet.specs import register_specs
from airflow_mlmon.store.metric_store import MetricStore


def write_fleet_pages(call: Call, *, folders: Sequence[str], digest: bool) -> bool:
    """Register the specs of the folders, and write the pages of all models; return True if every spec can be loaded.

    With `digest` the morning messages of the day are sent too.

    Raises:
        ConfigError: a folder does not exist.
        ServiceError: the store or the folder of the reports cannot be used.
    """
    settings = call.settings
    files = open_storage().at(settings.workspace, settings.workspace_connection)
    with MetricStore(settings.store) as store:
        listed = register_specs(store, folders, call.now.date())
        written = write_fleet(store, files, settings.reports, call.now)
        sent = _send(call, store) if digest else None
    broken = [one for one in listed if one.error]
    if call.as_json:
        print_json(
            {
                "uri": written.uri,
                "pages": written.pages,
                "models": written.models,
                "broken": {one.model: one.error for one in broken},
                **({"digests": asdict(sent)} if sent else {}),
            }
        )
        return not broken
    output = open_output()
    for one in broken:
        output.write(f"{line_text(one.model)}: {line_text(one.error)}\n")
    counts = ", ".join(f"{number} {status}" for status, number in written.models.items())
    output.write(f"{sum(written.models.values())} models{': ' if counts else ''}{counts}\n")
    output.write(f"{written.pages} pages, from {written.uri}\n")
    if sent:
        output.write(f"morning messages: {sent.sent} sent, {sent.quiet} quiet, {sent.repeated} sent before\n")
    return not broken


def _send(call: Call, store: MetricStore) -> DigestReport:
    settings = call.settings
    return send_digests(
        store,
        load_channels(settings.channels) if settings.channels else (),
        lambda channel: build_digest_sender(channel, call.now),
        call.now,
        day=call.now.date(),
        reports_url=settings.reports_url or settings.reports,
    )
