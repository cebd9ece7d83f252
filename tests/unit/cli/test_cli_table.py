from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from airflow_mlmon.cli.table import days_table
from airflow_mlmon.loading import load_spec
from airflow_mlmon.records import Alert, Family, MetricValue, PartitionState, Results, Status
from airflow_mlmon.reports.wording import NONE
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.published import metric, partition, partition_state

SPEC = load_spec(Path(__file__).parents[3] / "include" / "models" / "flights.yaml")
CALM, ALERTING = partition(7), partition(8)
VALUES = {
    CALM: [metric("score_mean", 0.2974), metric("positive_rate", 0.0)],
    ALERTING: [metric("score_mean", 0.3732), metric("accuracy", None)],
}


def alert(name: str, column: str | None = None, segment: str | None = None) -> Alert:
    return Alert(
        partition=ALERTING,
        family=Family.PREDICTIONS,
        metric=name,
        column=column,
        segment=segment,
        severity="warning",
        title=f"title of {name}",
        text="",
        value=0.4,
    )


@pytest.fixture
def store(tmp_path: Path):
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


def publish(
    store: MetricStore, found: PartitionState, values: Sequence[MetricValue], alerts: Sequence[Alert] = ()
) -> None:
    results = Results(partition=found.partition, family=Family.PREDICTIONS, metrics=tuple(values), alerts=tuple(alerts))
    store.publish(found, [results], supersedes=None)


def rendered(store: MetricStore, *, colour: bool = False, every_line: bool = False, width: int = 120) -> list[str]:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    console.print(days_table(store, SPEC, date(2013, 3, 1), date(2013, 3, 31)))
    lines = console.file.getvalue().splitlines()
    first = next(at for at, line in enumerate(lines) if "2013-" in line)
    return [line for line in lines[first:] if every_line or "2013-" in line]


def test_values_that_are_not_there_are_dashes_and_zero_is_zero(store):
    for day in (CALM, ALERTING):
        publish(store, partition_state(day), VALUES[day])

    calm, alerting = rendered(store)

    assert calm.split() == ["2013-03-07", "Thu", "890", "OK", NONE, "0.297", "0.0%", NONE, NONE]
    assert alerting.split() == ["2013-03-08", "Fri", "890", "OK", NONE, "0.373", NONE, NONE, NONE]


def test_each_day_is_one_line_in_80_columns(store):
    accuracy = metric("accuracy", 0.874, low=0.851, high=0.893, constant=0.62)
    publish(store, partition_state(CALM), [accuracy, metric("positive_rate", 0.2, low=0.18, high=0.22)])

    (line,) = filter(str.strip, rendered(store, every_line=True, width=80))

    assert line.split()[6:8] == ["20.0%", "87.4%"]


def test_estimate_stands_in_for_what_labels_have_not_told_yet(store):
    publish(store, partition_state(CALM), [metric("estimated_accuracy", 0.85)])

    (line,) = rendered(store)

    assert "≈85.0%" in line


def test_alerting_day_names_its_alerts_and_stands_out(store):
    publish(store, partition_state(CALM), VALUES[CALM])
    publish(
        store,
        partition_state(ALERTING),
        VALUES[ALERTING],
        [alert("score_mean"), alert("positive_rate"), alert("status")],
    )

    calm, alerting = rendered(store, colour=True)

    assert all(words in alerting for words in ("mean score", "late rate", "title of status"))
    assert "\x1b[1;31m" in alerting
    assert "\x1b[" not in calm


def test_what_breaches_as_a_whole_and_in_segments_is_named_once(store):
    drifted = [alert("drift_score", "precip"), alert("drift_score", "precip", "origin=JFK")]
    publish(
        store,
        partition_state(ALERTING),
        VALUES[ALERTING],
        [*drifted, alert("score_mean"), alert("drift_score", "visib")],
    )

    (line,) = rendered(store)

    assert line.rstrip().endswith("drift of precip + visib, mean score")


def test_day_that_is_not_ok_says_so(store):
    publish(store, partition_state(CALM, status=Status.PARTIAL), [])

    (line,) = rendered(store)

    assert "PARTIAL" in line
