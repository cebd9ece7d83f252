"""Dashboard of all models: which of them needs somebody now."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from include.deploy.grafana.source.board import address_of_airflow, board, models_of_teams, section
from include.deploy.grafana.source.panels import (
    GREEN,
    ORANGE,
    RED,
    bars,
    coloured,
    grid,
    history,
    lines,
    linked,
    option,
    steps,
    tiles,
)
from include.deploy.grafana.source.queries import columns, now, over_time, records, series
from include.deploy.grafana.source.statuses import STATUS_COLOURS, day_mappings, day_number

_OF = 'model=~"$model"'
_TO_MODEL = "/d/mlmon-model?var-model=${__data.fields.model:percentencode}&${__url_time_range}"
_TO_PAGE = "${airflow:raw}/mlmon/${__data.fields.model:percentencode}/"
_STATUS_OF_DAYS = f"""
    SELECT p.day AS time, p.model AS metric, {day_number("p.status")} AS value FROM mlmon_partitions p
    WHERE p.model IN ($model) AND $__timeFilter(p.day) ORDER BY 1, 2
"""
_ALERTS_BY_DAY = """
    SELECT a.day AS time, a.severity AS metric, COUNT(*) AS value FROM mlmon_alerts a
    WHERE a.model IN ($model) AND $__timeFilter(a.day) GROUP BY a.day, a.severity ORDER BY 1, 2
"""
_OPEN_ALERTS = """
    SELECT e.model AS model, e.severity AS severity, e.metric AS metric, e.column AS feature, e.segment AS segment,
        e.opened AS opened, e.days AS days, e.state AS state, e.acknowledged_by AS owner
    FROM mlmon_alert_episodes e WHERE e.model IN ($model) AND e.state <> 'resolved'
    ORDER BY e.severity, e.opened, e.model, e.metric LIMIT 500
"""
_MODELS = {
    "model": "model",
    "status": "status",
    "Value #A": "",
    "Value #B": "days late",
    "Value #C": "alerts open",
    "metric": "metric",
    "Value #D": "performance",
    "Value #E": "label coverage",
    "Value #F": "rows",
    "Value #G": "quarantine rate",
    "Value #H": "drifted columns",
}


def fleet() -> build.Dashboard:
    """Return the dashboard of all models."""
    words = "Which model needs somebody: statuses, open alerts, late days and messages that did not arrive."
    dashboard = address_of_airflow(models_of_teams(board("Models: fleet", "mlmon-fleet", words)))
    section(dashboard, "Now", [_statuses(), _alerts(), _messages(), _answers()])
    section(dashboard, "Models", [_models()])
    section(dashboard, "Days", [_days(), _alerts_by_day(), _late()])
    return section(dashboard, "Alerts", [_open_alerts()])


def _statuses() -> object:
    counted = now(f"sum by (status) (max by (model, status) (mlmon_model_status{{{_OF}}})) > 0", "{{status}}")
    panel = tiles(
        "Models by status", "Number of models in each status; those without one are left out.", counted, width=9
    )
    for status, colour in STATUS_COLOURS.items():
        panel = panel.override_by_name(status, coloured(colour))
    return panel


def _alerts() -> object:
    counted = now(f"sum by (severity) (max by (model, severity) (mlmon_alerts_open{{{_OF}}}))", "{{severity}}")
    panel = tiles("Open alerts", "Alerts that are open and not muted, by severity.", counted, width=5)
    return panel.thresholds(steps((None, GREEN), (1, ORANGE)))


def _messages() -> object:
    counted = now(f"sum by (state) (max by (model, channel, state) (mlmon_messages_undelivered{{{_OF}}}))", "{{state}}")
    panel = tiles("Messages not delivered", "Waiting for another attempt, or given up.", counted, width=5)
    return panel.thresholds(steps((None, GREEN), (1, RED)))


def _answers() -> object:
    answers = now('max(up{job="mlmon"})', "/mlmon/metrics")
    panel = tiles("Store and API server", "Whether Prometheus gets an answer from /mlmon/metrics.", answers, width=5)
    panel = panel.thresholds(steps((None, RED), (1, GREEN)))
    return panel.override_by_name("/mlmon/metrics", [option("mappings", [_said("1", "up"), _said("0", "down")])])


def _models() -> object:
    found = columns(
        f"max by (model, status) (mlmon_model_status{{{_OF}}}) == 1",
        f"max by (model) (mlmon:late:days{{{_OF}}})",
        f"sum by (model) (max by (model, severity) (mlmon_alerts_open{{{_OF}}}))",
        f"max by (model, metric) (mlmon_performance{{{_OF}}})",
        f"max by (model) (mlmon_label_coverage{{{_OF}}})",
        f"max by (model) (mlmon_rows{{{_OF}}})",
        f"max by (model) (mlmon_quarantined_share{{{_OF}}})",
        f"max by (model) (mlmon_drifted_columns{{{_OF}}})",
    )
    words = "The last evaluated day of each model; its name leads to its dashboard, its status to its page in Airflow."
    panel = grid("Models", words, *found, names=_MODELS)
    colours = [{"type": "value", "options": {name: {"color": found} for name, found in STATUS_COLOURS.items()}}]
    panel = panel.override_by_name("model", linked("Dashboard of this model", _TO_MODEL))
    shown = [option("mappings", colours), option("custom.cellOptions", {"type": "color-text"})]
    panel = panel.override_by_name("status", [*shown, *linked("Page in Airflow", _TO_PAGE)])
    for name in ("label coverage", "quarantine rate"):
        panel = panel.override_by_name(name, [option("unit", "percentunit")])
    return panel


def _days() -> object:
    words = "Status of each day of each model; a day that has no square was not run."
    return history("Days", words, series(_STATUS_OF_DAYS)).mappings(day_mappings()).per_page(20)


def _alerts_by_day() -> object:
    panel = bars("Alerts by day", "Alerts of each day, by severity.", series(_ALERTS_BY_DAY))
    return panel.override_by_name("critical", coloured(RED)).override_by_name("warning", coloured(ORANGE))


def _late() -> object:
    late = over_time(f"topk(20, max by (model) (mlmon:late:days{{{_OF}}}))", "{{model}}")
    panel = lines(
        "Days late", "Days that should be evaluated by now and are not, of the twenty models with most.", late
    )
    return panel.thresholds(steps((None, GREEN), (1, RED))).min(0)


def _open_alerts() -> object:
    panel = grid(
        "Open alerts",
        "Alerts that are not resolved, the first 500: since when, and who has acknowledged them.",
        records(_OPEN_ALERTS),
    )
    panel = panel.override_by_name("owner", [option("displayName", "acknowledged by")])
    panel = panel.override_by_name("opened", [option("unit", "time:YYYY-MM-DD")])
    return panel.override_by_name("model", linked("Dashboard of this model", _TO_MODEL))


def _said(value: str, text: str) -> dict[str, object]:
    return {"type": "value", "options": {value: {"text": text}}}
