"""Answers to the queries of dashboards, from a real Prometheus and a real store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tests.support.grafana.dashboards import Query, Shown
from tests.support.prometheus import Prometheus

_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Values of a series of Prometheus; times are seconds."""

    name: str
    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows that the store gave."""

    columns: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]


def from_prometheus(server: Prometheus, query: Query, shown: Shown, step_s: int) -> list[Line]:
    """The series of a query, with their last value alone where no more is asked for."""
    text = shown.promql(query.text, f"{4 * step_s}s")
    if query.instant:
        found = server.get("/api/v1/query", query=text, time=shown.until.timestamp())["data"]["result"]
        return [_line(query, one["metric"], [one["value"]]) for one in found]
    times = {"start": shown.since.timestamp(), "end": shown.until.timestamp(), "step": step_s}
    found = server.get("/api/v1/query_range", query=text, **times)["data"]["result"]
    return [_line(query, one["metric"], one["values"]) for one in found]


def from_store(engine: sa.Engine, query: Query, shown: Shown) -> Rows:
    """The rows of a query."""
    with engine.connect() as connection:
        found = connection.exec_driver_sql(shown.sql(query.text, engine.dialect.name).replace("%", "%%"))
        return Rows(columns=tuple(found.keys()), values=tuple(tuple(row) for row in found))


def ask_both(server: Prometheus, engine: sa.Engine) -> Callable[[Query, Shown], list[Line] | Rows]:
    """A function that asks the data source of a query, in a hundred steps at most."""

    def ask(query: Query, shown: Shown) -> list[Line] | Rows:
        if query.source == "store":
            return from_store(engine, query, shown)
        step_s = max(5, round((shown.until - shown.since).total_seconds() / 100))
        return from_prometheus(server, query, shown, step_s)

    return ask


def _line(query: Query, labels: Mapping[str, str], values: list[Any]) -> Line:
    name = _LABEL.sub(lambda found: labels.get(found[1], ""), query.legend) or query.name
    return Line(name=name, labels=labels, points=tuple((float(at), float(value)) for at, value in values))
