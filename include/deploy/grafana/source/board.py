"""What all dashboards share: their links to each other, and the variables by which models are chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
)

from include.deploy.grafana.source.queries import STORE

TAG = "mlmon"
_TEAM = "COALESCE(NULLIF(m.team, ''), '(none)')"
_TEAMS = f"SELECT DISTINCT {_TEAM} FROM mlmon_models m ORDER BY 1"
_MODELS_OF_TEAMS = f"SELECT m.model FROM mlmon_models m WHERE {_TEAM} IN ($team) ORDER BY 1"
_MODELS = "SELECT m.model FROM mlmon_models m ORDER BY 1"


def board(title: str, uid: str, words: str, *, since: str = "now-30d") -> build.Dashboard:
    """Return an empty dashboard, linked to the others."""
    others = build.DashboardLink("Model monitoring").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    # days of models are days of UTC, unless a spec says otherwise
    return (
        build.Dashboard(title)
        .uid(uid)
        .description(words)
        .tags([TAG])
        .timezone("utc")
        .time(since, "now")
        .refresh("5m")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(others.keep_time(True).as_dropdown(True))
    )


def section(dashboard: build.Dashboard, title: str, panels: Iterable[Any]) -> build.Dashboard:
    """Add a row of panels with a heading."""
    dashboard = dashboard.with_row(build.Row(title))
    for panel in panels:
        dashboard = dashboard.with_panel(panel)
    return dashboard


def models_of_teams(dashboard: build.Dashboard) -> build.Dashboard:
    """Let people choose teams, and models of these: all at first."""
    return dashboard.with_variable(_several("team", "Team", _TEAMS)).with_variable(
        _several("model", "Model", _MODELS_OF_TEAMS)
    )


def one_model(dashboard: build.Dashboard) -> build.Dashboard:
    """Let people choose one model."""
    return dashboard.with_variable(_asked("model", "Model", _MODELS))


def one_of(dashboard: build.Dashboard, name: str, label: str, sql: str) -> build.Dashboard:
    """Let people choose one value of a query of the store."""
    return dashboard.with_variable(_asked(name, label, sql))


def address_of_airflow(dashboard: build.Dashboard) -> build.Dashboard:
    """Let people say where Airflow's pages are, to which cells lead."""
    url = build.TextBoxVariable("airflow").label("Airflow").default_value("http://localhost:8080")
    return dashboard.with_variable(url)


def _several(name: str, label: str, sql: str) -> build.QueryVariable:
    everything = VariableOption(selected=True, text="All", value="$__all")
    return _asked(name, label, sql).multi(True).include_all(True).current(everything)


def _asked(name: str, label: str, sql: str) -> build.QueryVariable:
    found = build.QueryVariable(name).label(label).datasource(STORE).query(sql)
    return found.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
