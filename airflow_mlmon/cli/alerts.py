"""`mlmon alerts`: list and manage the alerts of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text, plain_table, print_table
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.pipeline.baselines.write_back import write_back
from airflow_mlmon.pipeline.deciding.alerting import AlertName, act_on_alerts, last_evaluated, list_alerts
from airflow_mlmon.records import Action, ActionKind, AlertState
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.store.outbox import DeadLetter

_SHOWN = 8
# the names of `--state` that are not those of a state
_STATES = {
    "open": tuple(state for state in AlertState if state not in {AlertState.MUTED, AlertState.RESOLVED}),
    "opened": (AlertState.OPEN,),
}
_STYLES = {AlertState.OPEN: "bold red", AlertState.REOPENED: "bold red", AlertState.RESOLVED: "dim"}


def show_alerts(call: Call, *, spec: ModelSpec, states: Sequence[str], first: date | None, last: date | None) -> None:
    """Print the alerts of a range of days, and the messages about alerts that are not delivered yet."""
    with open_run(spec, call.settings, must_exist=True) as run:
        alerts = list_alerts(
            run,
            first or date.min,
            last or date.max,
            [state for name in states for state in _STATES.get(name) or (AlertState(name),)],
        )
        letters = run.store.dead_letters(run.model, with_waiting=True)
        is_known = run.store.last_evaluated_day(run.model) is not None
    if call.as_json:
        for alert in alerts:
            print_json({"kind": "alert", **_content(alert)})
        for letter in letters:
            print_json({"kind": "waiting" if letter.waits else "dead_letter", **_letter(letter)})
        return
    open_output().write(
        f"alerts of {run.model}: {len(alerts)}{'' if is_known else '; no day has been evaluated yet'}\n"
    )
    if alerts:
        print_table(_table(alerts))
    _print_letters(
        [letter for letter in letters if letter.waits], "messages not delivered yet; the next run sends them again"
    )
    given_up = [letter for letter in letters if not letter.waits]
    _print_letters(given_up, "undelivered messages; send them again with `mlmon alerts retry`")


def acknowledge(call: Call, **asked: Any) -> None:
    """Acknowledge alerts, all or none, and print their states."""
    _act(call, ActionKind.ACKNOWLEDGE, **asked)


def mute(call: Call, **asked: Any) -> None:
    """Mute alerts, all or none, and print their states."""
    _act(call, ActionKind.MUTE, **asked)


def resolve(call: Call, *, accept: bool, **asked: Any) -> None:
    """Resolve alerts, or accept their changes, all or none, and print their states."""
    _act(call, ActionKind.ACCEPT if accept else ActionKind.RESOLVE, **asked)


def _act(
    call: Call,
    kind: ActionKind,
    *,
    spec: ModelSpec,
    fingerprints: Sequence[str],
    with_incident: bool,
    metric: str | None,
    column: str | None,
    segment: str | None,
    day: date | None,
    who: str,
    why: str,
    until: date | None = None,
) -> None:
    if bool(fingerprints) is (metric is not None):
        raise ConfigError("No alert selected: give --alert, or --metric with its --column and --segment.")
    names = [AlertName(fingerprint=start) for start in fingerprints]
    names = names or [AlertName(metric=metric, column=column, segment=segment)]
    with open_run(spec, call.settings, must_exist=True) as run:
        action = Action(
            kind=kind, day=day or last_evaluated(run), until=until, who=who.strip(), why=why.strip(), at=call.now
        )
        alerts = act_on_alerts(run, names, action, with_incident=with_incident)
        problem = write_back(run) if kind is ActionKind.ACCEPT else ""
    for alert in alerts:
        if call.as_json:
            print_json(_content(alert))
        else:
            open_output().write(f"{alert.fingerprint[:_SHOWN]} {line_text(alert.title)}: {_course(alert)}\n")
    if kind is ActionKind.ACCEPT and not call.as_json:
        open_output().write(f"Days up to {action.day} count as history from now on; rules and written checks stay.\n")
        open_output().write(f"{line_text(problem)}\n" if problem else "")


def retry_dead_letters(call: Call, *, spec: ModelSpec) -> None:
    """Put undelivered messages back into the outbox; the next run sends them."""
    with open_run(spec, call.settings, must_exist=True) as run:
        found = run.store.retry_dead_letters(run.model)
    if call.as_json:
        print_json({"model": run.model, "retried": found})
    else:
        open_output().write(f"{found} messages of {run.model} will be sent again by the next run.\n")


def _print_letters(letters: Sequence[DeadLetter], what: str) -> None:
    if letters:
        open_output().write(f"{what}: {len(letters)}\n")
    for letter in letters:
        about = f"{letter.day} {letter.event}: {line_text(letter.alert.title)}, {letter.attempts} attempts"
        open_output().write(f"- {line_text(letter.channel)}, {about}: {line_text(letter.error)}\n")


def _table(alerts: Sequence[TrackedAlert]) -> Table:
    table = plain_table()
    for heading in ("alert", "state", "severity", "since", "days"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "days" else "left")
    for heading in ("alert", "notes"):
        table.add_column(heading)
    for alert in alerts:
        cells = (
            alert.fingerprint[:_SHOWN],
            alert.state,
            alert.severity,
            str(alert.since),
            str(alert.days),
            _what(alert),
            _became(alert),
        )
        # Text, because user names may look like rich markup
        table.add_row(*map(Text, cells), style=_STYLES.get(alert.state, ""))
    return table


def _what(alert: TrackedAlert) -> str:
    """Return the title of an alert with its likely cause below."""
    is_cause = not alert.cause or alert.cause.startswith(alert.title)
    return line_text(alert.title) if is_cause else f"{line_text(alert.title)}\nlikely cause: {line_text(alert.cause)}"


def _became(alert: TrackedAlert) -> str:
    by = f" by {line_text(alert.resolved_by)}" if alert.resolved_by else ""
    facts = (
        f"acknowledged by {line_text(alert.acknowledged_by)}" if alert.acknowledged_by else "",
        f"muted until {alert.muted_until}" if alert.muted_until else "",
        f"resolved on {alert.resolved_on}{by}" if alert.resolved_on else f"last breached on {alert.last_breached}",
    )
    return ", ".join(filter(None, facts))


def _course(alert: TrackedAlert) -> str:
    return f"{alert.state} since {alert.since}, {_became(alert)}"


def _content(alert: TrackedAlert) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in asdict(alert).items()} | {
        "cause": alert.cause or alert.title
    }


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "channel": letter.channel,
        "fingerprint": letter.alert.fingerprint,
        "event": letter.event,
        "partition": letter.day.isoformat(),
        "title": letter.alert.title,
        "attempts": letter.attempts,
        "error": letter.error,
    }
