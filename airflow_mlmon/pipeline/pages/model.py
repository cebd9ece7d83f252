"""Content of a model's page, from its spec and the store alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from airflow_mlmon.drift.versions import CategoryCounts, version_marks
from airflow_mlmon.lifecycle.tracked_incidents import group_tracked
from airflow_mlmon.partition import DAY, date_range, day_of
from airflow_mlmon.pipeline.baselines.in_force import BaselineEntry, EntryState, list_baselines
from airflow_mlmon.pipeline.baselines.versions import version_counts, version_of
from airflow_mlmon.pipeline.deciding.staleness import stale_days
from airflow_mlmon.pipeline.pages.card import card_of
from airflow_mlmon.pipeline.pages.trends import shown_states, trend_charts
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Alert, MetricValue, PartitionState, Verdict, VerdictState
from airflow_mlmon.reports.feature import feature_file
from airflow_mlmon.reports.heat import MAX_COLUMNS, HeatMap, heat_map
from airflow_mlmon.reports.model import (
    SHOWN_DAYS,
    BaselineLine,
    EarlierDay,
    ModelDay,
    ModelPage,
    SegmentRow,
    ServedVersion,
    index_metrics,
)
from airflow_mlmon.reports.page import DAY as PAGE
from airflow_mlmon.spec.metrics import DRIFT, DRIFTED_COLUMNS, MULTIVARIATE, ROWS
from airflow_mlmon.tasks.registry import task_of

_MOST_SEGMENTS = 60


def model_page(run: Run, *, now: datetime | None = None, written: Collection[str] | None = None) -> ModelPage:
    """Collect the content of a model's page: the last 90 days with their values, and those before by month.

    Args:
        run: the model; its workspace is not read.
        now: time against which the last day is late; None for a page that is kept.
        written: names of the pages of columns that are kept beside it, which alone it links to; None for those of
            all columns.
    """
    last = run.store.last_evaluated_day(run.model)
    page = ModelPage(
        model=run.model,
        days=(),
        description=run.spec.description,
        owner=run.spec.owner,
        labels=run.spec.labels,
        task=task_of(run.spec),
        incidents=tuple(group_tracked(run.store.unresolved_alerts((run.model,)))),
        lateness=_lateness(run, last, now),
        baselines=_baselines(run, run.spec.start if last is None else last + DAY),
        card=card_of(run),
    )
    if last is None:
        return page
    since = last - timedelta(days=SHOWN_DAYS - 1)
    states = [state for state in shown_states(run, since, last) if state.evaluated]
    counts = version_counts(run, date.min, last)
    marks = {day: mark for day, mark in version_marks(counts).items() if day >= since}
    metrics = run.store.metric_values(states[-1].partition) if run.spec.segments else ()
    verdicts = run.store.verdicts(states[-1].partition)
    columns = run.store.most_breached(run.model, DRIFT, states[0].partition.day, last)
    return replace(
        page,
        days=_days(run, states, since, last),
        earlier=_earlier(run, since),
        trends=trend_charts(run, last, marks, verdicts, days=(last - states[0].partition.day).days + 1),
        marks=marks,
        heat=_heat(run, states, columns),
        versions=_versions({day: found for day, found in counts.items() if day >= states[0].partition.day}, last),
        segments=_segments(run, metrics, verdicts),
        feature_hrefs={
            column: file
            for column in columns
            if (file := feature_file(column)) and (written is None or file in written)
        },
    )


def _lateness(run: Run, last: date | None, now: datetime | None) -> str:
    """Say how many days are missing, or, without a time, when the next one is due."""
    following = run.spec.start if last is None else last + DAY
    if run.spec.end is not None and following > run.spec.end:
        return f"Monitoring has ended: {run.spec.end} was the last day."
    if now is None:
        return f"The next day to be evaluated is {following}, once it is over."
    late = (day_of(now, run.spec.day_zone) - following).days
    if late < 1:
        return "Up to date: the last day that is over is evaluated."
    return f"{late} {'day' if late == 1 else 'days'} late: {following} is over and not evaluated."


def _days(run: Run, states: Sequence[PartitionState], since: date, last: date) -> tuple[ModelDay, ...]:
    alerts: dict[date, list[Alert]] = {}
    for alert in run.store.alerts(run.model, since, last):
        alerts.setdefault(alert.partition.day, []).append(alert)
    stale = stale_days(run, since, last)
    shown = (DRIFTED_COLUMNS, MULTIVARIATE, *index_metrics(task_of(run.spec)))
    values: dict[date, dict[str, MetricValue]] = {}
    for (day, name), value in run.store.measured(run.model, since, last, shown).items():
        values.setdefault(day, {})[name] = value
    return tuple(
        ModelDay(
            state=state,
            href=f"{state.partition.key}/{PAGE}",
            drifted=_whole(values.get(state.partition.day, {}).get(DRIFTED_COLUMNS)),
            metrics=values.get(state.partition.day, {}),
            is_stale=state.partition.day in stale,
            alerts=tuple(alerts.get(state.partition.day, ())),
        )
        for state in states
    )


def _earlier(run: Run, before: date) -> tuple[EarlierDay, ...]:
    found = run.store.past_days((run.model,), date.min, before - DAY).get(run.model, {})
    return tuple(EarlierDay(day=day, status=past.status, alerts=past.alerts) for day, past in found.items())


def _heat(run: Run, states: Sequence[PartitionState], columns: Sequence[str]) -> HeatMap | None:
    """Return the drift of the days, from the first to the last."""
    first, last = states[0].partition.day, states[-1].partition.day
    # of a wide table only those that are drawn are read
    shown = [(DRIFT, column) for column in columns[:MAX_COLUMNS]]
    verdicts = run.store.subject_verdicts(run.model, first, last, shown)
    hrefs = {state.partition.day: f"{state.partition.key}/{PAGE}" for state in states}
    heat = heat_map(date_range(first, last), verdicts, hrefs, run.spec.alerts.evaluation)
    return heat and replace(heat, left_out=len(columns) - len(shown))


def _versions(counts: Mapping[date, CategoryCounts], last: date) -> tuple[ServedVersion, ...]:
    """Return the versions that served, the last to appear first."""
    served: dict[str, list[date]] = {}
    for day in sorted(counts):
        for name, rows in counts[day].items():
            if rows:
                served.setdefault(name, []).append(day)
    total = sum(counts.get(last, {}).values())
    found = [
        ServedVersion(
            name=name,
            first=days[0],
            last=days[-1],
            days=len(days),
            share=counts.get(last, {}).get(name, 0) / total if total else 0.0,
        )
        for name, days in served.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.first, one.name), reverse=True))


def _segments(run: Run, metrics: Sequence[MetricValue], verdicts: Sequence[Verdict]) -> tuple[SegmentRow, ...]:
    """Return the segments of the last day, those with drifted columns first, then by rows; no versions."""
    values: dict[str, dict[str, MetricValue]] = {}
    for value in metrics:
        if value.segment is not None and value.column is None and version_of(run.spec, value.segment) is None:
            values.setdefault(value.segment, {})[value.metric] = value
    drifted: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.segment in values and verdict.metric == DRIFT and verdict.state is VerdictState.BREACH:
            drifted.setdefault(str(verdict.segment), []).append(str(verdict.column))
    total = next((value.value for value in metrics if value.key == (ROWS, None, None)), None)
    found = [
        SegmentRow(
            name=name,
            rows=rows,
            share=rows / total if total else 0.0,
            drifted=tuple(drifted.get(name, ())),
            metrics=own,
        )
        for name, own in values.items()
        if ROWS in own and (rows := int(own[ROWS].value or 0))
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.drifted), -one.rows, one.name))[:_MOST_SEGMENTS])


def _baselines(run: Run, day: date) -> tuple[BaselineLine, ...]:
    """Return the baselines of the next day, and the accepted ones that they replaced, the newest first."""
    newest = list_baselines(run.spec, run.store.baselines(run.model), day)[::-1]
    order = (EntryState.IN_FORCE, EntryState.TO_COME, EntryState.REPLACED)
    return tuple(_line_of(entry) for entry in sorted(newest, key=lambda one: order.index(one.state)))


def _line_of(entry: BaselineEntry) -> BaselineLine:
    pin = entry.pin
    return BaselineLine(
        title=entry.baseline.title(),
        subject=f"version {entry.version}" if entry.version else entry.column or "",
        state=entry.state.value,
        first=pin.first if pin else None,
        who=pin.who if pin else "",
        why=pin.why if pin else "",
        accepted_at=pin.accepted_at if pin else None,
    )


def _whole(measured: MetricValue | None) -> int | None:
    return None if measured is None or measured.value is None else int(measured.value)
