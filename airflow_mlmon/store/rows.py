"""Conversion of records to rows of the tables, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.causes import Cause
from airflow_mlmon.errors import DataError
from airflow_mlmon.lifecycle.states import Episode, Lifecycle
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.partition import Partition
from airflow_mlmon.records import (
    Alert,
    AlertState,
    Arrival,
    CheckOutcome,
    Delivery,
    DriftDetail,
    Family,
    MetricValue,
    MultivariateDetail,
    PartitionState,
    Status,
    SubjectKey,
    Verdict,
    VerdictState,
)
from airflow_mlmon.spec.choices import Severity

Row = dict[str, Any]
_EPISODE = (
    "since",
    "opened",
    "severity",
    "reopens",
    "worsened_on",
    "acknowledged_on",
    "acknowledged_by",
    "resolved_on",
    "resolved_by",
    "muted_until",
)
_ARRIVAL = ("files", "labels_delivered", "delay_hours", "delay_reason")
_MEASURED = ("value", "low", "high", "constant")
# thousands a day of a wide table, of plain values that need no deep copy
_VERDICT, _CHECK, _DRIFT = (tuple(item.name for item in fields(of)) for of in (Verdict, CheckOutcome, DriftDetail))
_STATES = {state.value: state for state in VerdictState}
_DAY_COUNTS = ("rows_read", "rows_accepted", "rows_quarantined")


def key_of(partition: Partition, family: Family | None = None) -> Row:
    """Return the key columns of a partition, or of one family of its results."""
    key: Row = {"model": partition.model, "day": partition.day}
    return key if family is None else {**key, "family": family.value}


def is_of(table: sa.Table, key: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    """Write the condition that a row of `table` has that key."""
    return sa.and_(*(table.c[name] == value for name, value in key.items()))


def subject_of(row: sa.Row[*tuple[Any, ...]]) -> SubjectKey:
    """Return the subject of a row with the columns metric, column and segment."""
    return row.metric, row.column or None, row.segment or None


def day_row(state: PartitionState) -> Row:
    """Convert the record of a partition to a row."""
    return {
        **key_of(state.partition),
        "start": state.partition.start,
        "end": state.partition.end,
        "zone": state.partition.zone,
        "status": state.status.value,
        "version": state.version,
        "schema": state.schema,
        **{name: getattr(state, name) for name in _DAY_COUNTS},
        "message": state.message,
        "evaluated": state.evaluated,
        "causes": json.dumps([asdict(cause) for cause in state.causes]),
        **_arrival_row(state.arrival),
    }


def partition_of(row: sa.Row[Any]) -> PartitionState:
    """Convert a row to the record of a partition."""
    stored = row._mapping  # noqa: SLF001 - SQLAlchemy's public access to columns by name
    return PartitionState(
        partition=Partition(stored["model"], stored["start"], stored["end"], stored["zone"]),
        status=Status(stored["status"]),
        version=stored["version"],
        schema=stored["schema"],
        message=stored["message"],
        evaluated=stored["evaluated"],
        arrival=_arrival_of(stored),
        causes=tuple(map(Cause.from_dict, json.loads(stored["causes"] or "[]"))),
        log=stored["log"] or "",
        **{name: stored[name] for name in _DAY_COUNTS},
    )


def _arrival_row(arrival: Arrival | None) -> Row:
    return {
        "arrived": arrival.status.value if arrival else None,
        "arrived_message": arrival.message if arrival else None,
        **{name: getattr(arrival, name) if arrival else None for name in _ARRIVAL},
    }


def _arrival_of(stored: sa.RowMapping) -> Arrival | None:
    if stored["arrived"] is None:
        return None
    kept = {name: stored[name] for name in _ARRIVAL}
    return Arrival(status=Status(stored["arrived"]), message=stored["arrived_message"], **kept)


def base_rows(partition: Partition, bases: Mapping[date, str]) -> list[Row]:
    """Convert the versions that the verdicts of a partition rest on to rows."""
    return [{**key_of(partition), "base": day, "version": version} for day, version in bases.items()]


def metric_rows(key: Row, metrics: Iterable[MetricValue]) -> list[Row]:
    """Convert metrics to rows."""
    return [
        {
            **key,
            "metric": metric.metric,
            "column": metric.column or "",
            "segment": metric.segment or "",
            **{name: _finite(getattr(metric, name), metric.metric, metric.column) for name in _MEASURED},
            "rows": int(metric.rows),
            "detail": written(_detail(metric), f"{metric.metric} of {metric.column or 'all columns'}: detail"),
        }
        for metric in metrics
    ]


def metric_of(row: sa.Row[*tuple[Any, ...]]) -> MetricValue:
    """Convert a row of the whole table to a metric."""
    # thousands on a page of ninety days, most of them without details: by place, as by name takes twice as long
    _, _, _, metric, column, segment, value, rows, written_detail, low, high, constant = row
    found = MetricValue(
        metric=metric,
        column=column or None,
        segment=segment or None,
        value=value,
        rows=rows,
        low=low,
        high=high,
        constant=constant,
    )
    return found if written_detail == "{}" else _with_detail(found, json.loads(written_detail))


def _with_detail(metric: MetricValue, detail: Mapping[str, Any]) -> MetricValue:
    return replace(
        metric,
        reason=detail.get("reason", ""),
        withheld=detail.get("withheld", ""),
        error_bound=detail.get("bound"),
        drift=_drift_of(detail),
        multivariate=_multivariate_of(detail),
        new_values=tuple((name, rows) for name, rows in detail.get("new_values", ())),
    )


def _detail(metric: MetricValue) -> Row:
    """Collect the optional details of a value; those that it lacks are not written."""
    seldom: Row = {"reason": metric.reason, "withheld": metric.withheld, "bound": metric.error_bound}
    seldom["new_values"] = metric.new_values
    held = {name: said for name, said in seldom.items() if said not in ("", None, ())}
    held |= {name: getattr(metric.drift, name) for name in _DRIFT} if metric.drift else {}
    return held | (asdict(metric.multivariate) if metric.multivariate else {})


def _drift_of(detail: Mapping[str, Any]) -> DriftDetail | None:
    if "method" not in detail:
        return None
    return DriftDetail(**{item.name: detail[item.name] for item in fields(DriftDetail) if item.name in detail})


def _multivariate_of(detail: Mapping[str, Any]) -> MultivariateDetail | None:
    if "strongest" not in detail:
        return None
    # the first release kept pairs by name, and how many rows the classifier saw only in a file
    strongest = sorted(dict(detail["strongest"]).items(), key=lambda pair: -pair[1])
    rows_reference = detail.get("rows_reference")
    return MultivariateDetail(rows_reference=rows_reference, strongest=tuple(strongest), note=detail["note"])


def verdict_rows(key: Row, verdicts: Sequence[Verdict]) -> list[Row]:
    """Convert verdicts to rows, in their order."""
    return [
        {
            **key,
            **{name: getattr(verdict, name) for name in _VERDICT},
            "position": position,
            "column": verdict.column or "",
            "segment": verdict.segment or "",
            "state": verdict.state.value,
            **{
                name: _finite(getattr(verdict, name), verdict.metric, verdict.column)
                for name in ("value", "low", "high", "deviations", "p_value", "effect", "expected")
            },
        }
        for position, verdict in enumerate(verdicts)
    ]


def verdict_of(row: sa.Row[*tuple[Any, ...]]) -> Verdict:
    """Convert a row of the whole table to a verdict."""
    # by place, as `metric_of`
    _, _, _, _, metric, column, segment, value, state, low, high, rule, history, deviations, *others = row
    note, severity, p_value, effect, expected = others
    return Verdict(
        metric=metric,
        column=column or None,
        segment=segment or None,
        value=value,
        state=_STATES[state],
        low=low,
        high=high,
        rule=rule,
        history=history,
        deviations=deviations,
        note=note,
        severity=severity,
        p_value=p_value,
        effect=effect,
        expected=expected,
    )


def check_rows(key: Row, checks: Sequence[CheckOutcome]) -> list[Row]:
    """Convert check outcomes to rows, in their order."""
    return [
        {
            **key,
            **{name: getattr(check, name) for name in _CHECK},
            "position": position,
            "column": check.column or "",
            "severity": check.severity.value,
        }
        for position, check in enumerate(checks)
    ]


def check_of(row: sa.Row[Any]) -> CheckOutcome:
    """Convert a row to a check outcome."""
    return CheckOutcome(
        expectation=row.expectation,
        column=row.column or None,
        severity=Severity(row.severity),
        passed=row.passed,
        rows=row.rows,
        unexpected=row.unexpected,
        observed=row.observed,
        expected=row.expected,
        error=row.error,
    )


def alert_row(alert: Alert) -> Row:
    """Convert an alert to a row."""
    return {
        **key_of(alert.partition, alert.family),
        "fingerprint": alert.fingerprint,
        "metric": alert.metric,
        "column": alert.column or "",
        "segment": alert.segment or "",
        "severity": alert.severity,
        "title": alert.title,
        "text": alert.text,
        "cause": alert.cause,
        **{name: _finite(getattr(alert, name), alert.metric, alert.column) for name in ("value", "p_value", "effect")},
    }


def alert_of(row: sa.Row[Any]) -> Alert:
    """Convert a row with start, end and zone of its partition to an alert."""
    stored = row._mapping  # noqa: SLF001 - SQLAlchemy's public access to columns by name
    return Alert(
        partition=Partition(stored["model"], stored["start"], stored["end"], stored["zone"]),
        family=Family(stored["family"]),
        metric=stored["metric"],
        column=stored["column"] or None,
        segment=stored["segment"] or None,
        severity=stored["severity"],
        title=stored["title"],
        text=stored["text"],
        value=stored["value"],
        p_value=stored["p_value"],
        effect=stored["effect"],
        cause=stored["cause"],
    )


def episode_rows(key: Row, lifecycle: Lifecycle) -> list[Row]:
    """Convert an alert's episodes to rows; the last one holds the day on which the alert settled."""
    rows = [
        {
            **key,
            **{name: getattr(episode, name) for name in _EPISODE},
            "state": episode.state.value,
            "last_breached": episode.days[-1],
            "days": len(episode.days),
            "settled_on": None,
        }
        for episode in lifecycle.episodes
    ]
    if rows:
        rows[-1]["settled_on"] = lifecycle.settled_on
    return rows


def episode_of(row: sa.Row[Any]) -> Episode:
    """Convert a row to an episode, of whose breaching days only the first and the last are stored."""
    stored = row._mapping  # noqa: SLF001 - SQLAlchemy's public access to columns by name
    kept = {name: stored[name] for name in _EPISODE}
    return Episode(**kept, days=(row.since, row.last_breached), state=AlertState(row.state))


def tracked_of(row: sa.Row[Any]) -> TrackedAlert:
    """Convert a row with the text of its last breach to a tracked alert."""
    stored = row._mapping  # noqa: SLF001 - SQLAlchemy's public access to columns by name
    kept = {item.name: stored[item.name] for item in fields(TrackedAlert)}
    return TrackedAlert(
        **{**kept, "column": row.column or None, "segment": row.segment or None, "state": AlertState(row.state)}
    )


def delivery_row(delivery: Delivery) -> Row:
    """Convert a delivery of labels to a row."""
    return {
        **key_of(delivery.partition),
        "start": delivery.partition.start,
        "end": delivery.partition.end,
        "zone": delivery.partition.zone,
        "version": delivery.version,
        "uri": delivery.uri,
        "rows": delivery.rows,
        "listing": delivery.listing,
    }


def delivery_of(row: sa.Row[Any]) -> Delivery:
    """Convert a row to a delivery."""
    return Delivery(
        partition=Partition(row.model, row.start, row.end, row.zone),
        version=row.version,
        uri=row.uri,
        rows=row.rows,
        listing=row.listing,
    )


def written(facts: Mapping[str, Any], what: str) -> str:
    """Encode facts as JSON; equal facts give equal text."""
    try:
        return json.dumps(dict(facts), sort_keys=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} cannot be written as JSON: {error}.") from error


def _finite(value: float | None, metric: str, column: str | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise DataError(
            f"{metric} of {column or 'the partition'} is {value}, which cannot be stored.",
            hint="use None for a missing value",
        )
    return None if value is None else float(value)
