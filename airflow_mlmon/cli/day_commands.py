"""Arguments of the commands that run days and take in labels."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from airflow_mlmon.cli.arguments import add_command, add_places, add_range, settings_of
from airflow_mlmon.partition import days_between, parse_day
from airflow_mlmon.preload import preload_run
from airflow_mlmon.spec.choices import EvidentlyForm


def add_day_commands(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add `mlmon run`, `mlmon backfill` and `mlmon labels`."""
    run = add_command(commands, "run", _run, "run one day: validate, profile, evaluate, alert and report")
    run.add_argument("spec", help="spec file")
    run.add_argument("--partition", required=True, metavar="DAY", help="day to process, YYYY-MM-DD")
    run.add_argument("--quiet-alerts", action="store_true", help="store alerts without sending them")
    backfill = add_command(commands, "backfill", _backfill, "run a range of days in order")
    backfill.add_argument("spec", help="spec file")
    add_range(backfill)
    backfill.add_argument("--send-alerts", action="store_true", help="send the alerts of these days")
    for command in (run, backfill):
        add_places(command)
        command.add_argument("--druid", action="store_true", help="also load into Druid, by the spec's connection")
        command.add_argument(
            "--evidently",
            choices=list(EvidentlyForm),
            help="Evidently's report of the day (default: as the spec says)",
        )
    _add_labels(commands)


def _add_labels(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    labels = add_command(commands, "labels", _labels, "take in labels that no run has read, and redo their days")
    labels.add_argument("spec", help="spec file")
    labels.add_argument("--since", required=True, metavar="DAY", help="first day of delivery, YYYY-MM-DD")
    labels.add_argument("--to", metavar="DAY", help="last day of delivery, included (default: yesterday)")
    labels.add_argument("--send-alerts", action="store_true", help="send the alerts of the days that are redone")
    labels.add_argument("--druid", action="store_true", help="also load them into Druid, by the spec's connection")
    add_places(labels)


def _run(parsed: argparse.Namespace) -> int:
    return _run_days(parsed, parsed.partition, parsed.partition, send_alerts=not parsed.quiet_alerts)


def _backfill(parsed: argparse.Namespace) -> int:
    return _run_days(parsed, parsed.first, parsed.last, send_alerts=parsed.send_alerts)


def _run_days(parsed: argparse.Namespace, first: str, last: str, *, send_alerts: bool) -> int:
    from airflow_mlmon.loading import load_spec  # noqa: PLC0415 - imports pydantic

    spec = load_spec(parsed.spec)
    partitions = list(days_between(spec.model, parse_day(first), parse_day(last), spec.day_zone))
    # takes seconds: imported only after the arguments have been checked
    preload_run()
    from airflow_mlmon.cli.days import run_days  # noqa: PLC0415

    settings = settings_of(parsed)
    good = run_days(
        spec,
        partitions,
        settings,
        as_json=parsed.json,
        send_alerts=send_alerts,
        druid=parsed.druid,
        evidently=EvidentlyForm(parsed.evidently) if parsed.evidently else None,
    )
    return 0 if good else 1


def _labels(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.labels import take_in_labels  # noqa: PLC0415 - heavy

    take_in_labels(
        parsed.spec,
        parse_day(parsed.since),
        parse_day(parsed.to) if parsed.to else None,
        settings_of(parsed),
        now=datetime.now(UTC),
        as_json=parsed.json,
        send_alerts=parsed.send_alerts,
        druid=parsed.druid,
    )
    return 0
