"""Signs that a day is complete: markers, a manifest, a number of files, and time since the last write."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from airflow_mlmon.archive.layouts.readiness import explain_unready
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage.local import LocalStore
from tests.support.base_day import SPEC

DAY = Partition.of_day("m", date(2026, 3, 1))
NOON = DAY.end + timedelta(hours=12)


class Folder:
    """Objects in a folder, and what keeps its day from being complete."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, *names: str, content: bytes = b"x", modified: datetime = NOON) -> None:
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (modified.timestamp(), modified.timestamp()))

    def explain(self, ready: str, path: str = "p/{date}/", now: datetime | None = NOON) -> str:
        text = SPEC.format(root=self.root).replace("preds/dt={date}/", path)
        text = text.replace("  columns:", f"  ready: {ready}\n  columns:\n    region: {{type: category}}")
        found = explain_unready(LocalStore(), parse_spec(text, "m.yaml").predictions, DAY, now)
        return found.replace(f"{self.root}/", "")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.guards("fault-03")
@pytest.mark.parametrize("marker", ["_SUCCESS", ".done", "READY"])
def test_a_marker_counts_in_the_folder_of_the_day_alone(folder, marker):
    folder.add("p/2026-03-01/hour=00/part.parquet")
    folder.add(f"p/2026-03-01/hour=00/{marker}", f"p/2026-03-01/x{marker}", content=b"")
    before = folder.explain(marker)
    folder.add(f"p/2026-03-01/{marker}", content=b"")

    assert (before, folder.explain(marker)) == (f"no {marker} in p/2026-03-01/", "")


def test_a_marker_at_the_root_is_named_where_the_folders_of_days_have_none(folder):
    folder.add("p/2026-03-01/part.parquet", "p/_SUCCESS")

    hint = "but one in p/: did you mean `ready: {root: _SUCCESS}`?"
    assert folder.explain("_SUCCESS") == f"no _SUCCESS in p/2026-03-01/, {hint}"


def test_each_hour_needs_its_marker_if_the_path_has_hours(folder):
    path = "p/{date}/{hour}/"
    folder.add(*(f"p/2026-03-01/{hour:02d}/_SUCCESS" for hour in range(22)))
    before = folder.explain("_SUCCESS", path)
    folder.add("p/2026-03-01/22/_SUCCESS", "p/2026-03-01/23/_SUCCESS")

    assert (before, folder.explain("_SUCCESS", path)) == ("no _SUCCESS in p/2026-03-01/22/ and 1 more folders", "")


def test_each_part_of_a_day_needs_its_marker(folder):
    folder.add("p/eu/2026-03-01/a.parquet", "p/eu/2026-03-01/_SUCCESS", "p/us/2026-03-01/a.parquet")

    assert folder.explain("_SUCCESS", "p/{region}/{date}/") == "no _SUCCESS in p/us/2026-03-01/"


def test_a_marker_at_the_root_counts_if_it_was_written_after_the_day(folder):
    absent = folder.explain("{root: _SUCCESS}")
    folder.add("p/_SUCCESS", modified=DAY.end - timedelta(seconds=1))
    old = folder.explain("{root: _SUCCESS}")
    folder.add("p/_SUCCESS", modified=DAY.end)

    assert absent == "no _SUCCESS in p/"
    assert old == "_SUCCESS in p/ was not written since the day ended"
    assert folder.explain("{root: _SUCCESS}") == ""


@pytest.mark.parametrize(
    "manifest",
    [
        {"entries": [{"url": "ROOT/p/2026-03-01/a", "meta": {"content_length": 1}}, {"url": "ROOT/p/2026-03-01/b"}]},
        [{"prefix": "ROOT/p/2026-03-01/"}, "a", "b"],
        ["a", "b"],
        "ROOT/p/2026-03-01/a\nROOT/p/2026-03-01/b\n",
    ],
)
def test_a_manifest_lists_the_files_that_must_be_there(folder, manifest):
    text = manifest if isinstance(manifest, str) else json.dumps(manifest)
    absent = folder.explain("{manifest: manifest}")
    folder.add("p/2026-03-01/manifest", content=text.replace("ROOT", str(folder.root)).encode())
    folder.add("p/2026-03-01/a")
    half = folder.explain("{manifest: manifest}")
    folder.add("p/2026-03-01/b")

    assert absent == "no manifest in p/2026-03-01/"
    assert half.endswith("b, which manifest lists, is absent")
    assert folder.explain("{manifest: manifest}") == ""


def test_a_file_of_another_size_than_the_manifest_says_is_not_complete(folder):
    entry = {"url": f"{folder.root}/p/2026-03-01/a", "meta": {"content_length": 9}}
    folder.add("p/2026-03-01/manifest", content=json.dumps({"entries": [entry]}).encode())
    folder.add("p/2026-03-01/a")

    assert folder.explain("{manifest: manifest}") == "p/2026-03-01/a has 1 of the 9 bytes that manifest lists"


def test_a_number_of_files_counts_data_alone(folder):
    folder.add("p/2026-03-01/a", "p/2026-03-01/_SUCCESS", "p/2026-03-01/a.crc")
    before = folder.explain("{min_files: 2}")
    folder.add("p/2026-03-01/b")

    assert (before, folder.explain("{min_files: 2}")) == ("1 files of at least 2", "")


def test_a_while_without_a_write_counts_after_the_day_has_ended(folder):
    folder.add("p/2026-03-01/a", modified=NOON - timedelta(minutes=20))
    ready = "{unchanged_minutes: 15}"

    assert folder.explain(ready) == ""
    assert folder.explain(ready, now=NOON - timedelta(minutes=6)) == "files were written within 15 minutes"
    assert folder.explain(ready, now=DAY.end - timedelta(hours=1)) == "files were written within 15 minutes"
    assert folder.explain(ready, now=None) == ""


@pytest.mark.parametrize(
    ("ready", "mistake"), [("{}", "names no sign of a complete day"), ("a/b", "the name of a file, without folders")]
)
def test_a_sign_that_is_none_is_refused(folder, ready, mistake):
    with pytest.raises(ConfigError, match=f"m.yaml:.*ready.*: {mistake}"):
        folder.explain(ready)


def test_all_signs_are_needed(folder):
    folder.add("p/2026-03-01/a", modified=datetime(2026, 3, 1, 12, tzinfo=UTC))

    assert folder.explain("{marker: _OK, min_files: 3}") == "no _OK in p/2026-03-01/; 1 files of at least 3"
