"""`mlmon show`: a day in the terminal, as its page says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.day_lines import day_content
from airflow_mlmon.cli.output import line_text, plain_table, print_table
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.evaluation.columns import drift_by_column, drifted
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.lifecycle.incidents import group_incidents
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, MetricValue, PartitionState, Verdict, VerdictState
from airflow_mlmon.reports.tone import headline
from airflow_mlmon.reports.wording import (
    NONE,
    basis_text,
    count_text,
    day_text,
    effect_text,
    expected_text,
    measured_texts,
    p_text,
    value_text,
)
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import DRIFT, ESTIMATION_GAP, LABEL_COVERAGE
from airflow_mlmon.tasks.registry import METRICS, task_of
from airflow_mlmon.tasks.titles import metric_title, subject_title

_SHOWN = 8


def print_day(call: Call, *, spec: ModelSpec, day: date) -> None:
    """Print what is stored of a day.

    Raises:
        NotFoundError: the day was never run.
    """
    with open_run(spec, call.settings, must_exist=True) as run:
        partition = run.partition(day)
        state = run.store.state(partition)
        if state is None:
            last = run.store.last_evaluated_day(spec.model)
            known = f"the last day that was evaluated is {last}" if last else "no day has been evaluated yet"
            raise NotFoundError(f"{partition} was never run; {known}.")
        if call.as_json:
            print_json({**(day_content(run, partition) or {}), "page": run.page_url(partition)})
        else:
            _print(run, partition, state)


def _print(run: Run, partition: Partition, state: PartitionState) -> None:
    alerts = run.store.alerts(run.model, partition.day, partition.day)
    verdicts, metrics = run.store.verdicts(partition), run.store.metric_values(partition)
    lines = [
        f"{run.model}, {day_text(partition.day)}: {state.status}",
        headline(state, alerts, run.store.checks(partition), verdicts),
        line_text(state.message),
        _rows(state),
        _stale(stale_days(run, partition.day, partition.day).get(partition.day, ())),
    ]
    _write(line for line in lines if line)
    if alerts:
        _write(["alerts"])
        print_table(_alerts_table(alerts))
    breaches = [one for one in verdicts if one.state is VerdictState.BREACH and one.metric != DRIFT]
    if breaches:
        _write(["outside expected range"])
        print_table(_verdicts_table(breaches, run.spec))
    scores = {value.column: value for value in metrics if value.metric == DRIFT and value.segment is None}
    found = drift_by_column(verdicts)
    moved = {name: found[name] for name in drifted(found)}
    if found:
        _write([f"drifted columns: {len(moved)} of {len(found)}"])
    if moved:
        print_table(_drift_table(moved, scores))
    coverage = next((one for one in metrics if one.metric == LABEL_COVERAGE and one.segment is None), None)
    if coverage is not None:
        _write([f"performance, with {value_text(coverage.value, LABEL_COVERAGE)} of the labels received"])
    if measured := _performance(metrics, run.spec):
        print_table(_performance_table(measured, run.spec))
    _write([f"page: {run.page_url(partition)}"])


def _write(lines: Iterable[str]) -> None:
    open_output().writelines(f"{line}\n" for line in lines)


def _rows(state: PartitionState) -> str:
    if not state.is_counted:
        return ""
    return (
        f"{count_text(state.rows_read)} rows read, {count_text(state.rows_accepted)} accepted, "
        f"{count_text(state.rows_quarantined)} quarantined"
    )


def _stale(days: Sequence[date]) -> str:
    redone = ", ".join(map(str, days))
    return f"verdicts are stale: redone since were {redone}; `mlmon evaluate` evaluates the day again" if redone else ""


def _alerts_table(alerts: Sequence[Alert]) -> Table:
    """Build the table with a line for each alert, those of one likely cause together."""
    table = plain_table()
    table.add_column("alert", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what")
    table.add_column("likely cause")
    table.add_column("state")
    for incident in group_incidents(alerts):
        for alert in incident.alerts:
            cells = (
                alert.fingerprint[:_SHOWN],
                alert.severity,
                line_text(alert.title),
                "" if incident.cause.startswith(alert.title) else line_text(incident.cause),
                alert.lifecycle.words if alert.lifecycle else "",
            )
            table.add_row(*map(Text, cells))
    return table


def _verdicts_table(verdicts: Sequence[Verdict], spec: ModelSpec) -> Table:
    table = plain_table()
    table.add_column("metric")
    table.add_column("value", justify="right", no_wrap=True)
    for heading in ("expected", "p", "effect size", "rests on"):
        table.add_column(heading)
    for one in verdicts:
        subject = subject_title(one.metric, one.column, spec.labels)
        cells = (
            line_text(f"{subject} in {one.segment}" if one.segment else subject),
            value_text(one.value, one.metric),
            expected_text(one),
            p_text(one) or NONE,
            effect_text(one) or NONE,
            basis_text(one) if one.p_value is not None else line_text(one.rule),
        )
        table.add_row(*map(Text, cells))
    return table


def _drift_table(moved: dict[str, Verdict], scores: dict[str | None, MetricValue]) -> Table:
    table = plain_table()
    table.add_column("column")
    table.add_column("method", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for heading in ("p", "effect size", "rests on"):
        table.add_column(heading)
    for name, verdict in moved.items():
        score = scores.get(name)
        cells = (
            line_text(name),
            score.drift.method if score and score.drift else NONE,
            value_text(verdict.value, DRIFT),
            p_text(verdict) or NONE,
            effect_text(verdict) or NONE,
            basis_text(verdict),
        )
        table.add_row(*map(Text, cells))
    return table


def _performance(metrics: Sequence[MetricValue], spec: ModelSpec) -> list[MetricValue]:
    """Return the metrics of performance that have values: by the labels received, or else the estimates."""
    task = task_of(spec)
    found = {one.metric: one for one in metrics if one.column is None and one.segment is None and one.value is not None}
    names = (*task.label_metrics, *spec.own_metrics)
    measured = [found[name] for name in names if name in found and METRICS[name].is_performance]
    others = [found[name] for name in (ESTIMATION_GAP, *task.estimates.values()) if name in found]
    return [*measured, *others]


def _performance_table(measured: Sequence[MetricValue], spec: ModelSpec) -> Table:
    table = plain_table()
    table.add_column("metric")
    for heading in ("value", "95 % interval", "rows"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in measured:
        interval = measured_texts(one)[0] if one.low is not None and one.high is not None else NONE
        cells = (
            metric_title(one.metric, spec.labels),
            value_text(one.value, one.metric),
            interval,
            count_text(one.rows),
        )
        table.add_row(*map(Text, cells))
    return table
