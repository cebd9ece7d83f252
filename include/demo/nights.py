"""The table of the nights that the demo ends with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from rich.box import SIMPLE_HEAD
from rich.table import Table
from sqlalchemy.engine import make_url

from airflow_mlmon.records import Alert, Night, Status
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import METRICS
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.window import Window

NOTHING = "\N{EN DASH}"
Metrics = Mapping[tuple[date, str, str | None], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNights:
    """What the metric store says of the nights."""

    nights: Sequence[Night]
    metrics: Metrics
    alerts: Sequence[Alert] = field(default=())


def read_nights(url: str, model: str, window: Window) -> StoredNights:
    """The nights, their metrics and alerts, from the metric store."""
    with MetricStore(url) as store:
        return StoredNights(
            nights=store.nights(model, window.first, window.last),
            metrics=store.metrics(model, window.first, window.last),
            alerts=store.alerts(model, window.first, window.last),
        )


def render_nights(stored: StoredNights, spec: ModelSpec) -> Table:
    """A line for each night; one with alerts stands out, the others look quiet."""
    positive = spec.labels.positive_name if spec.labels else "positive"
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("night", no_wrap=True)
    for title in ("rows", "status", "drifted columns", "mean score", f"{positive} share", "accuracy", "log loss"):
        table.add_column(title, justify="left" if title == "status" else "right")
    table.add_column("alerts")
    loud = defaultdict(list)
    for alert in stored.alerts:
        loud[alert.partition.day].append(_subject(alert, positive))
    for night in stored.nights:
        day = night.partition.day
        numbers = [_number(stored.metrics.get((day, name, None)), form) for name, form in _COLUMNS.items()]
        row = [f"{day:%Y-%m-%d %a}", f"{night.rows_curated:,}", _status(night), *numbers, ", ".join(loud[day])]
        table.add_row(*row, style="bold red" if loud[day] else "")
    return table


def masked(url: str) -> str:
    """The store's URL without its password."""
    return make_url(url).render_as_string(hide_password=True)


_COLUMNS = {
    "drifted_columns": ".0f",
    "score_mean": ".3f",
    "positive_share": ".1%",
    "accuracy": ".1%",
    "log_loss": ".3f",
}


def _number(value: float | None, form: str) -> str:
    return NOTHING if value is None else format(value, form)


def _status(night: Night) -> str:
    return night.status.value if night.status is Status.OK else f"[bold yellow]{night.status.value}[/]"


def _subject(alert: Alert, positive: str) -> str:
    title = f"{positive} share" if alert.metric == "positive_share" else METRICS[alert.metric].title
    return f"{title} of {alert.column}" if alert.column else title
