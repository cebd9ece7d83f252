"""Content of a day's page, and its rendering to HTML.

A page is one file without scripts and without external resources. Everything except the charts, which are markup
already, is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.evaluation.limits import strength
from airflow_mlmon.lifecycle.incidents import group_incidents
from airflow_mlmon.links import TraceLinks
from airflow_mlmon.records import (
    Alert,
    CheckOutcome,
    Delivery,
    MetricValue,
    PartitionState,
    Verdict,
    VerdictState,
)
from airflow_mlmon.reports import wording
from airflow_mlmon.reports.capture import CaptureSummary
from airflow_mlmon.reports.checks import list_checks, list_failed
from airflow_mlmon.reports.hours import RowsByHour
from airflow_mlmon.reports.requests import Attributions, Requests
from airflow_mlmon.reports.shifts import shift_text
from airflow_mlmon.reports.tone import headline, tone_of
from airflow_mlmon.reports.verdicts import arrange
from airflow_mlmon.reports.versions import Versions
from airflow_mlmon.spec import Labels
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import (
    ERROR_RATE,
    ESTIMATION_GAP,
    EXCLUDED_SHARE,
    LABEL_COVERAGE,
    LABEL_METRICS,
    NULL_RATE,
    SAMPLING_FRACTION,
)
from airflow_mlmon.tasks.outcome_table import OutcomeTable
from airflow_mlmon.tasks.registry import DEFAULT, METRICS
from airflow_mlmon.tasks.task import Task
from airflow_mlmon.tasks.titles import metric_title, new_values_text, subject_title

_LONGEST_METER = 1e6
# names of the pages of a day
DAY, COLUMNS = "report.html", "columns.html"
# of a wide table, the columns and checks on the day's page
MOST_COLUMNS, _MOST_CHECKS = 60, 100
# number of alerts of an incident, and of segments of a column, that are not folded
_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnRow:
    """Drift of a column with its chart, and what of it the reference does not have."""

    score: MetricValue
    picture: Markup | None = None
    baseline: str = ""
    unseen: tuple[MetricValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChart:
    """Chart of a metric over consecutive days."""

    title: str
    svg: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceDay:
    """Performance of one day by the labels received."""

    day: date
    metrics: Mapping[str, MetricValue]
    href: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTable:
    """Table of a kind of model's own, with its picture."""

    table: OutcomeTable
    picture: Markup | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """File that rows of the day were read from, or that was rejected."""

    uri: str
    rows: int | None = None
    size: int | None = None
    checksum: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Named fact that the numbers depend on, such as the profile schema or a library's version."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineDays:
    """Baseline of some columns: its days, each with the version of its rows.

    Without a pin it is the baseline of the spec.
    """

    title: str
    columns: tuple[str, ...]
    asked: int
    days: Mapping[date, str]
    pin: BaselinePin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPage:
    """Content of the page of one day."""

    model: str
    state: PartitionState
    redone: tuple[date, ...] = ()
    description: str = ""
    owner: str = ""
    labels: Labels | None = None
    task: Task = DEFAULT
    own_metrics: tuple[str, ...] = ()
    policy: EvaluationPolicy = field(default_factory=EvaluationPolicy)
    alerts: tuple[Alert, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    checks: tuple[CheckOutcome, ...] = ()
    columns: tuple[ColumnRow, ...] = ()
    together: MetricValue | None = None
    metrics: tuple[MetricValue, ...] = ()
    trends: tuple[TrendChart, ...] = ()
    marks: Mapping[date, str] = field(default_factory=dict)
    versions: Versions | None = None
    feature_hrefs: Mapping[str, str] = field(default_factory=dict)
    performance: tuple[PerformanceDay, ...] = ()
    tables: tuple[ShownTable, ...] = ()
    fairness: tuple[ShownTable, ...] = ()
    quarantine: Mapping[str, int] = field(default_factory=dict)
    hours: RowsByHour | None = None
    requests: Requests | None = None
    captured: CaptureSummary | None = None
    attributions: Attributions | None = None
    files: tuple[ShownFile, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    baselines: tuple[BaselineDays, ...] = ()
    facts: tuple[Fact, ...] = ()
    left_out: tuple[str, ...] = ()
    evidently_href: str | None = None
    links: TraceLinks = field(default_factory=TraceLinks)
    index_href: str | None = None
    previous_href: str | None = None
    next_href: str | None = None


def render_day(page: DayPage) -> str:
    """Render a day's page: of a wide table the columns with the most drift; see `render_columns`."""
    verdicts = arrange(one for one in page.verdicts if is_declared(one.metric, page.labels))
    strengths = {name: strength(verdict, page.policy) for name, verdict in verdicts.drift.items()}
    columns = rank_columns(page.columns, page.verdicts, page.policy)
    checks = list_checks(page.checks, page.verdicts)
    return (
        _environment()
        .get_template("day.html.j2")
        .render(
            page=page,
            state=page.state,
            tone=tone_of(page.state, page.alerts, page.checks),
            headline=headline(page.state, page.alerts, page.checks, page.verdicts),
            columns=columns[:MOST_COLUMNS],
            column_verdicts=list(verdicts.known.items())[:MOST_COLUMNS],
            meters={name: _meter(found) for name, found in strengths.items() if found is not None},
            verdicts=verdicts,
            incidents=group_incidents(page.alerts),
            checks=checks[:_MOST_CHECKS],
            columns_href=COLUMNS if is_wide(page) else None,
            failed=list_failed(page.checks, page.alerts),
            metrics={metric.metric: metric for metric in page.metrics if metric.column is None},
            performance=sorted(page.performance, key=lambda day: day.day, reverse=True),
            performance_metrics=_daily_metrics(page),
            measured=_measured(page),
            estimates=page.task.estimates,
            unestimated=_unestimated(page),
            shifts=_shifts(page),
            tiles=_tiles(page),
            labels=page.labels,
            versions=page.versions,
            hours=page.hours,
            requests=page.requests,
            captured=page.captured,
            attributions=page.attributions,
            version_metrics=(
                *((ERROR_RATE,) if page.requests else ()),
                *page.task.output_metrics,
                LABEL_COVERAGE,
                *page.task.version_headline,
            ),
        )
    )


def is_wide(page: DayPage) -> bool:
    """Return whether a day has more columns or checks than its page shows."""
    return len(page.columns) > MOST_COLUMNS or len(page.checks) > _MOST_CHECKS


def render_columns(page: DayPage) -> str:
    """Render all columns and checks of a day as plain tables, for a day whose page does not show them all."""
    verdicts = arrange(page.verdicts)
    return render_page(
        "columns.html.j2",
        page=page,
        state=page.state,
        columns=rank_columns(page.columns, page.verdicts, page.policy),
        column_verdicts=list(verdicts.known.items()),
        verdicts=verdicts,
        checks=list_checks(page.checks, page.verdicts),
        labels=page.labels,
        day_href=DAY,
    )


def rank_columns(
    columns: Sequence[ColumnRow], verdicts: Sequence[Verdict], policy: EvaluationPolicy
) -> list[ColumnRow]:
    """Sort columns: drifted ones first, then by effect size; those without enough data last."""
    drift = arrange(verdicts).drift
    strengths = {name: strength(verdict, policy) for name, verdict in drift.items()}
    return sorted(columns, key=lambda row: _drift_rank(row, drift, strengths))


def render_page(template: str, **content: object) -> str:
    """Render another page from its template and content."""
    return _environment().get_template(template).render(**content)


def is_declared(metric: str, labels: Labels | None) -> bool:
    """Return whether the spec declares what a metric is about: a share of excluded rows needs their outcomes."""
    return metric != EXCLUDED_SHARE or bool(labels and labels.excluded)


def _tiles(page: DayPage) -> tuple[str, ...]:
    """Return the metrics of a day's tiles: outputs and labels, without performance, which has a table."""
    task = page.task
    of_labels = (name for name in task.label_metrics if is_declared(name, page.labels))
    return (
        SAMPLING_FRACTION,
        NULL_RATE,
        *task.output_metrics,
        *(name for name in of_labels if not METRICS[name].is_performance),
        *LABEL_METRICS,
        # without labels there is no such table
        *(() if page.labels else page.own_metrics),
    )


def _unestimated(page: DayPage) -> str:
    """Return why performance could not be estimated without labels; empty if it could."""
    estimates = [value for value in page.metrics if value.metric in page.task.estimates.values()]
    return "" if any(value.value is not None for value in estimates) else next((v.reason for v in estimates), "")


def _shifts(page: DayPage) -> str:
    """Say what moved, in one line."""
    verdicts = {one.metric: one for one in page.verdicts if one.column is None and one.segment is None}
    return shift_text({value.metric: value for value in page.metrics if value.column is None}, verdicts)


def _daily_metrics(page: DayPage) -> tuple[str, ...]:
    """Return the metrics of labels that are shown day by day: of performance, those that are evaluated."""
    shown = {*page.task.evaluated, *page.policy.metrics}
    known = [name for name in page.task.label_metrics if is_declared(name, page.labels)]
    daily = tuple(name for name in known if name in shown or not METRICS[name].is_performance)
    gap = (ESTIMATION_GAP,) if any(ESTIMATION_GAP in day.metrics for day in page.performance) else ()
    return (*daily, *gap, *page.own_metrics)


def _measured(page: DayPage) -> list[MetricValue]:
    """Return every metric of performance of the day, those without a value last, and before labels the estimates."""
    found = {value.metric: value for value in page.metrics if value.column is None}
    names = (*page.task.label_metrics, *page.own_metrics)
    measured = [found[name] for name in names if name in found and METRICS[name].is_performance]
    others = [found[name] for name in (ESTIMATION_GAP, *page.task.estimates.values()) if name in found]
    has_labels = any(value.value is not None for value in measured)
    shown = [*measured, *others] if has_labels else [value for value in others if value.value is not None]
    return sorted(shown, key=lambda value: value.value is None)


def _drift_rank(
    row: ColumnRow, drift: Mapping[str, Verdict], strengths: Mapping[str, float | None]
) -> tuple[int, float, str]:
    """Return the sort key: drifted columns first, then by effect size; those without enough data last."""
    column = str(row.score.column)
    verdict = drift.get(column)
    order = {VerdictState.BREACH: 0, VerdictState.OK: 1}.get(verdict.state, 2) if verdict else 2
    return order, -(strengths.get(column) or 0.0), column


def _meter(found: float) -> Mapping[str, float]:
    """Return the positions of an effect size and the smallest that counts on a bar, in percent of its length."""
    found = min(found, _LONGEST_METER)
    full = max(2, found)
    return {"effect": round(100 * found / full, 1), "smallest": round(100 / full, 1)}


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # autoescape is set explicitly: select_autoescape decides by the file ending and does not know .j2
    environment = Environment(
        loader=PackageLoader("airflow_mlmon.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        name=wording.name_text,
        day=wording.day_text,
        count=wording.count_text,
        value=wording.value_text,
        new_values=new_values_text,
        cell=wording.cell_text,
        beside_value=wording.measured_texts,
        metric=metric_title,
        basis=wording.basis_text,
        state=wording.state_text,
        expected=wording.expected_text,
        beside=wording.beside_text,
        effect=wording.effect_text,
        effect_measure=wording.effect_measure_text,
        p=wording.p_text,
        p_equation=wording.p_equation_text,
        subject=subject_title,
        incidents=group_incidents,
        bytes=wording.bytes_text,
        runs=wording.version_runs,
    )
    environment.globals.update(NONE=wording.NONE, NOT_ENOUGH=wording.NOT_ENOUGH, SHOWN=_SHOWN)
    return environment
