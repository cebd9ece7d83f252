"""`mlmon store`: the tables up and down, and what is said of it."""

from __future__ import annotations

import json

import pytest

from airflow_mlmon import __version__
from airflow_mlmon.cli.main import main
from airflow_mlmon.store.schema import SCHEMA_VERSION


@pytest.fixture
def call(tmp_path, capsys):
    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["store", *arguments, "--store", f"sqlite:///{tmp_path}/store.db"])
        return code, *capsys.readouterr()

    return call


def test_upgrade_creates_the_tables_and_says_nothing_new_the_second_time(call, tmp_path):
    at = f"sqlite:///{tmp_path}/store.db: schema {SCHEMA_VERSION} of airflow-mlmon {__version__}"

    assert call("upgrade") == (0, f"{at}, before without tables\n", "")
    assert call("upgrade") == (0, f"{at}\n", "")
    assert json.loads(call("upgrade", "--json")[1])["before"] == SCHEMA_VERSION


def test_downgrade_lists_what_is_lost_and_takes_it_back_when_told_to(call):
    call("upgrade")

    code, listed, _ = call("downgrade", "--to", "0021")
    assert code == 0
    assert "0022: Steps: when each step of a day ran last" in listed
    assert f"schema {SCHEMA_VERSION}. --yes takes back these" in listed

    code, done, _ = call("downgrade", "--to", "0021", "--yes", "--json")
    assert (code, json.loads(done)["schema"]) == (0, "0021")
    assert "schema 0021 already" in call("downgrade", "--to", "0021")[1]
    assert "before 0021" in call("upgrade")[1]


def test_downgrade_of_nothing_or_to_nothing_is_an_error(call):
    code, _, said = call("downgrade", "--to", "0021")
    assert (code, "does not exist" in said) == (1, True)

    call("upgrade")
    code, _, said = call("downgrade", "--to", "soon")
    assert (code, "give one from 0001 to" in said) == (2, True)
