"""Stored results of an alert by day: it breached, or it was evaluated and healthy.

A day on which its metric had not enough data counts for nothing. One without a verdict on it is healthy if others
were evaluated: a rule that left the spec, or a segment that was not tested because its column was healthy.
Every function works inside the transaction of its caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa

from airflow_mlmon.causes import CauseKind
from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.records import Family, Status, VerdictState
from airflow_mlmon.spec.metrics import CHECK_PREFIX, STATUS, STATUS_PREFIX
from airflow_mlmon.store import schema
from airflow_mlmon.store.schema import BreachState

_CHECKS, _ARRIVED, _LABELS = "checks", "arrived", "delivered"
_READ = frozenset(
    {"fingerprint", "metric", "column", "segment", "day", "family", "severity", "state", "expectation", "passed"}
)
# far below the 32,766 values that SQLite accepts in a statement
_BATCH = 500

Subject = tuple[str, str, str]


@dataclass(kw_only=True, slots=True)
class Sightings:
    """Results of one alert by day.

    Attributes:
        subject: Metric, column and segment.
        severities: Severities of its breaches, by day.
        families: Families of the results that breached, by day.
        healthy: Days on which it was evaluated and healthy.
    """

    subject: Subject
    severities: dict[date, str] = field(default_factory=dict)
    families: dict[date, Family] = field(default_factory=dict)
    healthy: set[date] = field(default_factory=set)

    @property
    def by_day(self) -> dict[date, str | None]:
        """Return the severity of each breaching day, and None for each healthy one."""
        return {**dict.fromkeys(self.healthy), **self.severities}


def sightings_of(connection: sa.Connection, model: str, fingerprints: Collection[str]) -> dict[str, Sightings]:
    """Read the results of each alert, from its first breach on."""
    found: dict[str, Sightings] = {}
    table = schema.alerts
    for row in _rows(connection, table, model, table.c.fingerprint, fingerprints):
        seen = found.setdefault(row.fingerprint, Sightings(subject=(row.metric, row.column, row.segment)))
        if row.state == BreachState.OPEN:
            seen.severities[row.day] = worst((row.severity, seen.severities.get(row.day, row.severity)))
            seen.families[row.day] = Family(row.family)
    breaching = {name: seen for name, seen in found.items() if seen.severities}
    if breaching:
        _add_healthy(connection, model, breaching)
    return found


def _add_healthy(connection: sa.Connection, model: str, found: dict[str, Sightings]) -> None:
    first = min(min(seen.severities) for seen in found.values())
    subjects = {seen.subject for seen in found.values()}
    asked = {_evaluation_of(seen) for seen in found.values() if seen.subject[0] != STATUS}
    evaluated: dict[str, set[date]] = {
        kind: set(connection.scalars(_evaluated_query(kind), {"model": model, "first": first})) for kind in asked
    }
    answers = _verdict_answers(connection, model, first, subjects)
    answers |= _check_answers(connection, model, first, subjects)
    for seen in found.values():
        own = answers.get(seen.subject, {})
        absent = evaluated[_evaluation_of(seen)] - set(own) if seen.subject[0] != STATUS else set()
        healthy = absent | {day for day, is_silent in own.items() if is_silent}
        seen.healthy = {day for day in healthy if day > min(seen.severities) and day not in seen.severities}


def _evaluation_of(seen: Sightings) -> str:
    """Return which evaluated days are healthy of an alert that has no verdict of its own on them."""
    metric = seen.subject[0]
    if metric.startswith(STATUS_PREFIX):
        return _LABELS if CauseKind(metric.removeprefix(STATUS_PREFIX)).is_of_labels else _ARRIVED
    return _CHECKS if metric.startswith(CHECK_PREFIX) else next(iter(seen.families.values())).value


def _verdict_answers(
    connection: sa.Connection, model: str, first: date, subjects: Collection[Subject]
) -> dict[Subject, dict[date, bool]]:
    """Find, by subject, the days with a verdict on it, and whether any of them is healthy."""
    table = schema.verdicts
    found: dict[Subject, dict[date, bool]] = defaultdict(dict)
    of_subject = sa.tuple_(table.c.metric, table.c.column, table.c.segment)
    for row in _rows(connection, table, model, of_subject, subjects, table.c.day >= first):
        subject = (row.metric, row.column, row.segment)
        found[subject][row.day] = row.state == VerdictState.OK or found[subject].get(row.day, False)
    return dict(found)


def _check_answers(
    connection: sa.Connection, model: str, first: date, subjects: Collection[Subject]
) -> dict[Subject, dict[date, bool]]:
    """Find the same for checks; one that passed, or is only recorded now, is healthy."""
    table = schema.checks
    names = {metric.removeprefix(CHECK_PREFIX) for metric, _, _ in subjects if metric.startswith(CHECK_PREFIX)}
    found: dict[Subject, dict[date, bool]] = defaultdict(dict)
    for row in _rows(connection, table, model, table.c.expectation, names, table.c.day >= first):
        subject = (f"{CHECK_PREFIX}{row.expectation}", row.column, "")
        found[subject][row.day] = row.passed is not None or found[subject].get(row.day, False)
    return dict(found)


@cache
def _evaluated_query(kind: str) -> sa.Select[tuple[Any]]:
    """Return the query of the evaluated days of a family of results, or of those with checks, rows or labels."""
    days, verdicts, checks = schema.partitions, schema.verdicts, schema.checks
    # without rows, nothing is known of what is refused of them
    has_rows = sa.and_(days.c.evaluated, days.c.status.in_([Status.OK.value, Status.PARTIAL.value]))
    if kind == _CHECKS:
        is_checked = (checks.c.model == days.c.model, checks.c.day == days.c.day, checks.c.passed.is_not(None))
        is_evaluated: sa.ColumnElement[bool] = sa.exists().where(*is_checked)
    elif kind in {_ARRIVED, _LABELS}:
        is_evaluated = has_rows if kind == _ARRIVED else sa.and_(has_rows, days.c.labels_delivered > 0)
    else:
        # asked per partition, because a partition has one answer and hundreds of verdicts
        of_day = (verdicts.c.model == days.c.model, verdicts.c.day == days.c.day, verdicts.c.metric != STATUS)
        states = (VerdictState.OK, VerdictState.BREACH)
        of_states = [sa.exists().where(*of_day, verdicts.c.state == state.value) for state in states]
        is_evaluated = sa.or_(*(of_state.where(verdicts.c.family == kind) for of_state in of_states))
    of_model: tuple[sa.ColumnElement[bool], ...] = (
        days.c.model == sa.bindparam("model"),
        days.c.day >= sa.bindparam("first"),
    )
    return sa.select(days.c.day).where(*of_model, is_evaluated)


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    model: str,
    column: Any,
    values: Collection[Any],
    *conditions: sa.ColumnElement[bool],
) -> Iterator[sa.Row[Any]]:
    """Read the rows of a model whose column has one of the values."""
    ordered = sorted(values)
    # verdicts are many, and wide
    columns = [part for part in table.c if part.name in _READ]
    for start in range(0, len(ordered), _BATCH):
        wanted = column.in_(ordered[start : start + _BATCH])
        yield from connection.execute(sa.select(*columns).where(table.c.model == model, wanted, *conditions))


def alerts_touched(connection: sa.Connection, model: str, days: Sequence[date]) -> set[str]:
    """Find the alerts that results of these days can change.

    They are those with a breach on one of the days, even a withdrawn one, and those that breached before and had
    not settled by then.
    """
    alerts, episodes = schema.alerts, schema.episodes
    of_model = alerts.c.model == model
    settled = sa.select(episodes.c.fingerprint).where(episodes.c.model == model, episodes.c.settled_on < min(days))
    unsettled = sa.and_(
        alerts.c.state == BreachState.OPEN.value, alerts.c.day <= max(days), alerts.c.fingerprint.not_in(settled)
    )
    query = sa.select(alerts.c.fingerprint).where(of_model, sa.or_(alerts.c.day.in_(days), unsettled)).distinct()
    return set(connection.scalars(query))
