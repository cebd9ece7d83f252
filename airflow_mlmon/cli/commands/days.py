"""Commands that run days, and redo or delete what is stored of them."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import BY, DAY, DRUID, PLACES, RANGE, SEND_ALERTS, SPEC, WHY, Command
from airflow_mlmon.spec.choices import EvidentlyForm

TITLE = "Days"

_EVIDENTLY = click.Option(
    ["--evidently"],
    type=click.Choice([form.value for form in EvidentlyForm]),
    help="Evidently's report of the day (default: as the spec says)",
)
_FORCE = click.Option(
    ["--force"], is_flag=True, help="also run a day that is not over yet, is before the spec's start or after its end"
)
_RUN_EXITS = {
    "ok": "every day was evaluated: OK or PARTIAL",
    "bad": "a day ended as FAILED, QUARANTINED or NO_DATA, or a required system failed",
}

COMMANDS = (
    Command(
        "run",
        "run:run_day",
        "run one day: validate, profile, evaluate, alert and report",
        SPEC,
        click.Option(["--partition", "day"], type=DAY, metavar="DAY", required=True, help="day to process, YYYY-MM-DD"),
        click.Option(["--quiet-alerts"], is_flag=True, help="store alerts without sending them"),
        DRUID,
        _EVIDENTLY,
        _FORCE,
        *PLACES,
        examples=("mlmon run fraud.yaml --partition 2026-03-01",),
        **_RUN_EXITS,
    ),
    Command(
        "backfill",
        "run:backfill",
        "run a range of days in order",
        SPEC,
        *RANGE,
        SEND_ALERTS,
        DRUID,
        _EVIDENTLY,
        _FORCE,
        *PLACES,
        examples=("mlmon backfill fraud.yaml --from 2026-03-01 --to 2026-03-31",),
        **_RUN_EXITS,
    ),
    Command(
        "labels",
        "labels:take_in_labels",
        "take in labels that no run has read, and redo their days",
        SPEC,
        click.Option(
            ["--since", "first"],
            type=DAY,
            metavar="DAY",
            required=True,
            help="first day of delivery, YYYY-MM-DD",
        ),
        click.Option(
            ["--to", "last"], type=DAY, metavar="DAY", help="last day of delivery, included (default: yesterday)"
        ),
        SEND_ALERTS,
        DRUID,
        *PLACES,
        examples=("mlmon labels fraud.yaml --since 2026-03-01",),
        ok="the deliveries were taken in, or nothing was new",
        bad="a delivery cannot be read, or a required system failed",
    ),
    Command(
        "evaluate",
        "evaluate:evaluate_again",
        "evaluate past days again from stored profiles",
        SPEC,
        *RANGE,
        *PLACES,
        examples=("mlmon evaluate fraud.yaml --from 2026-03-01 --to 2026-03-31",),
        ok="every day was evaluated again",
        bad="a day could not be evaluated again, or the store failed",
    ),
    Command(
        "reprofile",
        "reprofile:carry_schema",
        "profile past days again under the pinned profile schema",
        SPEC,
        *RANGE,
        *PLACES,
        examples=("mlmon reprofile fraud.yaml --from 2026-03-01 --to 2026-03-31",),
        ok="every day has a profile of the pinned schema",
        bad="the rows of a day are gone, or a required system failed",
    ),
    Command(
        "forget",
        "forget:forget",
        "take back a day that was run by mistake",
        SPEC,
        click.Option(["--partition", "day"], type=DAY, metavar="DAY", required=True, help="day to forget, YYYY-MM-DD"),
        WHY,
        BY,
        *PLACES,
        examples=("mlmon forget fraud.yaml --partition 2027-03-07 --why 'mistyped the year'",),
        ok="nothing of the day is left, but its entry in the audit trail",
        bad="a baseline or the reference rests on the day, or nothing is stored of it: nothing was removed; or a "
        "required system failed: a second call does the rest",
        note="Removed are its results, alerts, messages that wait, files and pages, and Druid's rows. Labels that were "
        "delivered on it stay if the performance of other days rests on them. Verdicts of later days that rested on "
        "it are marked as stale. Run again, the day is like any other.",
    ),
    Command(
        "prune",
        "prune:prune_days",
        "list what is older than the spec's retention, and delete it",
        SPEC,
        click.Option(["--yes", "is_meant"], is_flag=True, help="delete it"),
        *PLACES,
        examples=("mlmon prune fraud.yaml", "mlmon prune fraud.yaml --yes"),
        ok="it was listed, and with --yes deleted",
        bad="the store or the workspace failed; a second call deletes the rest",
        wrong="an argument or the spec is wrong, or the spec has no `retention`",
        note="Without --yes nothing is deleted. Kept whatever its age is what later days rest on: the baselines in "
        "force, the history, alerts that are open, the reference, and days whose labels may still come.",
    ),
)
