"""`mlmon run` and `mlmon backfill`: nights in the order of the days, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from airflow_mlmon.cli.output import print_json
from airflow_mlmon.cli.table import nights_table
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.notifications.gauges import publish_gauges
from airflow_mlmon.notifications.senders import build_senders
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.context import Run
from airflow_mlmon.pipeline.druid import DruidIngest
from airflow_mlmon.pipeline.night import Ran, run_night
from airflow_mlmon.pipeline.send import send_alerts as send
from airflow_mlmon.pipeline.staleness import stale_nights
from airflow_mlmon.records import Alert, Status, Verdict, VerdictState
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec

_GOOD = {Status.OK, Status.PARTIAL}


def run_nights(
    spec: ModelSpec,
    partitions: Sequence[Partition],
    settings: Settings,
    *,
    as_json: bool,
    send_alerts: bool,
    druid: bool,
) -> bool:
    """Run the partitions, which follow each other; whether each was judged on data that came."""
    first, last = partitions[0].day, partitions[-1].day
    with _progress(as_json=as_json) as progress:
        bar = progress.add_task(spec.model, total=len(partitions), step="")
        with open_run(spec, settings, lambda step: progress.update(bar, step=step), is_quiet=not send_alerts) as run:
            for partition in partitions:
                progress.update(bar, description=partition.key)
                ran = run_night(run, partition)
                if druid:
                    _load_into_druid(run, ran)
                progress.update(bar, advance=1, step="")
                if as_json:
                    _print_json(run, ran.days, partition)
            if send_alerts:
                now = datetime.now(UTC)
                send(run, build_senders(run, now), now)
            publish_gauges(run, settings)
            nights = run.store.nights(spec.model, first, last)
            if not as_json:
                _print_table(run, first, last, settings)
    return all(night.status in _GOOD for night in nights)


def _load_into_druid(run: Run, ran: Ran) -> None:
    from airflow_mlmon.hooks.druid import MlmonDruidHook  # noqa: PLC0415 - imports Airflow

    client = MlmonDruidHook(run.spec.druid.connection).get_client()
    ingest = DruidIngest(run, client, [ran.partition, *ran.days], today=datetime.now(UTC).date())
    state = ingest.begin()
    while state.open:
        state = ingest.wait(state)


def _progress(*, as_json: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}"),
        console=Console(stderr=True),
        disable=as_json and not sys.stderr.isatty(),
    )


def _print_table(run: Run, first: date, last: date, settings: Settings) -> None:
    console = Console(file=sys.stdout)
    console.print(nights_table(run.store, run.spec, first, last))
    console.print(f"reports: {settings.reports}/{run.model}", soft_wrap=True, highlight=False, markup=False)


def _print_json(run: Run, days: Iterable[Partition], partition: Partition) -> None:
    night = run.store.night(partition)
    if night is None:
        return
    alerts = run.store.alerts(run.model, partition.day, partition.day)
    content = {
        "partition": partition.key,
        "status": night.status,
        "rows": night.rows_curated if night.is_counted else None,
        "rows_listed": night.rows_listed if night.is_counted else None,
        "rows_quarantined": night.rows_quarantined if night.is_counted else None,
        "version": night.version,
        "stale": [str(day) for day in stale_nights(run, partition.day, partition.day).get(partition.day, ())],
        "message": night.message,
        "metrics": [
            {"metric": value.metric, "column": value.column, "segment": value.segment, "value": value.value}
            for value in run.store.metric_values(partition)
        ],
        "verdicts": [_verdict(verdict) for verdict in run.store.verdicts(partition)],
        "alerts": [_alert(alert) for alert in alerts],
        "replaced": [day.key for day in days],
    }
    print_json(content)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "metric": verdict.metric,
        "column": verdict.column,
        "segment": verdict.segment,
        "value": verdict.value,
        "low": verdict.low,
        "high": verdict.high,
        "deviations": verdict.deviations,
        "p_value": verdict.p_value,
        "effect": verdict.effect,
        "history": verdict.history,
        "state": verdict.state,
        "breached": verdict.state is VerdictState.BREACH,
        "rule": verdict.rule,
        "note": verdict.note,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "fingerprint": alert.fingerprint,
        "state": alert.standing.state if alert.standing else None,
        "since": alert.standing.since.isoformat() if alert.standing else None,
        "nights": alert.standing.nights if alert.standing else None,
        "severity": alert.severity,
        "metric": alert.metric,
        "column": alert.column,
        "segment": alert.segment,
        "title": alert.title,
        "cause": alert.cause or alert.title,
        "text": alert.text,
        "p_value": alert.p_value,
        "effect": alert.effect,
    }
