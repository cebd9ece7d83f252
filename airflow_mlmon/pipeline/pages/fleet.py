"""Content of the pages of all models, from the store alone.

The status and the order of all models are read first, which takes few rows of each; the results of days are read for
the models of one page only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import DAY, date_range, day_of
from airflow_mlmon.profiles.keys import column_value
from airflow_mlmon.records import AlertState, MetricValue, PartitionState, Status
from airflow_mlmon.reports.fleet import (
    PAGE_ROWS,
    FleetPage,
    FleetRow,
    FleetView,
    ModelStatus,
    ViewKind,
    page_numbers,
)
from airflow_mlmon.reports.strip import StripDay
from airflow_mlmon.spec.choices import CRITICAL
from airflow_mlmon.spec.metrics import DRIFT, DRIFTED_COLUMNS, LABEL_COVERAGE, ROWS
from airflow_mlmon.store.across_models import DatedValue, DayStatus, OpenAlerts
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.tasks.registry import METRICS, TASKS

STRIP_DAYS = 28
# a day is evaluated in the night after it, or in the next one if its files come late
_GRACE_DAYS = 1
# labels may come weeks late
_HEADLINE_DAYS = 90
_NO_DATA = frozenset({Status.NO_DATA, Status.QUARANTINED})
_NOT_OPEN = frozenset({AlertState.ACKNOWLEDGED, AlertState.MUTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All models, worst first, without the results of their days.

    Attributes:
        at: Time of which it is true.
    """

    rows: tuple[FleetRow, ...]
    at: datetime

    def views(self, kind: ViewKind) -> tuple[FleetView, ...]:
        """Return the selections of a kind: statuses the worst first, owners and tags by name."""
        if kind is ViewKind.ALL:
            return (FleetView(models=len(self.rows)),)
        counts: dict[str, int] = {}
        for row in self.rows:
            for value in _values(row, kind):
                counts[value] = counts.get(value, 0) + 1
        order = [status for status in ModelStatus if status in counts] if kind is ViewKind.STATUS else sorted(counts)
        return tuple(FleetView(kind=kind, value=value, models=counts[value]) for value in order)

    def find(self, name: str) -> tuple[FleetView, int] | None:
        """Find the selection and the number of the page that is in a file of this name; None if there is none."""
        for kind in ViewKind:
            for view in self.views(kind):
                for number in range(1, page_numbers(self.select(view)) + 1):
                    if view.file(number) == name:
                        return view, number
        return None

    def select(self, view: FleetView) -> list[FleetRow]:
        """Return the models of a selection, worst first."""
        return [row for row in self.rows if view.holds(row)]


def read_fleet(
    store: MetricStore,
    now: datetime,
    *,
    models: Collection[str] | None = None,
    broken: Iterable[RegisteredModel] = (),
) -> Fleet:
    """Read the status of all models.

    Args:
        store: the metric store.
        now: time against which models are late.
        models: names of the only models to read; None for all.
        broken: models that the store does not know, or whose specs cannot be loaded since.
    """
    registered = {found.model: found for found in store.registered()}
    for found in broken:
        known = registered.get(found.model, found)
        registered[found.model] = replace(known, error=found.error)
    last, evaluated, alerts = store.last_runs(), store.last_runs(is_completed=True), store.open_alerts()
    rows = [
        _row(found, last.get(name), evaluated.get(name), alerts.get(name, OpenAlerts()), now)
        for name, found in registered.items()
        if models is None or name in models
    ]
    return Fleet(rows=tuple(sorted(rows, key=_rank)), at=now)


def fleet_page(store: MetricStore, fleet: Fleet, view: FleetView | None = None, number: int = 1) -> FleetPage:
    """Collect the content of one page of a selection of models."""
    view = view or fleet.views(ViewKind.ALL)[0]
    rows = fleet.select(view)
    shown = fill_rows(store, rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS])
    return arrange_page(fleet, view, shown, number=number, pages=page_numbers(rows))


def arrange_page(fleet: Fleet, view: FleetView, shown: Sequence[FleetRow], *, number: int, pages: int) -> FleetPage:
    """Return a page with rows that have their results."""
    return FleetPage(
        view=view,
        rows=tuple(shown),
        at=fleet.at,
        number=number,
        pages=pages,
        statuses=fleet.views(ViewKind.STATUS),
        owners=fleet.views(ViewKind.OWNER),
        tags=fleet.views(ViewKind.TAG),
        alerts=sum(row.alerts.open for row in fleet.rows),
    )


def fill_rows(store: MetricStore, rows: Sequence[FleetRow]) -> list[FleetRow]:
    """Add the results of the last days to rows."""
    if not rows:
        return []
    names = [row.model for row in rows]
    days = {row.model: row.evaluated.partition.day for row in rows if row.evaluated is not None}
    window = min(row.expected for row in rows) - (STRIP_DAYS - 1) * DAY, max(row.expected for row in rows)
    past = store.past_days(names, *window)
    values = store.values_on(days, (DRIFTED_COLUMNS,))
    columns = store.measured_columns(days, DRIFT)
    verdicts = store.verdicts_on(days, ROWS)
    headlines = read_headlines(store, rows, days)
    coverages = read_coverages(store, headlines)
    versions = _versions(store, rows, days)
    causes = _causes(store.unresolved_alerts(names))
    filled = []
    for row in rows:
        name = row.model
        drifted = values.get(name, {}).get(DRIFTED_COLUMNS)
        filled.append(
            replace(
                row,
                causes=causes.get(name, ()),
                strip=_strip(row, past.get(name, {})),
                rows=verdicts.get(name),
                drifted=None if drifted is None or drifted.value is None else int(drifted.value),
                columns=columns.get(name),
                headline=headlines.get(name),
                coverage=coverages.get(name),
                versions=versions.get(name, ()),
            )
        )
    return filled


def _row(
    found: RegisteredModel,
    last: PartitionState | None,
    evaluated: PartitionState | None,
    alerts: OpenAlerts,
    now: datetime,
) -> FleetRow:
    yesterday = day_of(now, found.zone) - DAY
    row = FleetRow(
        registered=found,
        expected=yesterday,
        last=last,
        evaluated=evaluated,
        late=_lateness(found, evaluated, yesterday) if _is_monitored(found, yesterday) else 0,
        alerts=alerts,
    )
    status, reason = _status(row)
    return replace(row, status=status, reason=reason)


def _is_monitored(found: RegisteredModel, day: date) -> bool:
    return (found.start is None or found.start <= day) and (found.end is None or day <= found.end)


def _lateness(found: RegisteredModel, evaluated: PartitionState | None, yesterday: date) -> int:
    """Return the number of days up to yesterday that are not evaluated, since the last one that is."""
    if evaluated is not None:
        return max(0, (yesterday - evaluated.partition.day).days)
    return 0 if found.start is None else (yesterday - found.start).days + 1


def _status(row: FleetRow) -> tuple[ModelStatus, str]:
    """Return the status of a model, and its reason."""
    found, last, evaluated = row.registered, row.last, row.evaluated
    if found.error:
        # a mistake a line
        return ModelStatus.BROKEN, "; ".join(found.error.splitlines())
    if not _is_monitored(found, row.expected):
        has_ended = found.end is not None and found.end < row.expected
        return ModelStatus.INACTIVE, f"Ended on {found.end}." if has_ended else f"Starts on {found.start}."
    if last is not None and last.status is Status.FAILED and (row.expected - last.partition.day).days <= _GRACE_DAYS:
        return ModelStatus.FAILED, last.message or "The run failed."
    if evaluated is None or row.late > _GRACE_DAYS:
        since = f" since {evaluated.partition.day}" if evaluated else ""
        return ModelStatus.SILENT, f"No day evaluated{since or ' yet'}."
    return _status_of_day(evaluated, row.alerts), evaluated.message


def _status_of_day(evaluated: PartitionState, alerts: OpenAlerts) -> ModelStatus:
    is_known = alerts.acknowledged + alerts.muted > 0
    if alerts.open or (evaluated.status in _NO_DATA and not is_known):
        return ModelStatus.ALERTING
    return ModelStatus.HEALTHY if evaluated.status is Status.OK and not is_known else ModelStatus.NOTICE


def _rank(row: FleetRow) -> tuple[int, int, int, int, str]:
    return (
        list(ModelStatus).index(row.status),
        -row.late if row.status is ModelStatus.SILENT else 0,
        -row.alerts.critical,
        -row.alerts.open,
        row.model,
    )


def _values(row: FleetRow, kind: ViewKind) -> tuple[str, ...]:
    if kind is ViewKind.STATUS:
        return (row.status,)
    if kind is ViewKind.OWNER:
        return (row.registered.owner,) if row.registered.owner else ()
    return tuple(dict.fromkeys(tag for tag in row.registered.tags if tag))


def _strip(row: FleetRow, past: Mapping[date, DayStatus]) -> tuple[StripDay | None, ...]:
    found = row.registered
    strip: list[StripDay | None] = []
    for day in date_range(row.expected - (STRIP_DAYS - 1) * DAY, row.expected):
        if day in past:
            strip.append(StripDay(day=day, status=past[day].status, alerts=past[day].alerts))
        else:
            strip.append(StripDay(day=day) if _is_monitored(found, day) else None)
    return tuple(strip)


def read_headlines(store: MetricStore, rows: Sequence[FleetRow], days: Mapping[str, date]) -> dict[str, DatedValue]:
    """Read the last value of the first metric of each model's task that has one."""
    wanted = {row.model: _headline_metrics(row.registered.task) for row in rows if row.model in days}
    last = max(row.expected for row in rows)
    return store.latest_values(wanted, last - _HEADLINE_DAYS * DAY, last)


def _headline_metrics(task: str) -> tuple[str, ...]:
    """Return the metrics of a task, the one that says most first: of performance, else of the outputs."""
    if task not in TASKS:
        return ()
    of_labels = [name for name in TASKS[task].contrasts if METRICS[name].needs_labels][:2]
    return (*of_labels, *(name for name in TASKS[task].headline if not METRICS[name].needs_labels))


def read_coverages(store: MetricStore, headlines: Mapping[str, DatedValue]) -> dict[str, MetricValue]:
    """Read the label coverage of the day of each model's headline."""
    found = store.values_on({model: headline.day for model, headline in headlines.items()}, (LABEL_COVERAGE,))
    return {model: values[LABEL_COVERAGE] for model, values in found.items()}


def _versions(
    store: MetricStore, rows: Sequence[FleetRow], days: Mapping[str, date]
) -> dict[str, tuple[tuple[str, float], ...]]:
    columns = {row.model: row.registered.version_column for row in rows if row.registered.version_column}
    segments = store.segments_on({name: day for name, day in days.items() if name in columns})
    found = {}
    for model, counts in segments.items():
        versions = {
            value: rows_of
            for segment, rows_of in counts.items()
            if (value := column_value(columns[model], segment)) is not None and rows_of
        }
        total = sum(versions.values())
        ordered = sorted(versions.items(), key=lambda item: (-item[1], item[0]))
        found[model] = tuple((name, count / total) for name, count in ordered)
    return found


def _causes(alerts: Iterable[TrackedAlert]) -> dict[str, tuple[str, ...]]:
    """Return the likely causes of the open alerts by model: those of critical ones first, then the newest."""
    found: dict[str, list[TrackedAlert]] = {}
    for alert in alerts:
        if alert.state not in _NOT_OPEN:
            found.setdefault(alert.model, []).append(alert)
    return {
        model: tuple(
            dict.fromkeys(
                alert.cause or alert.title
                for alert in sorted(of_model, key=lambda one: (one.severity != CRITICAL, -one.since.toordinal()))
            )
        )
        for model, of_model in found.items()
    }
