"""`mlmon status` and `mlmon show`: what they say from the store alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.commands import models as declared
from airflow_mlmon.cli.main import main
from airflow_mlmon.cli.status import show_status
from airflow_mlmon.records import DriftDetail, Family, Status, VerdictState
from airflow_mlmon.reports.fleet import ModelStatus
from airflow_mlmon.settings import read_settings
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.hostile import HOSTILE
from tests.support.many_models import MORNING, fleet_of_every_status, labelled, register, run_day
from tests.support.published import alert, metric, partition, partition_state, results, verdict

SPEC = str(Path(__file__).parents[3] / "include" / "models" / "flights.yaml")
DAY = partition(8)


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def store(home: Path):
    (home / "mlmon").mkdir()
    with MetricStore(f"sqlite:///{home}/mlmon/store.db") as opened:
        yield opened


@pytest.fixture
def status(home, capsys) -> Callable[..., str]:
    """Call the command on a morning of 2013."""

    def status(*, as_json: bool = False, **chosen: tuple[str, ...]) -> str:
        call = Call(settings=read_settings(lambda _: None, home), as_json=as_json, now=MORNING)
        show_status(call, **{"owners": (), "tags": (), "statuses": ()} | chosen)
        return capsys.readouterr().out

    return status


def models(printed: str) -> list[str]:
    return [json.loads(line)["model"] for line in printed.splitlines()]


def test_models_are_listed_worst_first_with_their_reasons(store, status):
    fleet_of_every_status(store)

    lines = status().splitlines()
    assert lines[0] == "8 models: 2 silent, 1 broken, 1 failed, 1 alerting, 1 notice, 1 healthy, 1 inactive"
    named = [line.split()[:2] for line in lines if line[1:2].strip() and not line.startswith(" ops")]
    assert named[2:] == [
        ["never", "silent"], ["silent", "silent"], ["broken", "broken"], ["failed", "failed"],
        ["alerting", "alerting"], ["notice", "notice"], ["healthy", "healthy"], ["inactive", "inactive"],
    ]  # fmt: skip
    assert "16 days late" in "".join(lines)
    assert max(map(len, lines[1:])) <= 80


def test_models_are_chosen_by_owner_tag_and_status(store, status):
    register(store, "cards", owner="risk", tags=("eu", "fraud"))
    register(store, "loans", owner="risk", tags=("us",))
    register(store, "boats", owner="ops")
    run_day(store, "loans")

    assert models(status(as_json=True, owners=("risk",))) == ["cards", "loans"]
    assert models(status(as_json=True, tags=("eu", "us"))) == ["cards", "loans"]
    assert models(status(as_json=True, statuses=("silent",), owners=("risk", "none"))) == ["cards"]
    assert status(tags=("none",)) == "0 of 3 models\n"


def test_a_model_has_its_performance_with_interval_and_coverage(store, status):
    register(store, "cards", team="fraud squad")
    found = metric("accuracy", 0.87, low=0.85, high=0.89)
    run_day(store, "cards", families=[labelled("cards", DAY.day, found, metric("label_coverage", 0.98))])

    [row] = map(json.loads, status(as_json=True).splitlines())
    assert row["performance"] == {
        "metric": "accuracy", "partition": "2013-03-08", "value": 0.87, "low": 0.85, "high": 0.89,
        "label_coverage": 0.98,
    }  # fmt: skip
    assert (row["team"], row["rows"], row["days_late"]) == ("fraud squad", 890, 0)
    assert all(said in status() for said in ("accuracy 0.870", "0.850 to 0.890", "labels 98.0 %"))


@pytest.mark.parametrize("owner", HOSTILE.values(), ids=HOSTILE)
def test_texts_of_people_are_only_texts(store, status, owner):
    register(store, "cards", owner=f"[bold]{owner}[/bold]", tags=(owner,))

    shown = status()
    assert "[bold]" in shown
    assert "\x1b" not in shown


def test_the_statuses_that_may_be_asked_for_are_those_there_are():
    assert tuple(ModelStatus) == declared._STATUSES


def test_a_store_that_is_not_there_is_no_store_without_models(home, capsys):
    assert main(["status"]) == 1
    assert "does not exist" in capsys.readouterr().err


@pytest.fixture
def day(store) -> None:
    """A day with an alert and its consequence, a drifted column, and labels."""
    title = "drift of wind_speed: values higher than expected"
    cause = f"{title} (by itself it would move the mean score by +0.02)"
    limit = {"low": None, "high": 0.05, "history": None, "rule": "at most 0.05"}
    drift = DriftDetail(method="psi", baseline="the reference")
    found = results(
        metrics=(
            metric("drift_score", 0.42, "wind_speed", drift=drift),
            metric("drift_score", 0.01, "distance", drift=drift),
            metric("null_rate", 0.2, "wind_speed"),
        ),
        verdicts=(
            verdict("drift_score", column="wind_speed", value=0.42, p_value=1e-5, effect=0.9),
            verdict("drift_score", column="distance", value=0.01, state=VerdictState.OK),
            verdict("null_rate", column="wind_speed", value=0.2, **limit),
        ),
        checks=(),
        alerts=(
            alert(
                "drift_score",
                column="wind_speed",
                title=title,
                cause=cause,
            ),
            alert("null_rate", column="wind_speed", title="null rate of wind_speed above its limit", cause=cause),
        ),
    )
    of_labels = results(
        family=Family.LABELS,
        metrics=(metric("accuracy", 0.87, low=0.85, high=0.89), metric("label_coverage", 0.98)),
        verdicts=(),
        checks=(),
    )
    state = partition_state(status=Status.PARTIAL, message="1 of 4 files is damaged.")
    store.publish(state, [found, of_labels], supersedes=None)


@pytest.mark.usefixtures("day")
class TestShow:
    def test_a_day_is_shown_as_its_page_says_it(self, capsys, home):
        assert main(["show", SPEC, "--partition", "2013-03-08"]) == 0
        shown = capsys.readouterr().out
        lines = shown.splitlines()

        assert lines[:4] == [
            "flights, Friday 8 March 2013: PARTIAL",
            "1 incident with 2 alerts, part of the data is missing.",
            "1 of 4 files is damaged.",
            "900 rows read, 890 accepted, 10 quarantined",
        ]
        assert "drifted columns: 1 of 2" in lines
        assert "performance, with 98.0 % of the labels received" in lines
        words = " ".join(shown.split())
        assert "accuracy 0.870 0.850 to 0.890 890" in words
        assert "20.0 % at most 5.0 %" in words
        assert "wind_speed psi 0.420" in words
        assert "open since" in words
        assert lines[-1] == f"page: {home}/mlmon/workspace/reports/flights/2013-03-08/report.html"
        assert max(len(line) for line in lines[:-1]) <= 80

    def test_json_is_that_of_a_run_with_the_address_of_the_page(self, capsys):
        assert main(["show", SPEC, "--partition", "2013-03-08", "--json"]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)

        assert (found["partition"], found["status"], found["rows"]) == ("2013-03-08", "PARTIAL", 890)
        assert {one["metric"] for one in found["verdicts"] if one["breached"]} == {"drift_score", "null_rate"}
        assert len(found["alerts"]) == 2
        assert found["page"].endswith("reports/flights/2013-03-08/report.html")

    def test_a_day_that_never_ran_says_which_did(self, capsys):
        assert main(["show", SPEC, "--partition", "2013-03-09"]) == 1
        assert capsys.readouterr().err == (
            "flights 2013-03-09 was never run; the last day that was evaluated is 2013-03-08.\n"
        )


def test_a_day_of_a_failed_run_is_shown_with_its_message(store, capsys):
    store.record_failure(DAY, "The archive does not answer.")

    assert main(["show", SPEC, "--partition", "2013-03-08"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["flights, Friday 8 March 2013: FAILED", "The run failed.", "The archive does not answer."]
