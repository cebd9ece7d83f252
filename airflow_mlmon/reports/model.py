"""Content of a model's page, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby

from airflow_mlmon.lifecycle.tracked_incidents import TrackedIncident
from airflow_mlmon.records import Alert, CheckOutcome, MetricValue, PartitionState, Status
from airflow_mlmon.reports.heat import HeatMap
from airflow_mlmon.reports.page import DAY, TrendChart, is_declared, render_page
from airflow_mlmon.reports.tone import Tone, day_tone, tone_of
from airflow_mlmon.reports.weeks import calendar_weeks
from airflow_mlmon.spec import Labels
from airflow_mlmon.spec.metrics import LABEL_COVERAGE
from airflow_mlmon.tasks.registry import DEFAULT, METRICS
from airflow_mlmon.tasks.task import Task

# days with their values; earlier ones are listed by month
SHOWN_DAYS = 90
# incidents that are listed; the inbox has all of them
_MOST_INCIDENTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDay:
    """One day with its values on a model's page."""

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
class EarlierDay:
    """Day before those with their values."""

    day: date
    status: Status
    alerts: int = 0

    @property
    def href(self) -> str:
        """Return the address of its page."""
        return f"{self.day}/{DAY}"

    @property
    def tone(self) -> Tone:
        """Return the state of the day."""
        return day_tone(self.status, alerts=self.alerts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Earlier days of one calendar month, oldest first."""

    days: tuple[EarlierDay, ...]

    @property
    def title(self) -> str:
        """Return the name of the month."""
        return f"{self.days[0].day:%B %Y}"

    @property
    def alerting(self) -> int:
        """Return the number of alerting days."""
        return sum(day.tone is Tone.ALERTING for day in self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """Named facts of a model's card."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineLine:
    """Baseline of the days to come, or one that was.

    Attributes:
        title: The baseline in words.
        subject: Model version or column that it is of; empty for all.
        state: Whether it is in force.
        first: First day that is compared with it; None for one of the spec.
        who: Person who accepted it; empty for one of the spec.
        why: Reason given.
        accepted_at: Time at which it was accepted.
    """

    title: str
    subject: str
    state: str
    first: date | None = None
    who: str = ""
    why: str = ""
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVersion:
    """Model version with the days among those shown on which it served, and its share of the rows of the last one."""

    name: str
    first: date
    last: date
    days: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRow:
    """Segment on the last day.

    Attributes:
        name: Its name.
        rows: Number of its rows.
        share: Their share of all rows.
        drifted: Columns that have drifted in it.
        metrics: Its metrics, by name.
    """

    name: str
    rows: int
    share: float
    drifted: tuple[str, ...] = ()
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPage:
    """Content of a model's page; days in any order.

    Attributes:
        days: The last evaluated days with their values.
        earlier: The evaluated days before them.
        lateness: What is known of the days that are missing after the last one; empty if nothing is.
        feature_hrefs: Addresses of the pages of columns that have one, by column.
        token: Token of the forms of a person who may act on the model; None where nothing can be done.
    """

    model: str
    days: tuple[ModelDay, ...]
    earlier: tuple[EarlierDay, ...] = ()
    lateness: str = ""
    description: str = ""
    owner: str = ""
    labels: Labels | None = None
    task: Task = DEFAULT
    trends: tuple[TrendChart, ...] = ()
    marks: Mapping[date, str] = field(default_factory=dict)
    heat: HeatMap | None = None
    incidents: tuple[TrackedIncident, ...] = ()
    versions: tuple[ServedVersion, ...] = ()
    segments: tuple[SegmentRow, ...] = ()
    baselines: tuple[BaselineLine, ...] = ()
    card: tuple[CardEntry, ...] = ()
    feature_hrefs: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None


def render_model(page: ModelPage) -> str:
    """Render a model's page."""
    days = sorted(page.days, key=lambda day: day.state.partition.start, reverse=True)
    return render_page(
        "model.html.j2",
        page=page,
        days=days,
        weeks=calendar_weeks({day.state.partition.day: day for day in days}),
        alerting=[day for day in days if day.tone is Tone.ALERTING],
        months=_months(page.earlier),
        labels=page.labels,
        headline_metrics=index_metrics(page.task),
        segment_metrics=_segment_metrics(page),
        MOST_INCIDENTS=_MOST_INCIDENTS,
    )


def index_metrics(task: Task) -> list[str]:
    """Return the metrics of the table of days: the headline, with label coverage before those of labels."""
    outputs = [name for name in task.headline if not METRICS[name].needs_labels]
    return [*outputs, LABEL_COVERAGE, *(name for name in task.headline if name not in outputs)]


def _segment_metrics(page: ModelPage) -> list[str]:
    """Return the metrics of the table of segments: those of outputs and labels that any of them has a value of."""
    names = dict.fromkeys((*page.task.output_metrics, LABEL_COVERAGE, *page.task.version_headline))
    return [
        name
        for name in names
        if is_declared(name, page.labels)
        and any(name in row.metrics and row.metrics[name].value is not None for row in page.segments)
    ]


def _months(days: Sequence[EarlierDay]) -> list[Month]:
    ordered = sorted(days, key=lambda one: one.day)
    months = [Month(days=tuple(of)) for _, of in groupby(ordered, key=lambda one: (one.day.year, one.day.month))]
    return months[::-1]
