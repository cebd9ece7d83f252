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
from tests.support.nights import alert, night, partition, results
from tests.support.runs import local_archive


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
    assert [(entry["metric"], entry["state"], entry["nights"]) for entry in listed] == [
        ("null_share", "open", 2),
        ("score_mean", "open", 2),
    ]

    because = ("--why", "a campaign", "--by", "Ada")
    said("ack", "--alert", listed[1]["fingerprint"][:6], *because)
    [muted] = said("mute", "--metric", "null_share", "--column", "amount",
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
def test_what_cannot_be_done_is_said_in_one_line(call, arguments, code, message):
    found, _, complaint = call(*arguments, "--why", "x", "--by", "Ada")

    assert found == code
    assert message in complaint
    assert len(complaint.splitlines()) == 1


def test_messages_that_were_given_up_are_listed_and_tried_again(folder, call, said):
    now = datetime(2013, 3, 10, tzinfo=UTC)
    with MetricStore(f"sqlite:///{folder}/home/mlmon/store.db") as store:
        for _ in range(MAX_ATTEMPTS):
            store.mark_failed([claim.id for claim in store.claim_pending(9, now)], "answered 500", now)
            now += timedelta(days=1)

    letters = [entry for entry in said("list") if entry["kind"] == "dead_letter"]

    assert {(letter["event"], letter["error"]) for letter in letters} == {("opened", "answered 500")}
    assert "could not be delivered" in call("list")[1]
    assert said("retry") == [{"model": "flights", "retried": 2}]
    assert said("retry") == [{"model": "flights", "retried": 0}]
