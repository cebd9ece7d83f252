"""Commands on alerts and baselines."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import BY, DAY, PLACES, SPEC, WHY, Command, Group

TITLE = "Alerts and baselines"

_EXACTLY = ("pending", "opened", "reopened", "acknowledged", "muted", "resolved")

_WHICH = (
    click.Option(
        ["--alert", "fingerprints"],
        multiple=True,
        metavar="FINGERPRINT",
        help="start of the alert's fingerprint; repeatable",
    ),
    click.Option(
        ["--incident", "with_incident"],
        is_flag=True,
        help="include all open alerts of the incident (the same likely cause)",
    ),
    click.Option(["--metric"], metavar="NAME", help="metric of the alert, together with --column and --segment"),
    click.Option(["--column"], metavar="NAME", help="column of the alert"),
    click.Option(["--segment"], metavar="TEXT", help="segment of the alert, as in `mlmon alerts list --json`"),
    click.Option(
        ["--day"], type=DAY, metavar="DAY", help="day after which it takes effect (default: the last evaluated day)"
    ),
    WHY,
    BY,
    *PLACES,
)
_ACTION_EXITS = {
    "ok": "it was done about all alerts that were named",
    "bad": "there is no such alert, it is not open, or the store failed; nothing was done",
}

_ALERTS = (
    Command(
        "list",
        "alerts:show_alerts",
        "list alerts with their states, and undelivered messages",
        SPEC,
        click.Option(
            ["--state", "states"],
            type=click.Choice(("open", *_EXACTLY)),
            multiple=True,
            metavar="STATE",
            help="only alerts that are open, which is every state but resolved and muted; or in one state exactly: "
            f"{', '.join(_EXACTLY)}; repeatable",
        ),
        click.Option(["--from", "first"], type=DAY, metavar="DAY", help="first day, YYYY-MM-DD"),
        click.Option(["--to", "last"], type=DAY, metavar="DAY", help="last day, included"),
        *PLACES,
        examples=("mlmon alerts list fraud.yaml --state open",),
        ok="the alerts were listed, or there are none",
        bad="the store does not exist or failed",
    ),
    Command(
        "ack",
        "alerts:acknowledge",
        "acknowledge an alert: no further notification before it resolves",
        SPEC,
        *_WHICH,
        examples=('mlmon alerts ack fraud.yaml --alert 3bae0d --incident --why "campaign, see ticket 12"',),
        **_ACTION_EXITS,
    ),
    Command(
        "mute",
        "alerts:mute",
        "mute an alert until a day: no notification, not even of its end",
        SPEC,
        click.Option(
            ["--until"],
            type=DAY,
            metavar="DAY",
            required=True,
            help="last muted day; the last evaluated day unmutes",
        ),
        *_WHICH,
        examples=(
            'mlmon alerts mute fraud.yaml --metric null_rate --column income --until 2026-05-01 --why "known gap"',
        ),
        **_ACTION_EXITS,
    ),
    Command(
        "resolve",
        "alerts:resolve",
        "resolve an alert by hand; a new breach soon afterwards reopens it",
        SPEC,
        click.Option(
            ["--accept"],
            is_flag=True,
            help="accept the change as normal, with its whole incident: its days are the history from now on",
        ),
        *_WHICH,
        examples=('mlmon alerts resolve fraud.yaml --alert 3bae0d --accept --why "new price list: normal now"',),
        **_ACTION_EXITS,
    ),
    Command(
        "retry",
        "alerts:retry_dead_letters",
        "send undelivered messages again",
        SPEC,
        *PLACES,
        examples=("mlmon alerts retry fraud.yaml",),
        ok="the next run sends the messages again, if there are any",
        bad="the store does not exist or failed",
    ),
)

_CANDIDATE = (
    click.Option(["--reference"], is_flag=True, help="the pinned reference"),
    click.Option(["--previous"], is_flag=True, help="the day before"),
    click.Option(["--trailing"], type=int, metavar="N", help="the N days before"),
    click.Option(["--same-weekday"], type=int, metavar="N", help="the same weekday of the N weeks before"),
    click.Option(["--dates"], nargs=2, metavar="FROM TO", help="a range of days, both included"),
    click.Option(["--version"], metavar="V", help="for this model version only (default: the whole model)"),
)

_BASELINES = (
    Command(
        "list",
        "baseline:show_baselines",
        "list the baselines with their authors",
        SPEC,
        *PLACES,
        examples=("mlmon baseline list fraud.yaml",),
        ok="the baselines were listed",
        bad="the store failed",
    ),
    Command(
        "accept",
        "baseline:accept_baseline",
        "accept a baseline for future days; past verdicts stay",
        SPEC,
        *_CANDIDATE,
        click.Option(
            ["--from", "first"], type=DAY, metavar="DAY", help="first day (default: after the last evaluated day)"
        ),
        WHY,
        BY,
        *PLACES,
        examples=('mlmon baseline accept fraud.yaml --dates 2026-04-01 2026-04-28 --why "retrained on the spring"',),
        ok="the baseline was accepted",
        bad="the baseline has too few days or rows, or the store failed; nothing was accepted",
    ),
    Command(
        "diff",
        "baseline:show_candidate",
        "show the drift between the baseline in force and another, from stored profiles",
        SPEC,
        *_CANDIDATE,
        *PLACES,
        examples=("mlmon baseline diff fraud.yaml --trailing 28",),
        ok="both baselines have days and were compared",
        bad="one of them has no day, or the store failed",
    ),
)

COMMANDS = (
    Group("alerts", "list alerts, and acknowledge, mute or resolve them", {"Commands": _ALERTS}),
    Group("baseline", "list, accept and compare baselines", {"Commands": _BASELINES}),
)
