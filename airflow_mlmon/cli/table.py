"""Table of days in a terminal."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.output import number_cell, plain_table
from airflow_mlmon.partition import DEFAULT_ZONE
from airflow_mlmon.records import Alert, MetricValue, PartitionState, Status
from airflow_mlmon.reports.wording import NONE
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metric import Measure
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.tasks.registry import METRICS, task_of
from airflow_mlmon.tasks.titles import metric_title, subject_names

_DRIFTED = "drifted_columns"
_WIDEST = 7


def days_table(store: MetricStore, spec: ModelSpec, first: date, last: date) -> Table:
    """Build the table with a line for each day of the range; days with alerts are highlighted."""
    values = store.measured(spec.model, first, last)
    alerting: dict[date, list[Alert]] = defaultdict(list)
    for alert in store.alerts(spec.model, first, last):
        alerting[alert.partition.day].append(alert)
    table = plain_table()
    table.add_column("day" if spec.day_zone == DEFAULT_ZONE else f"day in\n{spec.day_zone}", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("status", no_wrap=True)
    requests = spec.operational.headline if spec.operational else ()
    shown, estimates = (_DRIFTED, *requests, *task_of(spec).headline), task_of(spec).estimates
    for metric in shown:
        # titles on several lines leave room for the alerts
        title = textwrap.fill(metric_title(metric, spec.labels), _WIDEST, break_long_words=False)
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("alerts", overflow="fold")
    for state in store.states(spec.model, first, last):
        day = state.partition.day
        table.add_row(
            f"{day:%Y-%m-%d %a}",
            f"{state.rows_accepted:,}" if state.is_counted else NONE,
            _status(state),
            *(_measured_cell(values.get((day, name)), values.get((day, estimates.get(name, "")))) for name in shown),
            Text(_subjects(alerting[day], spec)),
            style="bold red" if alerting[day] else "",
        )
    return table


def _measured_cell(measured: MetricValue | None, estimate: MetricValue | None) -> str:
    """Format a value, or its estimate with a sign of its own; intervals are on the page and in `--json`."""
    found, sign = (estimate, "≈") if measured is None or measured.value is None else (measured, "")
    if found is None or found.value is None:
        return NONE
    return f"{sign}{number_cell(found.value, _form(found.metric))}"


def _form(metric: str) -> str:
    """Return the format of a metric's values, or of what it estimates: shares in percent."""
    metric = METRICS[metric].estimates or metric
    if METRICS[metric].is_count:
        return ".0f"
    return ".1%" if METRICS[metric].measure is Measure.SHARE else ".3f"


def _status(state: PartitionState) -> Text:
    return Text(state.status.value, style="" if state.status is Status.OK else "bold yellow")


def _subjects(alerts: Sequence[Alert], spec: ModelSpec) -> str:
    """Return the subjects of the alerts, each once, in order."""
    measured = [(alert.metric, alert.column) for alert in alerts if alert.metric in METRICS]
    others = [alert.title for alert in alerts if alert.metric not in METRICS]
    return ", ".join([*dict.fromkeys(others), *subject_names(measured, spec.labels)])
