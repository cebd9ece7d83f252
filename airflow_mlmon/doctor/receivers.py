"""Findings on receivers of messages and gauges, to whom nothing is sent that a person would see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.doctor.diagnosis import Diagnosis, doubtful, good, wrong
from airflow_mlmon.errors import ServiceRejectedError
from airflow_mlmon.hooks.connection import find_connection
from airflow_mlmon.hooks.endpoint import create_endpoint
from airflow_mlmon.notifications.airflow_notifier import NotifierSender
from airflow_mlmon.spec import Channel

_READY = "/-/ready"
# no such page, method or content by GET
_OTHER_REQUESTS = {400, 404, 405, 406, 411, 415, 422, 501}
_SMTP = "smtp"
_DEFAULT_SMTP = "smtp_default"


def check_ready(part: str, conn_id: str, kind: str) -> Iterator[Diagnosis]:
    """Check that an Alertmanager or a Pushgateway says that it is ready."""
    create_endpoint(conn_id, kind).send(b"", {}, method="GET", path=_READY)
    yield good(part, f"the {kind} of connection {conn_id!r} is ready")


def check_channel(part: str, channel: Channel) -> Iterator[Diagnosis]:
    """Check a channel without sending a message on it."""
    if channel.alertmanager is not None:
        yield from check_ready(part, channel.alertmanager, "Alertmanager")
    elif channel.webhook is not None:
        status = _status(create_endpoint(channel.webhook, "webhook"))
        yield good(part, f"the webhook of connection {channel.webhook!r} answers ({status} to an empty GET)")
    elif channel.notifier is not None:
        NotifierSender(channel.notifier, channel.arguments)
        yield from _check_notifier(part, channel.notifier, channel.arguments)


def _status(endpoint: Endpoint) -> str:
    """Return the status of the answer to a request that no webhook takes for a message."""
    try:
        endpoint.send(b"", {}, method="GET")
    except ServiceRejectedError as error:
        # it is there, and takes other requests; a redirect, a private address, no login and a gateway are mistakes
        if error.status not in _OTHER_REQUESTS:
            raise
        return str(error.status)
    return "2xx"


def _check_notifier(part: str, name: str, arguments: dict[str, Any]) -> Iterator[Diagnosis]:
    kind = name.rpartition(".")[2]
    ids = {str(value) for key, value in arguments.items() if key.endswith("conn_id") and value}
    if not ids and _SMTP in name.lower():
        ids = {_DEFAULT_SMTP}
    if not ids:
        yield good(part, f"{kind} can be imported; it names no connection that could be tried")
    for conn_id in sorted(ids):
        found = find_connection(conn_id)
        if found is None:
            hint = f"add it in the UI, or set AIRFLOW_CONN_{conn_id.upper()}"
            yield wrong(part, f"{kind}: Airflow connection {conn_id!r} does not exist", hint)
        elif found.conn_type != _SMTP:
            yield good(part, f"{kind}: connection {conn_id!r} exists; whether it serves, a message would show")
        else:
            yield from _check_mail(part, kind, conn_id, found)


def _check_mail(part: str, kind: str, conn_id: str, found: Any) -> Iterator[Diagnosis]:
    try:
        # connects and logs in; the hook's own test leaves the connection open
        with found.get_hook():
            pass
    except Exception as error:  # noqa: BLE001 - of smtplib, ssl, socket or Airflow, none of which repeats a password
        said = f"{kind}: the mail server of connection {conn_id!r} does not serve: {error}"
        yield wrong(part, said, "check host, port and login; without TLS, `disable_ssl: true` in its extra")
    else:
        yield good(part, f"{kind}: the mail server of connection {conn_id!r} answers")


def warn_of_nobody(part: str) -> Iterator[Diagnosis]:
    """Yield that a model has no channel."""
    yield doubtful(part, "no channel: alerts are on pages alone", "declare `alerts: {channels: …}` or [mlmon] channels")
