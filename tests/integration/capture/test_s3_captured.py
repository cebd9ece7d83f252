"""S3 that answers, refuses, hangs and vanishes; what a service logs meanwhile is not lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_mlmon.capture import s3, uploader
from tests.integration.capture.test_process_ends import run, waiting
from tests.support.capture_process import ROWS
from tests.support.captured import MIDNIGHT, log_rows, open_capture, read_archive
from tests.support.fault_proxy import Answer, Asked, Fault, FaultProxy, drop, refuse
from tests.support.processes import PATIENCE_S
from tests.support.s3 import MotoServer, VersityServer

BUCKET = "captured"


@pytest.fixture(scope="module")
def proxy(moto: MotoServer) -> Iterator[FaultProxy]:
    moto.bucket(BUCKET)
    with FaultProxy(moto.port) as found:
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, moto: MotoServer, proxy: FaultProxy) -> None:
    """Short pauses, and the proxy as S3."""
    monkeypatch.setattr(uploader, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(uploader, "LONGEST_PAUSE", 0.2)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", moto.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", moto.secret_key)
    proxy.choose = lambda _: None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No longer wait for an answer than a test that meets none can."""
    monkeypatch.setattr(s3, "REQUEST_SECONDS", 1.0)


def fail(proxy: FaultProxy, fault: Fault) -> None:
    """Have every upload meet a fault."""

    def choose(asked: Asked) -> Fault | None:
        return fault if asked.method in {"PUT", "POST"} else None

    proxy.choose = choose


def await_true(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def download(server: MotoServer, prefix: str, folder: Path) -> Path:
    """Everything below a prefix, as a folder."""
    client = server.client()
    for found in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", []):
        path = folder / found["Key"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read())
    return folder


def test_rows_come_to_the_bucket(tmp_path, moto):
    with open_capture(tmp_path, f"s3://{BUCKET}/plain") as capture:
        ids = log_rows(capture, 30, at=MIDNIGHT)
    found = read_archive(download(moto, "plain/dt=2026-03-01/", tmp_path / "got"))
    assert sorted(found.ids) == sorted(ids)
    assert waiting(tmp_path) == []


def test_a_real_key_is_asked_for(tmp_path, versity, monkeypatch):
    versity.bucket(BUCKET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", versity.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", VersityServer.access_key)
    with open_capture(tmp_path, f"s3://{BUCKET}/keyed", close_seconds=0.2) as refused:
        log_rows(refused, 5)
        await_true(lambda: bool(refused.counters["publish_failures"]))
        assert list(refused.counters["publish_failures"]) == ["refused"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", VersityServer.secret_key)
    # the next process publishes what this one could not
    with open_capture(tmp_path, f"s3://{BUCKET}/keyed") as capture:
        log_rows(capture, 5)
        await_true(lambda: not any("spooled" in path.name for path in waiting(tmp_path)))
    assert len(set(read_archive(download(versity, "keyed/", tmp_path / "got")).ids)) == 10


def hang_first(proxy: FaultProxy, then: Fault) -> Fault:
    """Let the first upload hang, which lasts until the client gives up, and another fault meet those after it."""
    reached: list[bool] = []

    def fault(forward: Callable[[], Answer]) -> Answer | None:
        reached.append(True)
        return proxy.hang(forward) if len(reached) == 1 else then(forward)

    return fault


@pytest.mark.parametrize(
    "way", ["refused", pytest.param("dropped", id="dropped", marks=pytest.mark.guards("fault-43")), "hanging"]
)
def test_what_s3_does_not_take_waits_on_the_disk(tmp_path, moto, proxy, impatient, way):
    fail(proxy, {"refused": refuse(403, "AccessDenied"), "dropped": drop, "hanging": hang_first(proxy, drop)}[way])
    with open_capture(tmp_path, f"s3://{BUCKET}/{way}") as capture:
        ids = log_rows(capture, 20)
        await_true(lambda: bool(capture.counters["publish_failures"]))
        ids += log_rows(capture, 20)
        await_true(lambda: capture.counters["spooled"] == 40)
        assert set(capture.counters["publish_failures"]) == {"refused" if way == "refused" else "unreachable"}
        proxy.choose = lambda _: None
        assert capture.flush(PATIENCE_S)
    found = read_archive(download(moto, f"{way}/", tmp_path / "got"))
    assert sorted(found.ids) == sorted(ids)
    assert (found.dropped, waiting(tmp_path)) == ({}, [])


@pytest.mark.guards("fault-44")
def test_a_full_spool_drops_and_tells(tmp_path, moto, proxy):
    fail(proxy, refuse(503, "SlowDown"))
    with open_capture(tmp_path, f"s3://{BUCKET}/full", spool_bytes=5_000) as capture:
        for _ in range(5):
            log_rows(capture, 20)
            capture.flush(0.2)
        dropped = capture.counters["dropped"]
        assert set(dropped) == {"spool_full"}
        proxy.choose = lambda _: None
        assert capture.flush(PATIENCE_S)
        log_rows(capture, 20)
        assert capture.flush(PATIENCE_S)
    found = read_archive(download(moto, "full/", tmp_path / "got"))
    assert len(found.ids) + found.dropped["spool_full"] == 120
    assert found.dropped["spool_full"] == dropped["spool_full"]


def test_a_copy_of_a_process_that_is_uploading_uploads_too(tmp_path, moto, proxy, impatient):
    reached = []

    def hang_once(forward):
        reached.append(True)
        return proxy.hang(forward) if len(reached) == 1 else forward()

    fail(proxy, hang_once)
    with open_capture(tmp_path, f"s3://{BUCKET}/forked", close_seconds=20) as capture:
        log_rows(capture, 10)
        await_true(lambda: bool(reached))
        if (child := os.fork()) == 0:
            log_rows(capture, 10)
            capture.close(15)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    found = read_archive(download(moto, "forked/", tmp_path / "got"))
    assert len(set(found.ids)) == 20
    assert waiting(tmp_path) == []


def test_threads_that_upload_at_once_have_one_client(moto):
    bucket = s3.S3Bucket(f"s3://{BUCKET}/at-once")
    together = threading.Barrier(4)

    def upload(number: int) -> object:
        together.wait()
        bucket.publish(f"{number}.txt", b"row")
        return bucket._filesystem()

    with ThreadPoolExecutor(together.parties) as pool:
        clients = list(pool.map(upload, range(together.parties)))

    assert all(client is clients[0] for client in clients)
    held = moto.client().list_objects_v2(Bucket=BUCKET, Prefix="at-once/")["Contents"]
    assert len(held) == together.parties


def test_processes_that_end_while_s3_is_away_leave_their_rows_to_the_next(tmp_path, moto, proxy):
    fail(proxy, drop)
    away = {"MLMON_TEST_DESTINATION": f"s3://{BUCKET}/away", "MLMON_TEST_CLOSE": "0.5"}
    assert run("fork", tmp_path, **away) == 0
    assert not read_archive(download(moto, "away/", tmp_path / "got")).ids
    proxy.choose = lambda _: None
    assert run("log", tmp_path, **away) == 0
    with open_capture(tmp_path, f"s3://{BUCKET}/away") as capture:
        log_rows(capture, 1)
        await_true(lambda: not any("spooled" in path.name for path in waiting(tmp_path)))
    found = read_archive(download(moto, "away/", tmp_path / "got"))
    assert len(set(found.ids)) == len(found.ids) == 6 * ROWS + 1
