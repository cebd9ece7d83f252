"""Dashboard of Druid: whether it takes the rows of the nights, and serves them.

Its metrics are those of its extension `prometheus-emitter` with the names and labels that this gives them by default.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from include.deploy.grafana.source.board import board, section
from include.deploy.grafana.source.panels import (
    CHART,
    GREEN,
    ORANGE,
    RED,
    bars,
    coloured,
    grid,
    lines,
    option,
    steps,
    tiles,
)
from include.deploy.grafana.source.queries import columns, now, over_time, records, series

_LOADS = """
    SELECT s.model AS model, s.day AS day, s.started_at AS started, s.seconds AS seconds, s.rows AS counted,
        s.error AS error
    FROM mlmon_steps s WHERE s.step = 'load_druid' AND $__timeFilter(s.day) ORDER BY s.started_at DESC LIMIT 200
"""
_ROWS = """
    SELECT s.day AS time, SUM(s.rows) AS loaded FROM mlmon_steps s
    WHERE s.step = 'load_druid' AND $__timeFilter(s.day) GROUP BY s.day ORDER BY 1
"""
_DATASOURCES = {
    "dataSource": "datasource",
    "Value #A": "segments",
    "Value #B": "bytes",
    "Value #C": "not available",
}


def druid() -> build.Dashboard:
    """Return the dashboard of Druid."""
    words = "Druid's health: services, segments, loads of the nights, queries and memory."
    dashboard = board("Models: Druid", "mlmon-druid", words, since="now-24h")
    section(dashboard, "Now", [_services(), _unavailable(), _failed_tasks(), _failed_queries()])
    section(dashboard, "Loads", [_tasks(), _durations(), _rows(), _loads()])
    section(dashboard, "Segments", [_datasources(), _space()])
    return section(dashboard, "Queries and memory", [_queries(), _times(), _heap()])


def _services() -> object:
    up = now('sum(up{job="druid"})', "up")
    down = now('count(up{job="druid"}) - sum(up{job="druid"})', "down", "B")
    panel = tiles("Services", "Services of Druid that answer Prometheus, and that do not.", up, down)
    return panel.override_by_name("down", [option("thresholds", _red_from_one())]).thresholds(steps((None, GREEN)))


def _unavailable() -> object:
    found = now("sum(druid_segment_unavailable_count)", "segments")
    panel = tiles("Segments not available", "Segments that should be served, and are not.", found)
    return panel.thresholds(steps((None, GREEN), (1, RED)))


def _failed_tasks() -> object:
    found = now("sum(increase(druid_task_failed_count_total[24h])) or vector(0)", "tasks")
    panel = tiles("Failed tasks", "Ingestions and others that failed in the last 24 hours.", found).decimals(0)
    return panel.thresholds(steps((None, GREEN), (1, RED)))


def _failed_queries() -> object:
    found = now("sum(increase(druid_query_failed_count_total[1h])) or vector(0)", "queries")
    panel = tiles("Failed queries", "Queries that failed in the last hour.", found).decimals(0)
    return panel.thresholds(steps((None, GREEN), (1, ORANGE)))


def _tasks() -> object:
    done = over_time("sum(increase(druid_task_success_count_total[$__rate_interval]))", "succeeded")
    failed = over_time("sum(increase(druid_task_failed_count_total[$__rate_interval])) or vector(0)", "failed", "B")
    panel = bars("Tasks", "Tasks that ended.", done, failed, width=8)
    return panel.override_by_name("succeeded", coloured(GREEN)).override_by_name("failed", coloured(RED))


def _durations() -> object:
    found = _mean("druid_task_run_time", "dataSource")
    return lines("Duration of tasks", "Mean time of a task, by datasource.", found, width=8, unit="s")


def _rows() -> object:
    return bars("Rows loaded", "Rows that the nights of all models have loaded.", series(_ROWS), width=8)


def _loads() -> object:
    panel = grid("Loads of the nights", "The last loads of each model, as its nights saw them.", records(_LOADS))
    panel = panel.override_by_name("day", [option("unit", "time:YYYY-MM-DD")])
    panel = panel.override_by_name("counted", [option("displayName", "rows")])
    return panel.override_by_name("seconds", [option("unit", "s")])


def _datasources() -> object:
    found = columns(
        "max by (dataSource) (druid_segment_count)",
        "max by (dataSource) (druid_segment_size)",
        "max by (dataSource) (druid_segment_unavailable_count)",
    )
    words = "Segments in use by datasource, their size, and those that are not served yet."
    panel = grid("Datasources", words, *found, width=14, height=CHART, names=_DATASOURCES)
    return panel.override_by_name("bytes", [option("unit", "bytes")])


def _space() -> object:
    used = over_time("sum by (instance) (druid_segment_used)", "{{instance}}")
    most = over_time("sum by (instance) (druid_segment_max)", "most of {{instance}}", "B")
    words = "Bytes of the segments on each historical, and how many it may hold."
    return lines("Space of the historicals", words, used, most, width=10, unit="bytes")


def _queries() -> object:
    good = over_time("sum(rate(druid_query_success_count_total[$__rate_interval]))", "answered")
    bad = over_time("sum(rate(druid_query_failed_count_total[$__rate_interval]))", "failed", "B")
    panel = lines("Queries a second", "Queries of all services.", good, bad, width=8)
    return panel.override_by_name("failed", coloured(RED))


def _times() -> object:
    found = over_time(
        "histogram_quantile(0.95, sum by (le, dataSource) (rate(druid_query_time_bucket[$__rate_interval])))",
        "{{dataSource}}",
    )
    return lines("Query time, 95 %", "Quantile of the time of queries, by datasource.", found, width=8, unit="s")


def _heap() -> object:
    used, most = (f'max by (instance) (druid_jvm_mem_{name}{{memKind="heap"}})' for name in ("used", "max"))
    found = over_time(f"{used} / {most}", "{{instance}}")
    words = "Heap in use, of what each service may take."
    panel = lines("Memory", words, found, width=8, unit="percentunit").min(0).max(1)
    return panel.thresholds(steps((None, GREEN), (0.9, RED)))


def _mean(timer: str, label: str) -> object:
    parts = [f"sum by ({label}) (increase({timer}_{part}[$__rate_interval]))" for part in ("sum", "count")]
    return over_time(" / ".join(parts), f"{{{{{label}}}}}")


def _red_from_one() -> dict[str, object]:
    levels = [{"value": None, "color": GREEN}, {"value": 1, "color": RED}]
    return {"mode": "absolute", "steps": levels}
