"""Files of captured rows in the spool and at a local destination."""

from __future__ import annotations

import errno
import json
import os
import stat

import pyarrow as pa
import pytest

from airflow_mlmon.capture.destination import LocalFolder, open_destination, publish_file
from airflow_mlmon.capture.encoding import CapturedFile, FilePiece, encode_rows
from airflow_mlmon.capture.marks import Marks, read_marks
from airflow_mlmon.capture.schema import CaptureError
from airflow_mlmon.capture.spool import SpoolFolder, SpoolFullError, choose_spool, list_spooled, read_spooled
from airflow_mlmon.capture.uploader import reason_of

FILE = CapturedFile(2, (FilePiece("dt=1/_capture/a-1.jsonl.json", b"marks"), FilePiece("dt=1/a-1.jsonl", b"{}\n{}\n")))
MARKS = Marks(model="fraud", process="a", first=1, last=2, rows=2)


def texts(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_marks_are_published_before_their_lines():
    file = encode_rows(pa.table({"x": [1.5, float("nan")]}), MARKS, "dt=1/", "jsonl")
    names = [piece.name for piece in file.pieces]
    assert names == ["dt=1/_capture/a-000000000001.jsonl.json", "dt=1/a-000000000001.jsonl"]
    assert read_marks(file.pieces[0].content) == MARKS
    assert [json.loads(line) for line in file.pieces[1].content.splitlines()] == [{"x": 1.5}, {"x": "NaN"}]


@pytest.fixture(params=["links", "no-links"])
def _links(request, monkeypatch):
    """File systems with hard links, and without, as of a mounted bucket."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    if request.param == "no-links":
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("_links")
def test_same_file_is_published_once_and_another_one_beside_it(tmp_path):
    folder = LocalFolder(tmp_path)
    other = FILE._replace(pieces=(FILE.pieces[0], FILE.pieces[1]._replace(content=b"{}\n{ }\n")))

    for file in (FILE, FILE, other):
        publish_file(folder, file)

    lines = [content for name, content in texts(tmp_path).items() if name.endswith(".jsonl")]
    assert sorted(lines) == [b"{}\n{ }\n", b"{}\n{}\n"]


@pytest.mark.guards("fault-46")
def test_no_file_replaces_another_one(tmp_path):
    folder = LocalFolder(tmp_path)
    publish_file(folder, FILE)
    publish_file(folder, FILE)
    assert texts(tmp_path) == dict(FILE.pieces)
    other = FILE._replace(pieces=(FILE.pieces[0], FILE.pieces[1]._replace(content=b"{}\n{ }\n")))
    publish_file(folder, other)
    found = texts(tmp_path)
    (name,) = [name for name in found if name.startswith("dt=1/a-1-")]
    assert found == {
        **dict(FILE.pieces),
        name: b"{}\n{ }\n",
        f"dt=1/_capture/{name.removeprefix('dt=1/')}.json": b"marks",
    }


def test_the_spool_is_private_bounded_and_in_order(tmp_path):
    spool = SpoolFolder(tmp_path / "spool", "p", 500)
    first, second = spool.add(FILE), spool.add(FILE)
    with pytest.raises(SpoolFullError):
        spool.add(FILE._replace(pieces=(FilePiece("b", bytes(300)),)))
    assert list_spooled(first.path.parent) == [first, second]
    assert read_spooled(first.path) == FILE
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    # another process counts what is there
    other = SpoolFolder(tmp_path / "spool", "q", spool.bytes + 10)
    with pytest.raises(SpoolFullError):
        other.add(FILE)
    spool.remove(first)
    spool.remove(second)
    assert spool.bytes == 0


def test_a_living_process_keeps_its_files_and_a_dead_one_is_taken_over(tmp_path):
    living, dead = SpoolFolder(tmp_path, "p", 1000), SpoolFolder(tmp_path, "q", 1000)
    dead.add(FILE)
    assert list(living.take_over()) == []
    os.close(dead.counter_file)
    (found,) = list(living.take_over())
    assert (found.folder.name, found.counters.kept, len(found.files)) == ("q", 2, 1)
    # what its own counters lacked is now in them
    (again,) = list(living.take_over())
    assert again.counters.kept == 2
    again.forget()
    assert list(living.take_over()) == []


@pytest.mark.guards("attack-spool")
def test_another_users_folder_is_no_spool(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "spool").symlink_to(tmp_path / "real")
    with pytest.raises(PermissionError, match="no folder"):
        SpoolFolder(tmp_path / "spool", "p", 1000)


def test_models_and_archives_have_spools_of_their_own(tmp_path):
    found = {choose_spool(tmp_path, model, archive) for model in ("a", "../b") for archive in ("s3://x", "s3://y")}
    assert len(found) == 4
    assert all(path.parent == tmp_path for path in found)


def test_a_destination_of_another_kind_is_refused():
    with pytest.raises(CaptureError, match="gs://bucket"):
        open_destination("gs://bucket/archive")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device"), "disk_full"),
        (PermissionError(13, "Permission denied"), "refused"),
        (OSError("key 'a/4034.parquet': AWS Error ACCESS_DENIED during PutObject operation: no"), "refused"),
        (OSError("key 'access key/403.parquet': AWS Error NETWORK_CONNECTION during PutObject"), "unreachable"),
        (OSError("When uploading: AWS Error UNKNOWN (HTTP status 403) during PutObject"), "refused"),
    ],
)
def test_failures_have_their_word(error, reason):
    assert reason_of(error) == reason
