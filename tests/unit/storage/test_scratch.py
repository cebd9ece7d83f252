"""Local files of a process are its own while it lives, and swept once it is gone."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from airflow_mlmon.storage.scratch import locked_file, scratch_file, scratch_folder, sweep


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_and_a_file_are_gone_after_use(root):
    with scratch_folder() as folder, scratch_file(".parquet") as file:
        (folder / "rows").write_bytes(b"x")
        file.write(b"x")
        there = {path.suffix for path in root.iterdir()}

    assert there == {"", ".parquet"}
    assert list(root.iterdir()) == []


def test_what_is_in_use_is_left_alone(root):
    with scratch_folder() as folder, scratch_file(".parquet") as file:
        sweep(root, "mlmon-scratch-")

        assert folder.exists()
        assert Path(file.name).exists()


def test_what_nobody_uses_is_swept_before_the_next_folder(root):
    left = root / "mlmon-scratch-left"
    (left / "content").mkdir(parents=True)
    (left / ".lock").touch()
    (root / "mlmon-scratch-left.parquet").touch()
    new = root / "mlmon-scratch-new"
    new.mkdir()
    (root / "other").touch()

    with scratch_folder() as folder:
        assert {path.name for path in root.iterdir()} == {folder.parent.name, new.name, "other"}


def test_a_link_that_another_user_left_is_not_followed(root):
    target = root / "target"
    target.write_bytes(b"x")
    (root / "mlmon-scratch-link").symlink_to(target)
    os.mkfifo(root / "mlmon-scratch-pipe")

    sweep(root, "mlmon-scratch-")

    assert target.read_bytes() == b"x"


def test_a_file_that_is_swept_before_it_was_locked_is_made_anew(root, monkeypatch):
    names = iter(("a", "b"))
    monkeypatch.setattr(tempfile, "_get_candidate_names", lambda: names)
    held = tempfile.NamedTemporaryFile

    def swept_at_once(**given: object):
        file = held(**given)  # type: ignore[call-overload]
        if file.name.endswith("xa"):
            sweep(root, "x")
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", swept_at_once)

    with locked_file(root, "x") as file:
        assert Path(file.name).name == "xb"
        assert Path(file.name).exists()
