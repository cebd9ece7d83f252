"""Queries of panels: of Prometheus, and of the metric store in SQL.

The SQL is that of PostgreSQL and of MySQL at once: every column is qualified by its table, because both take a reserved
word such as `column` after a dot, and each quotes names in its own way.
"""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
# without a type, so that it may be PostgreSQL or MySQL
STORE = DataSourceRef(uid="store")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreQuery(variants.Dataquery, builder.Builder[variants.Dataquery]):
    """Query in SQL, as Grafana's data sources of PostgreSQL and MySQL take it; the SDK has none of them.

    Attributes:
        sql: The query.
        format: `table`, or `time_series` for the columns time, metric (the name of the series) and values.
        name: Letter of the query in its panel.
    """

    sql: str
    format: str
    name: str = "A"

    def build(self) -> StoreQuery:
        """Return the query itself."""
        return self

    def to_json(self) -> dict[str, object]:
        """Return what the dashboard's JSON holds of it."""
        return {
            "datasource": STORE,
            "editorMode": "code",
            "format": self.format,
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.name,
        }


def series(sql: str) -> StoreQuery:
    """Return a query of values over time."""
    return StoreQuery(sql=_in_one_line(sql), format="time_series")


def records(sql: str) -> StoreQuery:
    """Return a query of rows as they are."""
    return StoreQuery(sql=_in_one_line(sql), format="table")


def over_time(expression: str, legend: str = "", name: str = "A") -> prometheus.Dataquery:
    """Return a query of Prometheus over the time that is shown."""
    return _asked(expression, name).range().legend_format(legend)


def now(expression: str, legend: str = "", name: str = "A") -> prometheus.Dataquery:
    """Return a query of Prometheus for the last values alone."""
    return _asked(expression, name).instant().legend_format(legend)


def columns(*expressions: str) -> list[prometheus.Dataquery]:
    """Return queries of Prometheus for the columns of a table: A, B and so on."""
    return [
        now(expression, name=name).format(PromQueryFormat.TABLE)
        for name, expression in zip("ABCDEFGHIJ", expressions, strict=False)
    ]


def _asked(expression: str, name: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(PROMETHEUS).editor_mode(QueryEditorMode.CODE)
    return query.expr(_in_one_line(expression)).ref_id(name)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
