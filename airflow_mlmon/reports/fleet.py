"""Content of the page of all models, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.records import MetricValue, PartitionState, Verdict
from airflow_mlmon.reports.page import render_page
from airflow_mlmon.reports.slug import slug_of
from airflow_mlmon.reports.strip import StripDay, draw_strip
from airflow_mlmon.store.across_models import DatedValue, OpenAlerts

PAGE_ROWS = 100
# of owners and of tags that are listed for filtering
_MOST_NAMES = 300
INBOX = "inbox.html"


class ModelStatus(StrEnum):
    """Status of a model, the worst first."""

    SILENT = "silent"
    BROKEN = "broken"
    FAILED = "failed"
    ALERTING = "alerting"
    NOTICE = "notice"
    HEALTHY = "healthy"
    INACTIVE = "inactive"

    @property
    def meaning(self) -> str:
        """Explanation in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ModelStatus.SILENT: "No day evaluated for longer than expected",
    ModelStatus.BROKEN: "The spec cannot be loaded",
    ModelStatus.FAILED: "The last run failed",
    ModelStatus.ALERTING: "Open alerts, or no usable data",
    ModelStatus.NOTICE: "Data incomplete, or all alerts acknowledged or muted",
    ModelStatus.HEALTHY: "Within expected range",
    ModelStatus.INACTIVE: "Not monitored now: ended, or not started",
}


class ViewKind(StrEnum):
    """Kind of a selection of models."""

    ALL = "index"
    STATUS = "status"
    OWNER = "owner"
    TAG = "tag"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetView:
    """Selection of models: all of them, or those of a status, an owner or a tag.

    Attributes:
        models: Number of models in it.
    """

    kind: ViewKind = ViewKind.ALL
    value: str = ""
    models: int = 0

    def file(self, number: int = 1) -> str:
        """Return the name of the file of one of its pages."""
        name = self.kind if self.kind is ViewKind.ALL else f"{self.kind}-{slug_of(self.value)}"
        return f"{name}.html" if number == 1 else f"{name}-{number}.html"

    def holds(self, row: FleetRow) -> bool:
        """Return whether a model belongs to it."""
        found = row.registered
        return {
            ViewKind.ALL: True,
            ViewKind.STATUS: row.status == self.value,
            ViewKind.OWNER: found.owner == self.value,
            ViewKind.TAG: self.value in found.tags,
        }[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRow:
    """Model among all models.

    Attributes:
        registered: The model as its spec describes it.
        expected: Last day that should be evaluated by now.
        status: Its status.
        last: Last day that was run, if any.
        evaluated: Last day that was evaluated, if any, with its rows.
        late: Days between `evaluated` and `expected`; 0 if none is missing or none is known.
        reason: Reason of the status in words; empty if it is healthy.
        alerts: Numbers of its alerts that have not resolved.
        causes: Likely causes of its open alerts, the worst first.
        strip: The last days, oldest first.
        rows: Verdict on the number of rows of `evaluated`.
        drifted: Number of columns that have drifted on that day.
        columns: Number of columns whose drift was measured.
        headline: Last value of the metric that says most about a model of its task.
        coverage: Label coverage of the day of the headline.
        versions: Versions of the model on the day `evaluated`, each with its share of the rows, the largest first.
    """

    registered: RegisteredModel
    expected: date
    status: ModelStatus = ModelStatus.HEALTHY
    last: PartitionState | None = None
    evaluated: PartitionState | None = None
    late: int = 0
    reason: str = ""
    alerts: OpenAlerts = field(default_factory=OpenAlerts)
    causes: tuple[str, ...] = ()
    strip: tuple[StripDay | None, ...] = ()
    rows: Verdict | None = None
    drifted: int | None = None
    columns: int | None = None
    headline: DatedValue | None = None
    coverage: MetricValue | None = None
    versions: tuple[tuple[str, float], ...] = ()

    @property
    def model(self) -> str:
        """Return the name of the model."""
        return self.registered.model

    @property
    def href(self) -> str | None:
        """Return the address of the model's page; None if it has none."""
        return None if self.last is None else f"{self.model}/index.html"

    @property
    def day_href(self) -> str | None:
        """Return the address of the page of the last evaluated day."""
        return None if self.evaluated is None else f"{self.model}/{self.evaluated.partition.key}/report.html"

    @property
    def picture(self) -> str:
        """Return the strip of days as SVG markup."""
        return draw_strip(self.strip)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPage:
    """Content of one page of a selection of models.

    Attributes:
        view: The selection.
        rows: Models of this page, worst first.
        number: Number of this page.
        pages: Number of pages of the selection.
        at: Time of which the page is true.
        statuses: A view for each status that a model has.
        owners: A view for each owner.
        tags: A view for each tag.
    """

    view: FleetView
    rows: tuple[FleetRow, ...]
    at: datetime
    number: int = 1
    pages: int = 1
    statuses: tuple[FleetView, ...] = ()
    owners: tuple[FleetView, ...] = ()
    tags: tuple[FleetView, ...] = ()
    alerts: int = 0

    @property
    def title(self) -> str:
        """Return the title of the page."""
        titles = {
            ViewKind.ALL: "All models",
            ViewKind.STATUS: f"{self.view.value.capitalize()} models",
            ViewKind.OWNER: f"Models of {self.view.value}",
            ViewKind.TAG: f"Models tagged {self.view.value}",
        }
        return titles[self.view.kind]


def render_fleet(page: FleetPage) -> str:
    """Render one page of a selection of models."""
    return render_page("fleet.html.j2", page=page, inbox_href=INBOX, views=_by_value(page), MOST_NAMES=_MOST_NAMES)


def page_numbers(rows: Sequence[object]) -> int:
    """Return the number of pages of so many rows; one at least."""
    return max(1, -(-len(rows) // PAGE_ROWS))


def _by_value(page: FleetPage) -> Mapping[tuple[ViewKind, str], FleetView]:
    return {(view.kind, view.value): view for view in (*page.statuses, *page.owners, *page.tags)}
