"""Dashboard of one model: its metrics beside what was expected of them."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.common import GraphDrawStyle

from include.deploy.grafana.source.board import address_of_airflow, board, one_model, one_of, section
from include.deploy.grafana.source.panels import (
    GREEN,
    GREY,
    ORANGE,
    RED,
    SHORT_LIST,
    bars,
    coloured,
    explored,
    grid,
    history,
    lines,
    named,
    option,
    steps,
    tiles,
)
from include.deploy.grafana.source.queries import now, over_time, records, series
from include.deploy.grafana.source.statuses import STATUS_COLOURS

_OF = 'model="$model"'
_EVALUATED = f"max(mlmon_evaluated_partition_timestamp_seconds{{{_OF}}}) * 1000"
# of all rows and columns together; those of the labels first
_METRICS = """
    SELECT v.metric FROM mlmon_verdicts v
    WHERE v.model = '$model' AND v.column = '' AND v.segment = '' GROUP BY v.metric ORDER BY MIN(v.family), v.metric
"""
_EXPECTED = """
    SELECT v.day AS time, MAX(v.value) AS observed, MAX(v.expected) AS expected, MIN(v.low) AS lowest,
        MAX(v.high) AS highest, MAX(CASE WHEN v.state = 'BREACH' THEN v.value END) AS breach
    FROM mlmon_verdicts v
    WHERE v.model = '$model' AND v.metric = '$metric' AND v.column = '' AND v.segment = '' AND $__timeFilter(v.day)
    GROUP BY v.day ORDER BY 1
"""
_ROWS = """
    SELECT p.day AS time, p.rows_accepted AS accepted, p.rows_quarantined AS quarantined FROM mlmon_partitions p
    WHERE p.model = '$model' AND $__timeFilter(p.day) ORDER BY 1
"""
# of several verdicts on a column the worst
_DRIFT = """
    SELECT v.day AS time, v.column AS metric,
        MIN(CASE v.state WHEN 'BREACH' THEN 0 WHEN 'OK' THEN 1 ELSE 2 END) AS value
    FROM mlmon_verdicts v
    JOIN (
        SELECT x.column AS name FROM mlmon_verdicts x
        WHERE x.model = '$model' AND x.metric = 'drift_score' AND x.segment = '' AND $__timeFilter(x.day)
        GROUP BY x.column
        ORDER BY SUM(CASE WHEN x.state = 'BREACH' THEN 1 ELSE 0 END) DESC, x.column LIMIT 20
    ) most ON most.name = v.column
    WHERE v.model = '$model' AND v.metric = 'drift_score' AND v.segment = '' AND $__timeFilter(v.day)
    GROUP BY v.day, v.column ORDER BY 1, 2
"""
_BREACHES_BY_DAY = """
    SELECT v.day AS time, v.metric AS metric, COUNT(*) AS value FROM mlmon_verdicts v
    WHERE v.model = '$model' AND v.state = 'BREACH' AND $__timeFilter(v.day) GROUP BY v.day, v.metric ORDER BY 1, 2
"""
_BREACHES = """
    SELECT v.day AS day, v.metric AS metric, v.column AS feature, v.segment AS segment, v.value AS observed,
        v.expected AS expected, v.low AS lowest, v.high AS highest, v.p_value AS p, v.effect AS effect,
        v.severity AS severity, v.rule AS rule
    FROM mlmon_verdicts v WHERE v.model = '$model' AND v.state = 'BREACH' AND $__timeFilter(v.day)
    ORDER BY v.day DESC, v.severity, v.p_value LIMIT 200
"""
_STEPS = """
    SELECT s.day AS day, s.step AS step, s.started_at AS started, s.seconds AS seconds, s.rows AS counted,
        s.error AS error, s.trace AS trace
    FROM mlmon_steps s WHERE s.model = '$model' AND $__timeFilter(s.day)
    ORDER BY s.day DESC, s.started_at LIMIT 200
"""
_CHECKS = """
    SELECT c.day AS day, c.expectation AS expectation, c.column AS feature, c.severity AS severity,
        c.unexpected AS unexpected, c.expected AS expected, c.observed AS observed
    FROM mlmon_checks c WHERE c.model = '$model' AND NOT c.passed AND $__timeFilter(c.day)
    ORDER BY c.day DESC, c.position LIMIT 200
"""
_BASELINES = """
    SELECT b.accepted_at AS time, b.baseline AS text FROM mlmon_baselines b
    WHERE b.model = '$model' AND $__timeFilter(b.accepted_at) ORDER BY 1
"""
TRACE = explored("tempo", "tempo", queryType="traceql", query="${__value.raw}")
_LOG = explored("loki", "loki", expr='{service_name="airflow"} | trace_id=`${__value.raw}`', queryType="range")


def of_model() -> build.Dashboard:
    """Return the dashboard of one model."""
    words = "What one model was found to be on each day, beside what was expected; and how its steps ran."
    dashboard = address_of_airflow(one_model(board("Models: one model", "mlmon-model", words)))
    one_of(dashboard, "metric", "Metric", _METRICS)
    dashboard.annotation(_accepted())
    section(dashboard, "Now", [_status(), _last_day(), *_figures(), _open()])
    section(dashboard, "Metrics", [_metric(), _rows()])
    section(dashboard, "Drift", [_drift(), _breaches_by_day(), _durations()])
    return section(dashboard, "Details", [_breaches(), _checks(), _runs()])


def _status() -> object:
    found = now(f"max by (status) (mlmon_model_status{{{_OF}}}) == 1", "{{status}}")
    panel = tiles("Status", "Status of the model now; its page in Airflow says why.", found, width=4)
    for status, colour in STATUS_COLOURS.items():
        panel = panel.override_by_name(status, coloured(colour))
    page = build.DashboardLink("Page in Airflow").url("${airflow:raw}/mlmon/${model:percentencode}/")
    return panel.links([page])


def _last_day() -> object:
    return tiles("Last day", "The last evaluated day.", now(_EVALUATED, "evaluated"), width=4, unit="time:YYYY-MM-DD")


def _figures() -> list[object]:
    rows = tiles("Rows", "Rows accepted on the last day.", now(f"max(mlmon_rows{{{_OF}}})", "rows"), width=3)
    quarantined = now(f"max(mlmon_quarantined_share{{{_OF}}})", "quarantined")
    refused = tiles("Quarantine rate", "Rows quarantined, of the rows read.", quarantined, width=3, unit="percentunit")
    drifted = now(f"max(mlmon_drifted_columns{{{_OF}}})", "columns")
    found = now(f"max by (metric) (mlmon_performance{{{_OF}}})", "{{metric}}")
    performance = tiles("Performance", "The metric that says most about a model of its task.", found, width=4)
    return [
        rows,
        refused.thresholds(steps((None, GREEN), (0.05, RED))),
        tiles("Drifted columns", "Columns beyond their limit on the last day.", drifted, width=3),
        performance,
    ]


def _open() -> object:
    counted = now(f"max by (severity) (mlmon_alerts_open{{{_OF}}})", "{{severity}}")
    panel = tiles("Open alerts", "Alerts that are open and not muted.", counted, width=3)
    return panel.thresholds(steps((None, GREEN), (1, ORANGE)))


def _metric() -> object:
    words = "The metric above, what was expected, the limits, and the days on which it was a breach."
    panel = lines("$metric", words, series(_EXPECTED), width=16)
    dashed = option("custom.lineStyle", {"fill": "dash", "dash": [6, 4]})
    panel = panel.override_by_name("expected", [*coloured(GREY), dashed])
    for name in ("lowest", "highest"):
        panel = panel.override_by_name(name, [*coloured(GREY), option("custom.lineWidth", 1)])
    panel = panel.override_by_name(
        "highest", [option("custom.fillBelowTo", "lowest"), option("custom.fillOpacity", 10)]
    )
    points = [option("custom.drawStyle", GraphDrawStyle.POINTS), option("custom.pointSize", 9)]
    return panel.override_by_name("breach", [*coloured(RED), *points])


def _rows() -> object:
    panel = bars("Rows by day", "Rows accepted and rows quarantined.", series(_ROWS), width=8)
    return panel.override_by_name("quarantined", coloured(ORANGE))


def _drift() -> object:
    words = "Whether each column drifted, of the twenty that did so on most days."
    found = named(("0", "drifted", ORANGE), ("1", "within expected range", GREEN), ("2", "not enough data", GREY))
    return history("Drift by column", words, series(_DRIFT)).mappings(found)


def _breaches_by_day() -> object:
    return bars("Breaches by day", "Values outside what was expected, by metric.", series(_BREACHES_BY_DAY))


def _durations() -> object:
    found = over_time(f"max by (step) (mlmon_step_duration_seconds{{{_OF}}})", "{{step}}")
    return lines("Duration of the steps", "How long each step of the last day took.", found, unit="s")


def _breaches() -> object:
    panel = grid("Breaches", "The last 200 values outside what was expected.", records(_BREACHES))
    return panel.override_by_name("day", [option("unit", "time:YYYY-MM-DD")])


def _checks() -> object:
    panel = grid(
        "Failed checks",
        "The last 200 checks that failed, own ones and inferred ones.",
        records(_CHECKS),
        height=SHORT_LIST,
    )
    return panel.override_by_name("day", [option("unit", "time:YYYY-MM-DD")])


def _runs() -> object:
    panel = grid(
        "Steps", "How the steps of the days ran last; the trace leads to its spans and its log.", records(_STEPS)
    )
    panel = panel.override_by_name("day", [option("unit", "time:YYYY-MM-DD")])
    panel = panel.override_by_name("seconds", [option("unit", "s")])
    panel = panel.override_by_name("counted", [option("displayName", "rows")])
    links = [{"title": "Trace", "url": TRACE}, {"title": "Log", "url": _LOG}]
    return panel.override_by_name("trace", [option("links", links)])


def _accepted() -> build.AnnotationQuery:
    found = build.AnnotationQuery().name("Baseline accepted").enable(True).icon_color("purple")
    return found.target(records(_BASELINES)).datasource(records(_BASELINES).to_json()["datasource"])
