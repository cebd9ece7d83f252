"""`mlmon check` of folders: every spec is checked, whatever is wrong with another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from tests.support.runs import local_archive


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """Five specs: a good one, one of the same model in another folder, a misspelt and an empty one, and another."""
    monkeypatch.chdir(tmp_path)
    text = local_archive(tmp_path, 1).spec_text()
    models = tmp_path / "models"
    (models / "eu").mkdir(parents=True)
    (models / ".git").mkdir()
    (models / "a.yaml").write_text(text)
    (models / "b.yml").write_text(text.replace("metric: score_mean", "metric: scor_mean").replace("loans", "cars"))
    (models / "c.yaml").write_text("")
    (models / "eu" / "a.yml").write_text(text)
    (models / "eu" / "d.yaml").write_text(text.replace("model: loans", "model: boats"))
    (models / ".git" / "e.yaml").write_text("no spec")
    (models / "notes.txt").write_text("no spec")
    return models


def test_every_spec_of_a_folder_is_checked(folder, capsys):
    assert main(["check", "models"]) == 2
    out, err = capsys.readouterr()

    assert "models/a.yaml: ok: model loans" in out
    assert "models/eu/d.yaml: ok: model boats" in out
    assert out.splitlines()[-1] == "5 specs, 3 with mistakes"
    assert "models/b.yml:33: alerts.rules.0.metric: 'scor_mean' is unknown; did you mean score_mean?" in err
    assert "models/c.yaml" in err
    assert "models/eu/a.yml:1: model: 'loans' is already the model of models/a.yaml" in err
    assert len(err.splitlines()) == 3


def test_every_spec_is_one_object(folder, capsys):
    assert main(["check", "models", "--json"]) == 2

    found = {line["file"]: line for line in map(json.loads, capsys.readouterr().out.splitlines())}
    assert {name: line["ok"] for name, line in found.items()} == {
        "models/a.yaml": True,
        "models/b.yml": False,
        "models/c.yaml": False,
        "models/eu/a.yml": False,
        "models/eu/d.yaml": True,
    }


def test_a_model_in_two_files_is_named_with_both(folder, capsys):
    assert main(["check", "models/eu", "models/a.yaml", "models/eu/a.yml"]) == 2

    assert "models/a.yaml:1: model: 'loans' is already the model of models/eu/a.yml" in capsys.readouterr().err


def test_a_file_that_is_given_twice_is_one(folder, capsys):
    assert main(["check", "models/a.yaml", "./models/../models/a.yaml"]) == 0
    assert capsys.readouterr().out.count("ok: model loans") == 1


def test_a_folder_without_specs_and_a_file_that_is_none_are_named(folder, capsys):
    (folder / "empty").mkdir()

    assert main(["check", "models/empty"]) == 2
    assert main(["check", "models/a.yaml", "models/none.yaml"]) == 2
    out, err = capsys.readouterr()
    assert "models/empty: no specs (*.yaml, *.yml)" in err
    assert "models/none.yaml: cannot read the file" in err
    assert "models/a.yaml: ok" in out


def test_data_of_one_model_that_cannot_be_reached_hides_no_other(folder, capsys):
    """A connection that is not there."""
    for name in ("b.yml", "c.yaml", "eu/a.yml"):
        (folder / name).unlink()
    text = (folder / "a.yaml").read_text()
    there = text.replace("predictions:\n", "predictions:\n  connection: absent\n", 1)
    (folder / "a.yaml").write_text(there.replace("path: ", "path: s3://nowhere", 1))

    assert main(["check", "models", "--data", "--json"]) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["file"], first["data"]["good"]) == ("models/a.yaml", False)
    assert "absent" in first["data"]["error"]
    assert (second["file"], second["data"]["good"]) == ("models/eu/d.yaml", True)
