"""`airflow mlmon …`: the commands of `mlmon` through Airflow's own command line."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from airflow.cli.cli_parser import get_parser

from airflow_mlmon.airflow_commands import _words
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.base_day import FIRST, BaseArchive
from tests.support.commands import command_of, declared
from tests.support.many_models import register
from tests.support.processes import free_port

EXAMPLES = [example for _, command in declared() for example in command.examples]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An AIRFLOW_HOME whose airflow.cfg names a store of one model that has never run."""
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    with MetricStore(url) as store:
        register(store, "cards", owner="risk")
    (tmp_path / "airflow.cfg").write_text(f"[mlmon]\nstore = {url}\n")
    return tmp_path


def airflow(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    return subprocess.run(
        [sys.executable, "-m", "airflow", "mlmon", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment | {"AIRFLOW_HOME": str(home), "COLUMNS": "80"} | more,
    )


def test_status_is_that_of_the_store_of_airflows_configuration(home):
    done = airflow(home, "status", "--json")

    assert (done.returncode, [json.loads(line)["model"] for line in done.stdout.splitlines()]) == (0, ["cards"]), (
        done.stderr
    )


def test_a_call_that_fails_exits_as_in_the_shell(home):
    done = airflow(home, "show", "none.yaml", "--partition", "2026-03-01", "--json")

    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == "ConfigError"


def test_what_airflow_logs_is_not_in_the_answer(home):
    """Airflow's own handlers hold the stream of standard output: the hook of S3 says where its keys are from."""
    archive = BaseArchive(home)
    spec = home / "m.yaml"
    # nothing answers there
    keys = {
        "conn_type": "aws",
        "login": "a",
        "password": "b",
        "extra": {"endpoint_url": f"http://127.0.0.1:{free_port()}"},
    }
    spec.write_text(
        archive.spec_text.replace(f"{archive.root}/preds/", "s3://nowhere/preds/").replace(
            "predictions:\n", "predictions:\n  connection: aws_default\n"
        )
    )
    done = airflow(
        home, "run", str(spec), "--partition", str(FIRST), "--json", AIRFLOW_CONN_AWS_DEFAULT=json.dumps(keys)
    )

    assert "AWS Connection" in done.stderr
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["FAILED"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_airflow_parses_is_what_the_command_is_given(example):
    _, *words = shlex.split(example)
    command, rest = command_of(words)
    parsed = get_parser().parse_args(["mlmon", *words])

    assert _given(command, _words(command, parsed)) == _given(command, rest)


def _given(command, words: list[str]) -> dict[str, object]:
    context = command.context_class(command, resilient_parsing=True)
    command.parse_args(context, words)
    return context.params


def test_help_has_the_examples_as_calls_of_airflow(capsys):
    with pytest.raises(SystemExit):
        get_parser().parse_args(["mlmon", "alerts", "list", "--help"])

    shown = capsys.readouterr().out
    assert "airflow mlmon alerts list fraud.yaml --state open" in shown
    assert "exit codes:" in shown
