"""`mlmon alerts`, as a shell or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.store.outbox import MAX_ATTEMPTS
from tests.support.nights import alert, night, partition, results
from tests.support.runs import local_archive


def mlmon(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "airflow_mlmon.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "AIRFLOW_HOME": str(folder / "home"), "COLUMNS": "120"},
    )


def said(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    done = mlmon(folder, *arguments, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a spec, and a store in which two alerts are open."""
    archive = local_archive(tmp_path, 1)
    spec = archive.spec_text().replace("model: loans", "model: flights").replace("alerts:", "alerts:\n  for: 1")
    (tmp_path / "flights.yaml").write_text(spec)
    with MetricStore(f"sqlite:///{tmp_path}/home/mlmon/store.db") as store:
        for day in (8, 9):
            of = partition(day)
            found = results(of, alerts=(alert(of=of), alert("null_share", of, column="amount")))
            store.publish(night(of), [found], supersedes=None, channels=["log"])
    return tmp_path


def test_what_people_do_shows_in_the_list(folder):
    listed = said(folder, "alerts", "list", "flights.yaml")
    assert [(entry["metric"], entry["state"], entry["nights"]) for entry in listed] == [
        ("null_share", "open", 2),
        ("score_mean", "open", 2),
    ]

    because = ("--why", "a campaign", "--by", "Ada")
    said(folder, "alerts", "ack", "flights.yaml", "--alert", listed[1]["fingerprint"][:6], *because)
    [muted] = said(folder, "alerts", "mute", "flights.yaml", "--metric", "null_share", "--column", "amount",
                   "--until", "2013-03-20", *because)  # fmt: skip
    assert (muted["state"], muted["muted_until"]) == ("muted", "2013-03-20")
    [over] = said(folder, "alerts", "resolve", "flights.yaml", "--metric", "score_mean", "--accept", *because)
    assert (over["state"], over["resolved_on"], over["resolved_by"]) == ("resolved", "2013-03-09", "Ada")

    [found] = said(folder, "alerts", "list", "flights.yaml", "--state", "resolved")
    assert (found["metric"], found["acknowledged_by"]) == ("score_mean", "Ada")
    assert said(folder, "alerts", "list", "flights.yaml", "--from", "2013-04-01", "--state", "resolved") == []
    shown = mlmon(folder, "alerts", "list", "flights.yaml").stdout
    assert "muted until 2013-03-20" in shown
    assert "acknowledged by Ada" in shown


@pytest.fixture
def storm(folder) -> Path:
    """One incident in which, on its second night, one more alert opens; and an alert of its own beside it."""
    rain = "drift of precip (by itself it would move the mean score by +0.09)"
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        for day, broken in ((10, ("precip",)), (11, ("precip", "visib"))):
            of = partition(day)
            alerts = [alert("drift_score", of, column=name, title=f"drift of {name}", cause=rain) for name in broken]
            alerts += [alert("score_mean", of, cause=rain), alert("null_share", of, column="amount")]
            store.publish(night(of), [results(of, alerts=tuple(alerts))], supersedes=None, channels=["log"])
    return folder


def states(folder: Path) -> dict[str, str]:
    listed = said(folder, "alerts", "list", "flights.yaml")
    return {entry["column"] or entry["metric"]: entry["state"] for entry in listed}


def test_one_command_does_it_about_all_alerts_of_an_incident(storm):
    because = ("--why", "a storm", "--by", "Ada")

    done = said(
        storm, "alerts", "resolve", "flights.yaml", "--metric", "score_mean", "--incident", "--accept", *because
    )

    # the mean score was in breach before the rain
    assert {(entry["column"] or entry["metric"], entry["state"]) for entry in done} == {
        ("score_mean", "resolved"),
        ("precip", "resolved"),
        ("visib", "resolved"),
    }
    assert states(storm) == {"score_mean": "resolved", "precip": "resolved", "visib": "resolved", "amount": "open"}
    assert "likely cause: drift of precip" in mlmon(storm, "alerts", "list", "flights.yaml").stdout


def test_several_alerts_are_named_in_one_command_and_all_or_none_is_done(storm):
    because = ("--why", "a storm", "--by", "Ada")
    names = {entry["column"]: entry["fingerprint"] for entry in said(storm, "alerts", "list", "flights.yaml")}
    both = ("--alert", names["precip"], "--alert", names["visib"])

    # visib was quiet on that day
    refused = mlmon(storm, "alerts", "ack", "flights.yaml", *both, "--day", "2013-03-10", *because)
    assert (refused.returncode, states(storm)["precip"]) == (1, "open")
    assert "on 2013-03-10 the alert was not open yet; it is since 2013-03-11" in refused.stderr

    assert len(said(storm, "alerts", "ack", "flights.yaml", *both, *because)) == 2
    assert states(storm) == {"score_mean": "open", "precip": "acknowledged", "visib": "acknowledged", "amount": "open"}


def test_an_alert_that_has_resolved_says_so(folder):
    because = ("--metric", "score_mean", "--why", "a storm", "--by", "Ada")
    said(folder, "alerts", "resolve", "flights.yaml", *because)

    again = mlmon(folder, "alerts", "resolve", "flights.yaml", *because)

    assert again.returncode == 1
    assert "not open any more; it was from 2013-03-08 to 2013-03-09" in again.stderr


@pytest.mark.parametrize("command", [["list"], ["retry"], ["ack", "--alert", "3b", "--why", "x"]])
def test_a_store_that_is_not_there_is_no_store_without_alerts(folder, command):
    store = f"sqlite:///{folder}/misspelt/store.db"

    done = mlmon(folder, "alerts", command[0], "flights.yaml", *command[1:], "--store", store)

    assert done.returncode == 1
    assert f"There is no metric store {store}" in done.stderr
    assert not (folder / "misspelt").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2013-03-10", "--to", "2013-03-01"], "ends (2013-03-01) before it begins (2013-03-10)"),
        (["--state", "closed"], "there is no 'closed'. Hint: give one of pending, open"),
    ],
)
def test_a_list_that_cannot_be_says_why(folder, arguments, message):
    done = mlmon(folder, "alerts", "list", "flights.yaml", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_model_that_never_ran_has_not_simply_no_alerts(folder):
    (folder / "other.yaml").write_text((folder / "flights.yaml").read_text().replace("model: flights", "model: other"))

    assert "no night of it was judged yet" in mlmon(folder, "alerts", "list", "other.yaml").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ack", "--alert", "zz"], 1, "flights has no alert zz"),
        (["ack", "--alert", ""], 2, "give more of the fingerprint"),
        (["ack"], 2, "Give the alert by --alert"),
        (["mute", "--metric", "score_mean", "--until", "2013-03-01"], 2, "before 2013-03-09"),
        (["resolve", "--metric", "score_mean", "--day", "2013-03-01"], 1, "no night of 2013-03-01"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(folder, arguments, code, message):
    done = mlmon(folder, "alerts", arguments[0], "flights.yaml", *arguments[1:], "--why", "x", "--by", "Ada")

    assert done.returncode == code
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_messages_that_were_given_up_are_listed_and_tried_again(folder):
    now = datetime(2013, 3, 10, tzinfo=UTC)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        store.mark_failed([claim.id for claim in store.claim_pending(9, now)], "answered 500", now)
    waiting = [entry for entry in said(folder, "alerts", "list", "flights.yaml") if entry["kind"] == "waiting"]
    assert {(letter["attempts"], letter["error"]) for letter in waiting} == {(1, "answered 500")}
    assert (
        "messages not delivered yet, which the next run tries again: 2"
        in mlmon(folder, "alerts", "list", "flights.yaml").stdout
    )

    now += timedelta(days=1)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        for _ in range(MAX_ATTEMPTS - 1):
            store.mark_failed([claim.id for claim in store.claim_pending(9, now)], "answered 500", now)
            now += timedelta(days=1)

    letters = [entry for entry in said(folder, "alerts", "list", "flights.yaml") if entry["kind"] == "dead_letter"]

    assert {(letter["event"], letter["error"]) for letter in letters} == {("opened", "answered 500")}
    assert "could not be delivered" in mlmon(folder, "alerts", "list", "flights.yaml").stdout
    assert said(folder, "alerts", "retry", "flights.yaml") == [{"model": "flights", "retried": 2}]
    assert said(folder, "alerts", "retry", "flights.yaml") == [{"model": "flights", "retried": 0}]
