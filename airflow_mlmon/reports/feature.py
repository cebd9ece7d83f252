"""Content of the page of a column, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from markupsafe import Markup

from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.records import MetricValue, PartitionState, Verdict
from airflow_mlmon.reports.page import Fact, TrendChart, render_page
from airflow_mlmon.reports.slug import slug_of
from airflow_mlmon.spec import Labels

# the names of the pages of columns begin with it
FEATURE = "feature-"
# alerts that are listed, the newest first
_MOST_ALERTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSide:
    """Values of a column in some rows.

    Attributes:
        title: Which rows they are.
        rows: Number of rows.
        null_rate: Share of them without a value; None without rows.
        mean: Mean of a number.
        quantiles: Its 5 %, 50 % and 95 % quantiles.
        new_rate: Share of the values of a category that the reference does not have.
    """

    title: str
    rows: int
    null_rate: float | None
    mean: float | None = None
    quantiles: tuple[float, ...] = ()
    new_rate: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSegment:
    """Column in the rows of one segment.

    Attributes:
        name: Name of the segment.
        rows: Number of its rows.
        null_rate: Share of them without a value.
        verdict: Verdict on its drift; None if none was reached, as where the column has not drifted in all rows.
    """

    name: str
    rows: int
    null_rate: float | None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturePage:
    """Content of the page of a column, as of the last evaluated day.

    Attributes:
        state: That day; None before the first.
        lack: Why there is no distribution; empty if there is one.
        picture: The day beside its baseline.
        spread: The last days beside the baseline.
        days: Number of days drawn.
        baseline: Title of the baseline.
        weight: What is known of its weight on the score, in sentences.
        token: Token of the forms of a person who may act on the model; None where nothing can be done.
    """

    model: str
    column: str
    facts: tuple[Fact, ...] = ()
    state: PartitionState | None = None
    lack: str = ""
    picture: Markup | None = None
    spread: Markup | None = None
    days: int = 0
    baseline: str = ""
    sides: tuple[ColumnSide, ...] = ()
    score: MetricValue | None = None
    verdict: Verdict | None = None
    verdicts: tuple[Verdict, ...] = ()
    unseen: tuple[MetricValue, ...] = ()
    trends: tuple[TrendChart, ...] = ()
    marks: Mapping[date, str] = field(default_factory=dict)
    weight: tuple[str, ...] = ()
    alerts: tuple[TrackedAlert, ...] = ()
    segments: tuple[ColumnSegment, ...] = ()
    labels: Labels | None = None
    token: str | None = None


def render_feature(page: FeaturePage) -> str:
    """Render the page of a column."""
    alerts = sorted(page.alerts, key=lambda one: (one.resolved_on is not None, -one.since.toordinal()))
    return render_page(
        "feature.html.j2",
        page=page,
        labels=page.labels,
        alerts=alerts[:_MOST_ALERTS],
        left_out=alerts[_MOST_ALERTS:],
        here=f"{page.model}/{feature_file(page.column)}",
    )


def feature_file(column: str) -> str:
    """Return the name of the file of a column's page; no two columns have the same.

    >>> feature_file("temp"), feature_file("wind speed")
    ('feature-temp.html', 'feature-wind-speed-77414b408f.html')
    """
    return f"{FEATURE}{slug_of(column)}.html"
