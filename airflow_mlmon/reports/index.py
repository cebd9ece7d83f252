"""Content of a model's index, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from airflow_mlmon.records import Alert, CheckOutcome, MetricValue, PartitionState
from airflow_mlmon.reports.heat import HeatMap
from airflow_mlmon.reports.page import TrendChart, render_page
from airflow_mlmon.reports.tone import Tone, tone_of
from airflow_mlmon.reports.weeks import calendar_weeks
from airflow_mlmon.spec import Labels
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.tasks.registry import DEFAULT, METRICS
from airflow_mlmon.tasks.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDay:
    """One day in a model's index."""

    state: PartitionState
    href: str | None = None
    drifted: int | None = None
    columns: int | None = None
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    is_stale: bool = False

    @property
    def tone(self) -> Tone:
        """Return the state of the day."""
        return tone_of(self.state, self.alerts, self.checks)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexPage:
    """Content of a model's index; days in any order.

    Attributes:
        days: All evaluated days, for the calendar.
        listed_since: Day from which on they are in the table too; None for all.
    """

    model: str
    days: tuple[IndexDay, ...]
    listed_since: date | None = None
    description: str = ""
    owner: str = ""
    labels: Labels | None = None
    task: Task = DEFAULT
    trends: tuple[TrendChart, ...] = ()
    marks: Mapping[date, str] = field(default_factory=dict)
    heat: HeatMap | None = None


def render_index(page: IndexPage) -> str:
    """Render a model's index."""
    days = sorted(page.days, key=lambda day: day.state.partition.start, reverse=True)
    return render_page(
        "index.html.j2",
        page=page,
        days=days,
        listed=[day for day in days if page.listed_since is None or day.state.partition.day >= page.listed_since],
        weeks=calendar_weeks({day.state.partition.day: day for day in days}),
        alerting=[day for day in days if day.tone is Tone.ALERTING],
        labels=page.labels,
        headline_metrics=index_metrics(page.task),
    )


def index_metrics(task: Task) -> list[str]:
    """Return the metrics of the table of an index: the headline, with label coverage before those of labels."""
    outputs = [name for name in task.headline if not METRICS[name].needs_labels]
    return [*outputs, LABEL_COVERAGE, *(name for name in task.headline if name not in outputs)]
