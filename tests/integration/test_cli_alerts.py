"""`mlmon alerts`: what it prints, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import MAX_ATTEMPTS
from tests.support.published import alert, partition, partition_state, results
from tests.support.runs import local_archive

BECAUSE = ("--why", "a storm", "--by", "Ada")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec, and a store in which two alerts are open."""
    archive = local_archive(tmp_path, 1)
    spec = archive.spec_text().replace("model: loans", "model: flights").replace("alerts:", "alerts:\n  for: 1")
    (tmp_path / "flights.yaml").write_text(spec)
    with MetricStore(f"sqlite:///{tmp_path}/home/mlmon/store.db") as store:
        for day in (8, 9):
            of = partition(day)
            found = results(of, alerts=(alert(of=of), alert("null_rate", of, column="amount")))
            store.publish(partition_state(of), [found], supersedes=None, channels=["log"])
    return tmp_path


@pytest.fixture
def call(folder: Path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Call the command in the folder: its exit code, and what it prints."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AIRFLOW_HOME", str(folder / "home"))
    monkeypatch.setenv("COLUMNS", "120")

    def call(name: str, *arguments: str) -> tuple[int, str, str]:
        code = main(["alerts", name, "flights.yaml", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def said(call) -> Callable[..., list[dict[str, Any]]]:
    """Call the command for its JSON."""

    def said(*arguments: str) -> list[dict[str, Any]]:
        code, printed, complaint = call(*arguments, "--json")
        assert code == 0, complaint + printed
        return [json.loads(line) for line in printed.splitlines()]

    return said


def test_what_people_do_shows_in_the_list(call, said):
    listed = said("list")
    assert [(entry["metric"], entry["state"], entry["days"]) for entry in listed] == [
        ("null_rate", "open", 2),
        ("score_mean", "open", 2),
    ]

    because = ("--why", "a campaign", "--by", "Ada")
    said("ack", "--alert", listed[1]["fingerprint"][:6], *because)
    [muted] = said("mute", "--metric", "null_rate", "--column", "amount",
                   "--until", "2013-03-20", *because)  # fmt: skip
    assert (muted["state"], muted["muted_until"]) == ("muted", "2013-03-20")
    [over] = said("resolve", "--metric", "score_mean", "--accept", *because)
    assert (over["state"], over["resolved_on"], over["resolved_by"]) == ("resolved", "2013-03-09", "Ada")

    [found] = said("list", "--state", "resolved")
    assert (found["metric"], found["acknowledged_by"]) == ("score_mean", "Ada")
    assert said("list", "--from", "2013-04-01", "--state", "resolved") == []
    shown = call("list")[1]
    assert "muted until 2013-03-20" in shown
    assert "acknowledged by Ada" in shown


def test_open_is_every_state_that_is_neither_resolved_nor_muted(folder, said):
    """An alert that has opened again breaches like any other, and `--state open` once hid it."""
    said("resolve", "--metric", "score_mean", *BECAUSE)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        of = partition(10)
        both = (alert(of=of), alert("null_rate", of, column="amount"))
        store.publish(partition_state(of), [results(of, alerts=both)], supersedes=None, channels=["log"])
    said("ack", "--metric", "null_rate", "--column", "amount", *BECAUSE)

    def states(*names: str) -> dict[str, str]:
        return subjects(said("list", *(word for name in names for word in ("--state", name))), "state")

    assert states("open") == {"score_mean": "reopened", "amount": "acknowledged"}
    assert states("opened") == {}
    assert states("reopened", "resolved") == {"score_mean": "reopened"}
    said("mute", "--metric", "score_mean", "--until", "2013-03-20", *BECAUSE)
    assert states("open") == {"amount": "acknowledged"}


@pytest.fixture
def storm(folder) -> Path:
    """One incident in which, on its second day, one more alert opens; and an alert of its own beside it."""
    rain = "drift of precip (by itself it would move the mean score by +0.09)"
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        for day, broken in ((10, ("precip",)), (11, ("precip", "visib"))):
            of = partition(day)
            alerts = [alert("drift_score", of, column=name, title=f"drift of {name}", cause=rain) for name in broken]
            alerts += [alert("score_mean", of, cause=rain), alert("null_rate", of, column="amount")]
            store.publish(partition_state(of), [results(of, alerts=tuple(alerts))], supersedes=None, channels=["log"])
    return folder


def subjects(entries: list[dict[str, Any]], what: str) -> dict[str, str]:
    return {entry["column"] or entry["metric"]: entry[what] for entry in entries}


@pytest.mark.usefixtures("storm")
def test_one_command_does_it_about_all_alerts_of_an_incident(call, said):
    done = said("resolve", "--metric", "score_mean", "--incident", "--accept", *BECAUSE)

    # the mean score was in breach before the rain
    assert subjects(done, "state") == dict.fromkeys(("score_mean", "precip", "visib"), "resolved")
    assert subjects(said("list"), "state") == subjects(done, "state") | {"amount": "open"}
    assert "likely cause: drift of precip" in call("list")[1]


@pytest.mark.usefixtures("storm")
def test_several_alerts_are_named_in_one_command_and_all_or_none_is_done(call, said):
    names = subjects(said("list"), "fingerprint")
    both = ("--alert", names["precip"], "--alert", names["visib"])

    # visib was healthy on that day
    code, _, complaint = call("ack", *both, "--day", "2013-03-10", *BECAUSE)
    assert (code, subjects(said("list"), "state")["precip"]) == (1, "open")
    assert "the alert was not open yet on 2013-03-10; it is open since 2013-03-11" in complaint

    assert len(said("ack", *both, *BECAUSE)) == 2
    assert subjects(said("list"), "state") == {
        "score_mean": "open",
        "precip": "acknowledged",
        "visib": "acknowledged",
        "amount": "open",
    }


def test_an_alert_that_has_resolved_says_so(call, said):
    said("resolve", "--metric", "score_mean", *BECAUSE)
    code, _, complaint = call("resolve", "--metric", "score_mean", *BECAUSE)

    assert code == 1
    assert "no longer open; it was open from 2013-03-08 to 2013-03-09" in complaint


@pytest.mark.parametrize("command", [["list"], ["retry"], ["ack", "--alert", "3b", "--why", "x"]])
def test_a_store_that_is_not_there_is_no_store_without_alerts(folder, call, command):
    store = f"sqlite:///{folder}/misspelt/store.db"
    code, _, complaint = call(*command, "--store", store)

    assert code == 1
    assert f"Metric store {store} does not exist" in complaint
    assert not (folder / "misspelt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2013-03-10", "--to", "2013-03-01"], "ends (2013-03-01) before it begins (2013-03-10)"),
        (["--state", "closed"], "'closed' is not one of 'open', 'pending', 'opened'"),
    ],
)
def test_a_list_that_cannot_be_says_why(call, arguments, message):
    code, printed, complaint = call("list", *arguments)

    assert (code, printed) == (2, "")
    assert message in complaint


def test_a_model_that_never_ran_has_not_simply_no_alerts(folder, call):
    (folder / "flights.yaml").write_text(
        (folder / "flights.yaml").read_text().replace("model: flights", "model: other")
    )

    assert "no day has been evaluated yet" in call("list")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ack", "--alert", "zz"], 1, "flights has no alert zz"),
        (["ack", "--alert", ""], 2, "give more of the fingerprint"),
        (["ack"], 2, "No alert selected: give --alert"),
        (["mute", "--metric", "score_mean", "--until", "2013-03-01"], 2, "before it takes effect on 2013-03-09"),
        (["resolve", "--metric", "score_mean", "--day", "2013-03-01"], 1, "no run of 2013-03-01"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(call, arguments, code, message):
    found, _, complaint = call(*arguments, "--why", "x", "--by", "Ada")

    assert found == code
    assert message in complaint
    assert len(complaint.splitlines()) == 1


def test_messages_that_were_given_up_are_listed_and_tried_again(folder, call, said):
    now = datetime(2013, 3, 10, tzinfo=UTC)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        store.mark_failed([claim.id for claim in store.claim_pending(9, now)], "answered 500", now)
    waiting = [entry for entry in said("list") if entry["kind"] == "waiting"]
    assert {(letter["attempts"], letter["error"]) for letter in waiting} == {(1, "answered 500")}
    assert "messages not delivered yet; the next run sends them again: 2" in call("list")[1]

    now += timedelta(days=1)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        for _ in range(MAX_ATTEMPTS - 1):
            store.mark_failed([claim.id for claim in store.claim_pending(9, now)], "answered 500", now)
            now += timedelta(days=1)

    letters = [entry for entry in said("list") if entry["kind"] == "dead_letter"]

    assert {(letter["event"], letter["error"]) for letter in letters} == {("opened", "answered 500")}
    assert "undelivered messages" in call("list")[1]
    assert said("retry") == [{"model": "flights", "retried": 2}]
    assert said("retry") == [{"model": "flights", "retried": 0}]
