"""`mlmon fleet`: the pages of all models as files, from their specs and the store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.fleet.files import write_fleet
from airflow_mlmon.pipeline.fleet.specs import register_specs
from airflow_mlmon.settings import Settings
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.many_models import MORNING, TODAY, fleet_of_every_status, register, run_day

SPEC = """\
model: {model}
task: binary
start: 2013-02-01
owner: {owner}
reference: {{path: reference.parquet}}
predictions:
  path: archive/{{date}}/
  columns:
    id: {{role: id, type: string}}
    at: {{role: time, type: timestamp}}
    score: {{role: score, type: float}}
    amount: {{role: feature, type: float}}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{tmp_path}/mlmon.db") as opened:
        yield opened


def _write(folder: Path, store: MetricStore) -> set[str]:
    write_fleet(store, LocalStore(), str(folder), MORNING)
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_every_link_between_the_pages_leads_to_a_page(store, tmp_path):
    fleet_of_every_status(store)
    register(store, "healthy", owner="Risk & Fraud", tags=("eu", "a/b"))

    names = _write(tmp_path / "reports", store)

    pages = [(tmp_path / "reports" / name).read_text() for name in names]
    hrefs = {href for page in pages for href in re.findall(r'href="([^"/#]+)"', page)}
    assert hrefs == names
    assert {"index.html", "inbox.html", "status-silent.html", "tag-eu.html"} < names


def test_pages_of_selections_that_are_empty_now_are_deleted_and_nothing_else(store, tmp_path):
    folder = tmp_path / "reports"
    register(store, "index_x", owner="ann")
    (folder / "index_x").mkdir(parents=True)
    (folder / "index_x" / "index.html").write_text("of a model")
    (folder / "index-2.html").write_text("old")
    (folder / "inbox-2.html").write_text("old")
    before = _write(folder, store)
    register(store, "index_x", owner="bob")

    after = _write(folder, store)

    assert before - after == {"owner-ann.html"}
    assert after - before == {"owner-bob.html"}
    assert "index-2.html" not in before | after
    assert (folder / "index_x" / "index.html").exists()


def test_specs_are_registered_and_those_that_cannot_be_loaded_with_their_error(store, tmp_path):
    (tmp_path / "fraud.yaml").write_text(SPEC.format(model="fraud", owner="ann"))
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "New Model.yml").write_text("modell: x\n")

    register_specs(store, [tmp_path], TODAY)

    found = {one.model: one for one in store.registered()}
    assert (found["fraud"].owner, found["fraud"].error) == ("ann", "")
    [broken] = [one for one in found.values() if one.error]
    assert "New Model.yml" in broken.error

    (tmp_path / "below" / "New Model.yml").write_text(SPEC.format(model="loans", owner="bob"))
    register_specs(store, [tmp_path], TODAY)

    assert [(one.model, one.error) for one in store.registered()] == [("fraud", ""), ("loans", "")]


def test_a_model_whose_spec_is_gone_is_seen_unless_it_has_ended(store, tmp_path):
    for name, end in (("gone", None), ("ended", TODAY - timedelta(days=3)), ("elsewhere", None)):
        place = "/other" if name == "elsewhere" else tmp_path
        register(store, name, spec=f"{place}/{name}.yaml", end=end)

    register_specs(store, [tmp_path], TODAY)

    assert [one.model for one in store.registered() if one.error] == ["gone"]


def test_command_writes_the_pages_and_says_what_is_wrong(store, tmp_path, capsys):
    settings = Settings(
        store=f"sqlite:///{tmp_path}/mlmon.db", workspace=str(tmp_path), workspace_connection=None, hash_key=None
    )
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "bad.yaml").write_text("")
    register(store, "fraud")
    run_day(store, "fraud")

    code = main(["fleet", str(tmp_path / "specs")], lambda **_: settings)
    out = capsys.readouterr().out

    assert code == 1
    assert "bad.yaml:1: a spec must be a mapping" in out
    assert "2 models: 1 silent, 1 broken" in out
    assert (tmp_path / "reports" / "status-broken.html").exists()

    assert main(["fleet", "--json"], lambda **_: settings) == 0
    assert json.loads(capsys.readouterr().out)["models"] == {"silent": 1, "broken": 1}


def test_a_folder_that_is_not_there_is_a_wrong_call(tmp_path, capsys):
    settings = Settings(
        store=f"sqlite:///{tmp_path}/mlmon.db", workspace=str(tmp_path), workspace_connection=None, hash_key=None
    )

    assert main(["fleet", str(tmp_path / "none")], lambda **_: settings) == 2
    assert "there is no such folder" in capsys.readouterr().err
