"""`mlmon run` and `mlmon backfill`: run days in order, with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from datetime import UTC, date, datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.day_lines import DayLines
from airflow_mlmon.cli.output import open_console, print_table
from airflow_mlmon.cli.table import days_table
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.hooks.run import connect_druid, open_run
from airflow_mlmon.notifications.gauges import publish_gauges
from airflow_mlmon.notifications.senders import build_senders
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import Ran, run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.send import send_alerts as send
from airflow_mlmon.pipeline.telemetry import note, observing, observing_day
from airflow_mlmon.preload import keep_loaded
from airflow_mlmon.records import Status
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import EvidentlyForm
from airflow_mlmon.tracing import say_export_failures_once

_GOOD = {Status.OK, Status.PARTIAL}


def run_days(
    call: Call,
    spec: ModelSpec,
    partitions: Sequence[Partition],
    *,
    send_alerts: bool,
    druid: bool,
    evidently: EvidentlyForm | None = None,
) -> bool:
    """Run consecutive days; return True if each was evaluated."""
    say_export_failures_once()
    settings, as_json = call.settings, call.as_json
    first, last = partitions[0].day, partitions[-1].day
    with _progress(as_json=as_json) as progress:
        bar = progress.add_task(spec.model, total=len(partitions), step="")
        with open_run(spec, settings, lambda step: progress.update(bar, step=step), is_silent=not send_alerts) as run:
            is_loaded, modules = True, 0
            with DayLines(run) if as_json else nullcontext() as lines:
                for partition in partitions:
                    progress.update(bar, description=partition.key)
                    with observing_day(run, partition):
                        ran = run_partition(run, partition, evidently=evidently)
                        if druid:
                            is_loaded &= _is_loaded(run, ran)
                    # the first day imports much, and Evidently the first one that has its page
                    if len(sys.modules) > modules and partition != partitions[-1]:
                        keep_loaded()
                        modules = len(sys.modules)
                    progress.update(bar, advance=1, step="")
                    if lines is not None:
                        lines.add(ran)
            states = run.store.states(spec.model, first, last)
            progress.stop()
            # neither a reader that has gone nor a channel that is down keeps the rest from being told
            with ExitStack() as told:
                told.callback(publish_gauges, run, settings, datetime.now(UTC))
                if send_alerts:
                    told.callback(_send, run, partitions[-1])
                if not as_json:
                    _print_table(run, first, last, settings)
    return is_loaded and all(state.status in _GOOD for state in states)


def _send(run: Run, partition: Partition) -> None:
    now = datetime.now(UTC)
    send(run, partition, build_senders(run, now), now)


def _is_loaded(run: Run, ran: Ran) -> bool:
    """Load a day into Druid and return True; a day that is not loaded is named, and the next one is run."""
    try:
        load_into_druid(run, [ran.partition, *ran.days])
    except MlmonError as error:
        sys.stderr.write(f"{run.model} {ran.partition.key}: Druid: {error}\n")
        return False
    return True


def load_into_druid(run: Run, days: Sequence[Partition]) -> None:
    """Load some days into Druid, and wait for it."""
    from airflow_mlmon.pipeline.druid.load import DruidIngest  # noqa: PLC0415 - few models need it

    client = connect_druid(run.spec.druid)
    ingest = DruidIngest(run, client, days, today=datetime.now(UTC).date())
    with observing(run, days[0], "load_druid"):
        state = ingest.begin()
        while state.open:
            state = ingest.wait(state)
        note(rows=sum(load.rows for load in state.done.values()))


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
    console = open_console()
    print_table(days_table(run.store, run.spec, first, last), console)
    console.print(f"reports: {settings.reports}/{run.model}", soft_wrap=True, highlight=False, markup=False)
