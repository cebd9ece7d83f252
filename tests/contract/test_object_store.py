"""What every object store does: a folder, moto's S3, versitygw's, which checks more, Azure and Google Cloud."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from airflow_mlmon.errors import (
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
    UnreadableFileError,
)
from airflow_mlmon.storage import ObjectStore, StoredObject
from airflow_mlmon.storage.azure import AzureStore
from airflow_mlmon.storage.gcs import GcsStore
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.storage.s3 import S3Store
from tests.support.full_disk import largest_file
from tests.support.processes import free_port


@dataclass
class Place:
    store: ObjectStore
    root: str


@pytest.fixture(
    params=[
        "folder",
        pytest.param("moto", marks=pytest.mark.service),
        pytest.param("versity", marks=pytest.mark.service),
        pytest.param("azurite", marks=pytest.mark.service),
        pytest.param("fake_gcs", marks=pytest.mark.service),
    ]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place(LocalStore(), str(tmp_path))
    server = request.getfixturevalue(request.param)
    if request.param == "azurite":
        container = server.container(f"test-{uuid.uuid4().hex[:12]}")
        return Place(AzureStore(server.options()), f"abfs://{container}")
    bucket = server.bucket(f"test-{uuid.uuid4().hex[:12]}")
    if request.param == "fake_gcs":
        return Place(GcsStore(server.options()), f"gs://{bucket}")
    return Place(S3Store(server.client()), f"s3://{bucket}")


def test_what_is_written_is_read_and_listed(place):
    uri = f"{place.root}/a/dt=2026-03-01/part é+ 1.parquet"

    place.store.write(uri, b"content")

    assert place.store.read(uri) == b"content"
    [found] = place.store.list(f"{place.root}/a/dt=2026-03-01/")
    assert (found.uri, found.size) == (uri, 7)


def test_an_uploaded_file_is_read_and_listed(place, tmp_path):
    source, uri = tmp_path / "source", f"{place.root}/a/dt=2026-03-01/part é+ 1.parquet"
    # above the size from which S3 takes an object in parts
    source.write_bytes(bytes(range(256)) * (9 << 12))
    place.store.write(uri, b"before")

    place.store.upload(uri, source)

    assert place.store.read(uri) == source.read_bytes()
    assert [(found.uri, found.size) for found in place.store.list(f"{place.root}/a/")] == [(uri, 9 << 20)]


def test_a_part_of_an_object_is_read(place):
    uri = f"{place.root}/a/part é+ 1.parquet"
    place.store.write(uri, bytes(range(200)))

    parts = [place.store.read_range(uri, start, size) for start, size in ((0, 1), (7, 90), (150, 50), (199, 9))]

    assert parts == [bytes([0]), bytes(range(7, 97)), bytes(range(150, 200)), bytes([199])]
    with pytest.raises(NotFoundError):
        place.store.read_range(f"{place.root}/a/absent", 0, 1)


def test_a_copied_object_is_read_and_its_source_stays(place):
    source, target = f"{place.root}/a/part é+ 1.parquet", f"{place.root}/b c/copy.parquet"
    content = bytes(range(256)) * (9 << 12)
    place.store.write(source, content)
    place.store.write(target, b"before")

    place.store.copy(source, target)

    assert place.store.read(source) == place.store.read(target) == content
    with pytest.raises(NotFoundError):
        place.store.copy(f"{place.root}/a/absent", target)


def test_every_file_of_others_is_listed(place):
    names = [".done", ".hidden/part-0.parquet", "_SUCCESS", "part-0.parquet"]
    for name in names:
        place.store.write(f"{place.root}/a/{name}", b"")

    assert [found.uri.removeprefix(f"{place.root}/a/") for found in place.store.list(f"{place.root}/a/")] == names


def test_the_listing_says_when_an_object_was_written(place):
    uri = f"{place.root}/a/x"
    before = datetime.now(UTC)
    place.store.write(uri, b"content")
    after = datetime.now(UTC)

    [found] = place.store.list(f"{place.root}/a/")

    # S3 counts in seconds, and a file's clock may tick more slowly than this one
    assert before - timedelta(seconds=1) <= found.modified <= after + timedelta(seconds=1)
    assert found.modified.utcoffset() == timedelta(0)


def test_objects_are_the_same_whenever_they_were_written():
    first, later = (StoredObject("x", 1, "e", datetime(year, 1, 1, tzinfo=UTC)) for year in (2025, 2026))

    assert first == later


def test_writing_again_replaces_and_changes_the_etag(place):
    uri = f"{place.root}/a/x"
    place.store.write(uri, b"one")
    before = place.store.list(f"{place.root}/a/")

    place.store.write(uri, b"other")

    assert place.store.read(uri) == b"other"
    assert place.store.list(f"{place.root}/a/")[0].etag != before[0].etag


def test_listing_is_sorted_and_has_every_page(place):
    for number in range(1005, 0, -1) if isinstance(place.store, LocalStore) else range(12):
        place.store.write(f"{place.root}/many/{number:04d}", b"")

    names = [found.uri for found in place.store.list(f"{place.root}/many/")]

    assert names == sorted(names)
    assert len(names) == (1005 if isinstance(place.store, LocalStore) else 12)


def test_listing_an_absent_folder_finds_nothing(place):
    assert place.store.list(f"{place.root}/nowhere/") == []


def test_reading_an_absent_object_says_so(place):
    with pytest.raises(NotFoundError, match="nowhere"):
        place.store.read(f"{place.root}/nowhere")


def test_what_is_deleted_is_gone_and_may_be_deleted_again(place):
    uri, other = f"{place.root}/gone/é+ 1", f"{place.root}/gone/2"
    place.store.write(uri, b"content")
    place.store.write(other, b"content")

    place.store.delete(uri)
    place.store.delete(uri)

    assert [found.uri for found in place.store.list(f"{place.root}/gone/")] == [other]


def test_local_copy_is_the_object(place):
    uri = f"{place.root}/a/x"
    place.store.write(uri, b"content")
    etag = place.store.list(f"{place.root}/a/")[0].etag

    with place.store.local_copy(uri, etag=etag) as path:
        assert path.read_bytes() == b"content"


@pytest.mark.guards("fault-02")
def test_local_copy_refuses_an_object_that_changed_since(place):
    uri = f"{place.root}/a/x"
    place.store.write(uri, b"content")
    etag = place.store.list(f"{place.root}/a/")[0].etag
    place.store.write(uri, b"changed!")

    with pytest.raises(PartitionConflictError, match="has changed"), place.store.local_copy(uri, etag=etag):
        pass


def test_url_can_be_read_by_anybody(place):
    uri = f"{place.root}/a/x.json.gz"
    place.store.write(uri, b"content")

    url = place.store.url(uri, seconds=60)

    if url.startswith("file:"):
        assert Path(url.removeprefix("file://")).read_bytes() == b"content"
    else:
        assert requests.get(url, timeout=10).content == b"content"


@pytest.mark.service
def test_s3_wrong_key_is_refused_with_what_to_do(versity):
    bucket = versity.bucket(f"test-{uuid.uuid4().hex[:12]}")
    versity.secret_key, right = "wrong", versity.secret_key
    try:
        store = S3Store(versity.client())
    finally:
        versity.secret_key = right

    with pytest.raises(ServiceRejectedError, match=r"SignatureDoesNotMatch \(403\).*check the connection's access key"):
        store.list(f"s3://{bucket}/a/")


@pytest.mark.service
@pytest.mark.parametrize(
    "act", [lambda s: s.list("s3://no-such-bucket/a/"), lambda s: s.write("s3://no-such-bucket/a", b"")]
)
def test_s3_absent_bucket_is_named(moto, act: Callable[[ObjectStore], object]):
    with pytest.raises(ServiceRejectedError, match="S3 bucket 'no-such-bucket' does not exist"):
        act(S3Store(moto.client()))


def test_s3_that_does_not_answer_is_worth_another_try():
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )

    with pytest.raises(ServiceUnavailableError, match="did not answer"):
        S3Store(client).list("s3://bucket/a/")


def test_s3_without_credentials_says_so(monkeypatch, tmp_path):
    import boto3  # noqa: PLC0415

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = boto3.session.Session().client(
        "s3", endpoint_url=f"http://127.0.0.1:{free_port()}", region_name="us-east-1"
    )

    with pytest.raises(ServiceRejectedError, match="No AWS credentials"):
        S3Store(client).list("s3://bucket/a/")


def test_a_local_write_leaves_no_half_file(tmp_path: Path):
    target = tmp_path / "x"
    target.mkdir()
    (target / "inside").write_text("")

    with pytest.raises(ServiceRejectedError):
        LocalStore().write(str(target), b"content")

    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_local_disk_that_is_full_is_worth_another_try(tmp_path: Path):
    with (
        largest_file(10),
        pytest.raises(ServiceUnavailableError, match=r"The disk is full, .*/x cannot be .*mlmon prune"),
    ):
        LocalStore().write(str(tmp_path / "x"), b"more than that")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damaged", [False, True])
def test_a_local_file_that_is_written_to_while_it_is_read_has_changed(tmp_path: Path, damaged):
    path = tmp_path / "x"
    path.write_bytes(b"content")
    [listed] = LocalStore().list(str(tmp_path))

    def read() -> None:
        with LocalStore().local_copy(listed.uri, etag=listed.etag):
            path.write_bytes(b"content, and more")
            if damaged:
                raise UnreadableFileError(f"{path} is not a readable Parquet file")

    with pytest.raises(PartitionConflictError, match="x has changed since it was listed"):
        read()


def test_a_local_listing_leaves_out_what_is_being_written(tmp_path: Path):
    fifo = tmp_path / "source"
    os.mkfifo(fifo)
    writing = threading.Thread(target=LocalStore().upload, args=(str(tmp_path / "a" / "x"), fifo))
    writing.start()
    with fifo.open("wb") as source:
        source.write(b"half")
        source.flush()
        while not list(tmp_path.glob("a/.writing-*")):
            time.sleep(0.001)
        half = LocalStore().list(str(tmp_path / "a"))
    writing.join()

    assert half == []
    assert [found.size for found in LocalStore().list(str(tmp_path / "a"))] == [4]


def test_a_local_listing_leaves_out_what_is_deleted_meanwhile(tmp_path: Path):
    # a link to nothing is in the folder, and has nothing behind it, as a file that has just gone
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "held").write_bytes(b"x")

    assert [found.uri for found in LocalStore().list(str(tmp_path))] == [str(tmp_path / "held")]
