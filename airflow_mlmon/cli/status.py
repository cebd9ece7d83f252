"""`mlmon status`: all models with their last day, the worst first, from the store alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text, plain_table, print_table
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.lifecycle.incidents import BY_ITSELF
from airflow_mlmon.pipeline.pages.fleet import fill_rows, read_fleet
from airflow_mlmon.reports.fleet import FleetRow, ModelStatus
from airflow_mlmon.reports.wording import NONE, count_text, measured_texts, value_text
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.tasks.titles import metric_title

_BAD = frozenset({ModelStatus.SILENT, ModelStatus.BROKEN, ModelStatus.FAILED, ModelStatus.ALERTING})
_STYLES = {ModelStatus.NOTICE: "yellow", ModelStatus.INACTIVE: "dim"} | dict.fromkeys(_BAD, "bold red")


def show_status(call: Call, *, owners: Collection[str], tags: Collection[str], statuses: Collection[str]) -> None:
    """Print a line for each model of some owners, tags and statuses, or of all."""
    with MetricStore(call.settings.store, must_exist=True) as store:
        models = read_fleet(store, call.now).rows
        chosen = [
            row
            for row in models
            if (not owners or row.registered.owner in owners)
            and (not tags or not set(tags).isdisjoint(row.registered.tags))
            and (not statuses or row.status in statuses)
        ]
        rows = fill_rows(store, chosen)
    if call.as_json:
        for row in rows:
            print_json(_content(row, call.settings.reports_url))
        return
    counts = ", ".join(f"{count} {status}" for status in ModelStatus if (count := _count(rows, status)))
    of = f" of {len(models)}" if len(rows) < len(models) else ""
    open_output().write(f"{len(rows)}{of} {'model' if len(rows) == 1 else 'models'}{f': {counts}' if counts else ''}\n")
    if rows:
        print_table(_table(rows))


def _count(rows: Sequence[FleetRow], status: ModelStatus) -> int:
    return sum(row.status is status for row in rows)


def _table(rows: Sequence[FleetRow]) -> Table:
    table = plain_table()
    for heading in ("model", "status", "last day"):
        table.add_column(heading, no_wrap=True)
    for heading in ("drifted", "alerts"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("performance", "why"):
        table.add_column(heading)
    for row in rows:
        cells = (
            "\n".join(filter(None, (line_text(row.model), line_text(row.registered.owner)))),
            row.status,
            _last_day(row),
            NONE if row.drifted is None else f"{row.drifted} of {row.columns}",
            str(row.alerts.open),
            _performance(row),
            _why(row),
        )
        # Text, because user names may look like rich markup
        table.add_row(*map(Text, cells), style=_STYLES.get(row.status, ""))
    return table


def _last_day(row: FleetRow) -> str:
    if row.evaluated is None:
        return NONE
    said = [row.evaluated.partition.key]
    if row.evaluated.is_counted:
        said.append(f"{count_text(row.evaluated.rows_accepted)} rows")
    if row.late:
        said.append(f"{row.late} {'day' if row.late == 1 else 'days'} late")
    return "\n".join(said)


def _performance(row: FleetRow) -> str:
    """Return the headline metric of a model with its interval and label coverage."""
    if row.headline is None:
        return NONE
    measured = row.headline.measured
    said = [f"{metric_title(measured.metric)} {value_text(measured.value, measured.metric)}", *measured_texts(measured)]
    if row.coverage and row.coverage.value is not None:
        said.append(f"labels {value_text(row.coverage.value, LABEL_COVERAGE)}")
    return "\n".join(said)


def _why(row: FleetRow) -> str:
    """Return the reason of the status, or else the likely cause of the worst alert."""
    if row.reason or not row.causes:
        return line_text(row.reason)
    more = f" and {len(row.causes) - 1} more" if len(row.causes) > 1 else ""
    return f"{line_text(row.causes[0].partition(BY_ITSELF)[0])}{more}"


def _content(row: FleetRow, reports_url: str) -> dict[str, Any]:
    found, measured = row.registered, row.headline.measured if row.headline else None
    return {
        "model": row.model,
        "status": row.status,
        "reason": row.reason,
        "causes": list(row.causes),
        "task": found.task,
        "owner": found.owner,
        "team": found.team,
        "tags": list(found.tags),
        "last_run": row.last.partition.key if row.last else None,
        "last_evaluated": row.evaluated.partition.key if row.evaluated else None,
        "days_late": row.late,
        "rows": row.evaluated.rows_accepted if row.evaluated and row.evaluated.is_counted else None,
        "drifted_columns": row.drifted,
        "columns": row.columns,
        "performance": measured
        and {
            "metric": measured.metric,
            "partition": row.headline.day.isoformat() if row.headline else None,
            "value": measured.value,
            "low": measured.low,
            "high": measured.high,
            "label_coverage": row.coverage.value if row.coverage else None,
        },
        "alerts": asdict(row.alerts),
        "versions": dict(row.versions),
        "page": f"{reports_url}/{row.href}" if row.href else None,
    }
