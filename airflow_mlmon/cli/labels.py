"""`mlmon labels`: take in deliveries of labels, and redo the performance of the days that they belong to."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.days import load_into_druid
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.notifications.senders import build_senders
from airflow_mlmon.partition import DAY, check_range
from airflow_mlmon.pipeline.history.late_labels import LabelsTaken, take_labels
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.send import send_alerts as send
from airflow_mlmon.spec import ModelSpec


def take_in_labels(
    call: Call, *, spec: ModelSpec, first: date, last: date | None, send_alerts: bool, druid: bool
) -> None:
    """Take in the deliveries of a range of days that are new or have changed, and print what was redone."""
    with open_run(spec, call.settings, is_silent=not send_alerts, must_exist=True) as run:
        until = last or _last_delivery(run, first, call.now.date())
        check_range(first, until)
        taken = take_labels(run, first, until)
        if druid and taken.days:
            load_into_druid(run, [run.partition(day) for day in taken.days])
        if send_alerts:
            send(run, run.partition(until), build_senders(run, call.now), call.now)
    _print(taken, as_json=call.as_json)


def _last_delivery(run: Run, first: date, today: date) -> date:
    """Return the last day on which labels of days that were run can have been delivered; today's are not complete."""
    evaluated = run.store.last_evaluated_day(run.model) or first
    reach = run.spec.labels.reach if run.spec.labels else 0
    return max(first, min(today - DAY, evaluated + reach * DAY))


def _print(taken: LabelsTaken, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(taken))
        return
    for day, rows in taken.delivered.items():
        said = f"; {taken.told[day]}" if day in taken.told else ""
        open_output().write(f"{day}: {rows:,} labels received{said}\n")
    for day in taken.days:
        open_output().write(f"{day}: performance measured again\n")
    if not taken.delivered and not taken.days:
        open_output().write("no new labels\n")
