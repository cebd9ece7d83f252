"""`mlmon run` and `mlmon backfill`: light until their arguments have been checked."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.partition import days_between
from airflow_mlmon.pipeline.resolve import check_timely
from airflow_mlmon.preload import preload_run
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import EvidentlyForm


def run_day(
    call: Call, *, spec: ModelSpec, day: date, quiet_alerts: bool, druid: bool, evidently: str | None, force: bool
) -> bool:
    """Run one day; return True if it was evaluated."""
    return backfill(
        call,
        spec=spec,
        first=day,
        last=day,
        send_alerts=not quiet_alerts,
        druid=druid,
        evidently=evidently,
        force=force,
    )


def backfill(
    call: Call,
    *,
    spec: ModelSpec,
    first: date,
    last: date,
    send_alerts: bool,
    druid: bool,
    evidently: str | None,
    force: bool,
) -> bool:
    """Run the days of a range in order; return True if each was evaluated.

    Raises:
        ConfigError: a day is not over yet or not monitored, and it is not forced.
    """
    partitions = list(days_between(spec.model, first, last, spec.day_zone))
    if not force:
        check_timely(partitions, start=spec.start, end=spec.end, now=call.now)
    # takes seconds
    preload_run()
    from airflow_mlmon.cli.days import run_days  # noqa: PLC0415 - after that

    form = EvidentlyForm(evidently) if evidently else None
    return run_days(call, spec, partitions, send_alerts=send_alerts, druid=druid, evidently=form)
