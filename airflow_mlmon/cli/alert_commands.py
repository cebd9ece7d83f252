"""Arguments of `mlmon alerts`."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from airflow_mlmon.cli.arguments import add_command, add_places, login, settings_of
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import check_range, parse_day

if TYPE_CHECKING:
    from airflow_mlmon.records import ActionKind

_ACTIONS = {
    "ack": "acknowledge an alert: no further notification before it resolves",
    "mute": "mute an alert until a day: no notification, not even of its end",
    "resolve": "resolve an alert by hand; a new breach soon afterwards reopens it",
}


def add_alert_commands(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add `mlmon alerts` with its commands."""
    alerts = commands.add_parser(
        "alerts", help="list alerts, and acknowledge, mute or resolve them", description="List and manage alerts."
    )
    shown = alerts.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listed = add_command(shown, "list", _list, "list alerts with their states, and undelivered messages")
    listed.add_argument(
        "--state", action="append", default=[], metavar="STATE", help="only alerts in this state; repeatable"
    )
    listed.add_argument("--from", dest="first", metavar="DAY", help="first day, YYYY-MM-DD")
    listed.add_argument("--to", dest="last", metavar="DAY", help="last day, included")
    acting = [_add_action(shown, name, text) for name, text in _ACTIONS.items()]
    retry = add_command(shown, "retry", _retry, "send undelivered messages again")
    for command in (listed, *acting, retry):
        command.add_argument("spec", help="spec file")
        add_places(command)


def _add_action(shown: argparse._SubParsersAction, name: str, text: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]
    command = add_command(shown, name, _act, text)
    command.set_defaults(action=name, until=None, accept=False)
    command.add_argument(
        "--alert",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="start of the alert's fingerprint; repeatable",
    )
    command.add_argument(
        "--incident", action="store_true", help="include all open alerts of the incident (the same likely cause)"
    )
    command.add_argument("--metric", metavar="NAME", help="metric of the alert, together with --column and --segment")
    command.add_argument("--column", metavar="NAME", help="column of the alert")
    command.add_argument("--segment", metavar="TEXT", help="segment of the alert, as in `mlmon alerts list --json`")
    command.add_argument(
        "--day", metavar="DAY", help="day after which it takes effect (default: the last evaluated day)"
    )
    command.add_argument("--why", required=True, metavar="TEXT", help="the reason")
    command.add_argument("--by", metavar="NAME", help="person who does it (default: the login name)")
    if name == "mute":
        command.add_argument(
            "--until", required=True, metavar="DAY", help="last muted day; the last evaluated day unmutes"
        )
    if name == "resolve":
        command.add_argument(
            "--accept",
            action="store_true",
            help="accept the change as normal, with its whole incident: its days are the history from now on",
        )
    return command


def _list(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.alerts import show_alerts  # noqa: PLC0415 - heavy

    first = parse_day(parsed.first) if parsed.first else date.min
    last = parse_day(parsed.last) if parsed.last else date.max
    check_range(first, last)
    show_alerts(parsed.spec, settings_of(parsed), states=parsed.state, first=first, last=last, as_json=parsed.json)
    return 0


def _act(parsed: argparse.Namespace) -> int:
    if bool(parsed.alert) is (parsed.metric is not None):
        raise ConfigError("No alert selected: give --alert, or --metric with its --column and --segment.")
    from airflow_mlmon.cli.alerts import act_on_alert  # noqa: PLC0415 - heavy
    from airflow_mlmon.pipeline.deciding.alerting import AlertName  # noqa: PLC0415 - heavy

    act_on_alert(
        parsed.spec,
        settings_of(parsed),
        [AlertName(fingerprint=name) for name in parsed.alert]
        or [AlertName(metric=parsed.metric, column=parsed.column, segment=parsed.segment)],
        _kind(parsed),
        with_incident=parsed.incident,
        day=parse_day(parsed.day) if parsed.day else None,
        until=parse_day(parsed.until) if parsed.until else None,
        who=login() if parsed.by is None else parsed.by,
        why=parsed.why,
        now=datetime.now(UTC),
        as_json=parsed.json,
    )
    return 0


def _kind(parsed: argparse.Namespace) -> ActionKind:
    from airflow_mlmon.records import ActionKind  # noqa: PLC0415 - imports pydantic

    return ActionKind.ACCEPT if parsed.accept else ActionKind(parsed.action)


def _retry(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.alerts import retry_dead_letters  # noqa: PLC0415 - heavy

    retry_dead_letters(parsed.spec, settings_of(parsed), as_json=parsed.json)
    return 0
