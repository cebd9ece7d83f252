"""Dashboards as they are committed: their panels, their queries, and the values that Grafana puts into these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "include" / "deploy" / "grafana" / "dashboards"
NAMES = ("fleet", "model", "runs", "druid")
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::(\w+))?\}|(\w+))")
_TIME_FILTER = re.compile(r"\$__timeFilter\(([\w.]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Query of a panel, a variable or an annotation.

    Attributes:
        source: Uid of the data source.
        text: The query, with its variables.
        panel: Where it stands.
        legend: Name of its series.
        name: Its letter.
        instant: Whether it asks for the last values alone.
    """

    source: str
    text: str
    panel: str
    legend: str = ""
    name: str = "A"
    instant: bool = True


@cache
def dashboard(name: str) -> Any:
    """The JSON of a dashboard."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def panels(name: str) -> list[Any]:
    """The panels of a dashboard, without the headings between them."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def queries(name: str) -> Iterator[Query]:
    """Every query of a dashboard, with those of its variables and annotations."""
    for panel in panels(name):
        for target in panel["targets"]:
            yield of_target(target, panel["title"])
    for variable in dashboard(name)["templating"].get("list", []):
        if variable["type"] == "query":
            yield Query(source=variable["datasource"]["uid"], text=variable["query"], panel=f"${variable['name']}")
    for annotation in dashboard(name)["annotations"].get("list", []):
        yield of_target(annotation["target"], annotation["name"])


def of_target(target: Mapping[str, Any], panel: str) -> Query:
    """A query as a panel holds it."""
    return Query(
        source=target["datasource"]["uid"],
        text=target.get("rawSql") or target["expr"],
        panel=panel,
        legend=target.get("legendFormat", ""),
        name=target["refId"],
        instant=bool(target.get("instant", "rawSql" in target)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What somebody looks at: a time, and a value for each variable, or several."""

    since: datetime
    until: datetime
    values: Mapping[str, str | tuple[str, ...]]

    def sql(self, text: str, database: str) -> str:
        """A query as Grafana's data source of a database sends it: several values are quoted, a single one is not."""
        return self._filled(_TIME_FILTER.sub(lambda found: self._within(found[1], database), text), _in_sql)

    def promql(self, text: str, step: str) -> str:
        """A query as Grafana's data source of Prometheus sends it."""
        for macro in ("$__rate_interval", "$__interval", "$__range"):
            text = text.replace(macro, step)
        return self._filled(text, _in_promql)

    def words(self, text: str) -> str:
        """A title with its values."""
        return self._filled(text, lambda value: value if isinstance(value, str) else " + ".join(value))

    def _within(self, column: str, database: str) -> str:
        if database == "postgresql":
            ends = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in (self.since, self.until))
        else:
            ends = (f"FROM_UNIXTIME({int(moment.timestamp())})" for moment in (self.since, self.until))
        return f"{column} BETWEEN {' AND '.join(ends)}"

    def _filled(self, text: str, written: Any) -> str:
        return _VARIABLE.sub(lambda found: written(self.values[found[1] or found[3]]), text)


def _in_sql(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value.replace("'", "''")
    return ",".join("'" + one.replace("'", "''") + "'" for one in value)


def _in_promql(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace('"', '\\"')
    return "(" + "|".join(re.sub(r"[\\^$*+?.()|[\]{}]", lambda one: "\\\\" + one[0], one) for one in value) + ")"
