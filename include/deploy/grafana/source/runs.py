"""Dashboard of the runs: how the nights of the models go in Airflow."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as build

from include.deploy.grafana.source.board import board, models_of_teams, section
from include.deploy.grafana.source.model import TRACE
from include.deploy.grafana.source.panels import (
    GREEN,
    ORANGE,
    RED,
    SHORT_LIST,
    bars,
    coloured,
    grid,
    lines,
    option,
    steps,
    tiles,
)
from include.deploy.grafana.source.queries import now, over_time, records, series

_OF = 'model=~"$model"'
_DAG = 'dag_id=~"$model"'
_STARTED = f"min by (model) (mlmon_step_started_timestamp_seconds{{{_OF}}})"
_FAILED = """
    SELECT s.model AS model, s.day AS day, s.step AS step, s.error AS error, s.started_at AS started,
        s.seconds AS seconds, s.trace AS trace
    FROM mlmon_steps s WHERE s.model IN ($model) AND s.error <> '' AND $__timeFilter(s.day)
    ORDER BY s.started_at DESC LIMIT 200
"""
_SECONDS_BY_STEP = """
    SELECT s.day AS time, s.step AS metric, SUM(s.seconds) AS value FROM mlmon_steps s
    WHERE s.model IN ($model) AND $__timeFilter(s.day) GROUP BY s.day, s.step ORDER BY 1, 2
"""


def runs() -> build.Dashboard:
    """Return the dashboard of the runs."""
    words = "How the nights of the models run: when they start, how long each step takes, what fails, what waits."
    dashboard = models_of_teams(board("Models: runs in Airflow", "mlmon-runs", words, since="now-7d"))
    section(dashboard, "Nights", [_failed(), _late(), _steps_failed(), _scheduler(), _durations(), _delays()])
    section(dashboard, "Steps", [_seconds(), _rates(), _failures()])
    return section(dashboard, "Airflow", [_finished(), _states(), _waiting(), _dag_runs(), _slots()])


def _failed() -> object:
    failed = now(f'sum(max by (model) (mlmon_model_status{{{_OF}, status="failed"}}))', "failed")
    panel = tiles("Nights failed", "Models whose last run failed and was not mended by a retry.", failed)
    return panel.thresholds(steps((None, GREEN), (1, RED)))


def _late() -> object:
    late = now(f"count(max by (model) (mlmon:late:days{{{_OF}}}) >= 1) or vector(0)", "late")
    panel = tiles("Nights late", "Models with a day that should be evaluated by now and is not.", late)
    return panel.thresholds(steps((None, GREEN), (1, ORANGE)))


def _steps_failed() -> object:
    failed = now(f"sum(max by (model, step) (mlmon_step_failed{{{_OF}}}))", "failed")
    panel = tiles("Steps failed", "Steps of the last days that failed, each named below with its trace.", failed)
    return panel.thresholds(steps((None, GREEN), (1, RED)))


def _scheduler() -> object:
    beats = now("sum(rate(airflow_scheduler_heartbeat_total[5m])) * 60", "a minute")
    panel = tiles("Heartbeats of the scheduler", "Without any, nothing is started.", beats).decimals(1)
    return panel.thresholds(steps((None, RED), (1, GREEN)))


def _durations() -> object:
    took = over_time(f"topk(20, max by (model) (mlmon:night:duration_seconds{{{_OF}}}))", "{{model}}")
    usual = over_time(f"max(mlmon:night:usual_seconds{{{_OF}}})", "usual, of the slowest model", "B")
    words = "From the first step of the last day to the end of its last one, of the twenty slowest models."
    panel = lines("Duration of the nights", words, took, usual, unit="s")
    return panel.override_by_name(
        "usual, of the slowest model", [option("custom.lineStyle", {"fill": "dash", "dash": [6, 4]})]
    )


def _delays() -> object:
    expected = f"max by (model) (mlmon_expected_partition_timestamp_seconds{{{_OF}}})"
    delay = over_time(f"topk(20, {_STARTED} - ({expected} + 86400) >= 0)", "{{model}}")
    words = "From the end of the day to the start of its first step, of the twenty latest that have started."
    return lines("Delay of the start", words, delay, unit="s")


def _seconds() -> object:
    return bars("Time by step", "Seconds of all models together, by day and step.", series(_SECONDS_BY_STEP), unit="s")


def _rates() -> object:
    rows, seconds = (f"max by (model, step) (mlmon_step_{name}{{{_OF}}})" for name in ("rows", "duration_seconds"))
    rate = over_time(f"sum by (step) ({rows}) / sum by (step) ({seconds} and {rows})", "{{step}}")
    return lines("Rows a second", "Of the steps that count rows, on the last days.", rate)


def _failures() -> object:
    words = "Steps whose last run failed: the kind of the error, and the trace."
    panel = grid("Failed steps", words, records(_FAILED), height=SHORT_LIST).no_value("No step has failed.")
    panel = panel.override_by_name("day", [option("unit", "time:YYYY-MM-DD")])
    panel = panel.override_by_name("seconds", [option("unit", "s")])
    return panel.override_by_name("trace", [option("links", [{"title": "Trace", "url": TRACE}])])


def _finished() -> object:
    # each task is a process with counters of its own, which the collector forgets after five minutes
    finished = over_time(f"sum by (state) (airflow_ti_finish_total{{{_DAG}}})", "{{state}}")
    words = "Tasks of the models' DAGs that ended in the last five minutes, by the state in which they did."
    panel = lines("Tasks finished", words, finished)
    for state, colour in {"success": GREEN, "failed": RED, "up_for_retry": ORANGE}.items():
        panel = panel.override_by_name(state, coloured(colour))
    return panel


def _states() -> object:
    running = over_time("sum(airflow_executor_running_tasks)", "running")
    queued = over_time("sum(airflow_executor_queued_tasks)", "queued", "B")
    starving = over_time("sum(airflow_scheduler_tasks_starving)", "without a slot", "C")
    words = "Tasks that run, that wait for a worker, and that wait for a slot of their pool."
    return lines("Tasks that run and wait", words, running, queued, starving)


def _waiting() -> object:
    words = "Mean time for which a task of a model could run and was not handed to a worker."
    found = _mean("airflow_task_scheduled_duration")
    return lines("Wait for a slot", words, found, width=8, unit="s")


def _dag_runs() -> object:
    words = "Mean time of the runs of a model that succeeded, with all waits."
    return lines("Duration of DAG runs", words, _mean("airflow_dagrun_duration_success"), width=8, unit="s")


def _slots() -> object:
    free = over_time("sum by (pool_name) (airflow_pool_open_slots)", "{{pool_name}}")
    return lines("Free slots of the pools", "None left: tasks wait, however many workers there are.", free, width=8)


def _mean(timer: str) -> object:
    parts = (
        f"sum by (dag_id) (increase({timer}_milliseconds_{part}{{{_DAG}}}[$__rate_interval]))"
        for part in ("sum", "count")
    )
    return over_time(f"{' / '.join(parts)} / 1000", "{{dag_id}}")
