"""Requests and responses pass the middleware unchanged, and are logged where they are rows."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests
import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.testclient import TestClient

from airflow_mlmon.capture import Capture, CaptureMiddleware
from tests.support.logged import rows_of, spec_of
from tests.support.processes import PATIENCE_S

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
STREAMED = threading.Event()


def _app() -> FastAPI:
    app = FastAPI()

    @app.post("/predict")
    async def predict(request: Request) -> Any:
        body = await request.json()
        if body == "text":
            return Response("no JSON", media_type="text/plain")
        rows = body if isinstance(body, list) else [body]
        if "fail" in rows[0]:
            raise LookupError
        if "refuse" in rows[0]:
            return JSONResponse({"detail": "no"}, 422)
        answers = [{"score": row["amount"] / 10, "flagged": True, "other": 1} for row in rows]
        headers = {"x-prediction-id": rows[0]["own"]} if "own" in rows[0] else {}
        if "gzip" in rows[0]:
            content = gzip.compress(json.dumps(answers[0]).encode())
            return Response(content, media_type="application/json", headers={"content-encoding": "gzip"})
        return JSONResponse(answers if isinstance(body, list) else answers[0], headers=headers)

    @app.post("/stream")
    async def stream(request: Request) -> StreamingResponse:
        await request.body()

        async def parts() -> AsyncIterator[bytes]:
            yield b'{"score": '
            while not STREAMED.is_set():  # noqa: ASYNC110 - the event is one of threads
                await asyncio.sleep(0.01)
            yield b"0.25}"

        return StreamingResponse(parts(), media_type="application/json")

    @app.websocket("/predict")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json({"heard": await socket.receive_json()})

    return app


@pytest.fixture
def capture(tmp_path):
    spec = spec_of(tmp_path, traceparent={"type": "string", "role": "trace"})
    with Capture(spec, spool=tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def client(capture) -> TestClient:
    app = _app()
    app.add_middleware(CaptureMiddleware, capture=capture, path="/predict", version="7", most_bytes=2_000)
    return TestClient(app, raise_server_exceptions=False)


def test_request_is_logged_with_its_answer(tmp_path, client, capture):
    answer = client.post("/predict", json={"amount": 3, "country": "DE"}, headers={"traceparent": TRACE})
    capture.close()

    assert answer.json() == {"score": 0.3, "flagged": True, "other": 1}
    [row] = rows_of(tmp_path)
    assert row["id"] == answer.headers["x-prediction-id"]
    assert (row["amount"], row["country"], row["score"], row["flagged"]) == (3.0, "DE", 0.3, True)
    assert (row["release"], row["code"], row["traceparent"]) == ("7", "200", TRACE)
    assert row["took"] > 0


def test_rows_of_a_list_have_numbered_ids(tmp_path, client, capture):
    answer = client.post("/predict", json=[{"amount": 1}, {"amount": 2, "id": "own"}])
    capture.close()

    key = answer.headers["x-prediction-id"]
    assert [(row["id"], row["score"]) for row in rows_of(tmp_path)] == [(f"{key}-0", 0.1), ("own", 0.2)]


def test_id_of_the_service_is_the_id(tmp_path, client, capture):
    answer = client.post("/predict", json={"amount": 1, "own": "flight-7"})
    capture.close()

    assert answer.headers["x-prediction-id"] == "flight-7"
    assert [row["id"] for row in rows_of(tmp_path)] == ["flight-7"]


@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ({"content": b"no JSON"}, 500, ""),
        ({"json": {"amount": 1, "pad": "x" * 3_000}}, 200, "request_too_long"),
        ({"json": {"amount": 1, "gzip": 1}}, 200, "response_compressed"),
        ({"json": "text"}, 200, "response_no_json"),
        ({"content": b""}, 500, "request_empty"),
    ],
)
def test_request_that_is_no_row_is_counted(client, capture, sent, status, reason):
    assert client.post("/predict", **sent).status_code == status
    capture.close()

    assert capture.counters["skipped"] == {reason or "unreadable_request": 1}
    assert capture.counters["accepted"] == 0


def test_compressed_request_is_counted(client, capture):
    client.post("/predict", content=gzip.compress(b'{"amount": 1}'), headers={"content-encoding": "gzip"})
    capture.close()

    assert capture.counters["skipped"] == {"request_compressed": 1}


@pytest.mark.parametrize(("body", "code"), [({"amount": 1, "fail": 1}, 500), ({"amount": 1, "refuse": 1}, 422)])
def test_error_is_logged_with_its_status(tmp_path, client, capture, body, code):
    assert client.post("/predict", json=body).status_code == code
    capture.close()

    [row] = rows_of(tmp_path)
    assert (row["amount"], row["score"], row["code"]) == (1.0, None, str(code))


def test_other_paths_methods_and_websockets_pass(client, capture):
    with client.websocket_connect("/predict") as talk:
        talk.send_json(1)
        assert talk.receive_json() == {"heard": 1}
    assert client.get("/predict").status_code == 405
    assert client.post("/elsewhere").status_code == 404
    assert "x-prediction-id" not in client.get("/docs").headers
    capture.close()

    assert capture.counters["skipped"] == {}
    assert capture.counters["accepted"] == 0


FAULTS = ["log", "skip", "drop", "log_batch", "schema"]


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_of_capture_does_not_reach_the_request(client, capture, fault, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(capture, fault, fail if fault != "schema" else None)

    for body in ({"amount": 1}, [{"amount": 1}]):
        assert client.post("/predict", json=body).status_code == 200
    assert client.post("/predict", json={"amount": 1, "gzip": 1}).json()["score"] == 0.1
    assert client.post("/predict", json={"amount": 1, "refuse": 1}).status_code == 422


@pytest.mark.parametrize("option", ["features", "predictions", "version"])
def test_fault_of_an_option_does_not_reach_the_request(capture, option):
    app = _app()
    app.add_middleware(CaptureMiddleware, capture=capture, **{option: lambda *_: 1 / 0})

    assert TestClient(app).post("/predict", json={"amount": 1}).status_code == 200
    capture.close()

    assert capture.counters["skipped"] == {"unreadable_request": 1}


def test_own_forms_of_requests_and_responses_are_taken_apart(tmp_path, capture):
    app = FastAPI()

    @app.post("/v1/models/m:predict")
    async def predict(request: Request) -> Any:
        rows = (await request.json())["instances"]
        return {"predictions": [row["amount"] / 10 for row in rows]}

    app.add_middleware(CaptureMiddleware, capture=capture, path={"/v1/models/m:predict"})
    TestClient(app).post("/v1/models/m:predict", json={"instances": [{"amount": 1}, {"amount": 2}]})
    capture.close()

    assert [(row["amount"], row["score"]) for row in rows_of(tmp_path)] == [(1.0, 0.1), (2.0, 0.2)]


def test_headers_that_can_be_read_once_arrive(capture):
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        headers = ((name, value) for name, value in [(b"x-own", b"1"), (b"content-type", b"text/plain")])
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"done"})

    headers = TestClient(CaptureMiddleware(answer, capture)).post("/predict", json={}).headers

    assert (headers["x-own"], len(headers["x-prediction-id"])) == ("1", 32)


def test_end_of_the_application_flushes_the_capture(capture):
    app = _app()
    app.add_middleware(CaptureMiddleware, capture=capture)

    with TestClient(app) as client:
        client.post("/predict", json={"amount": 1})

    assert capture.counters["published"] == 1
    with TestClient(app) as client:
        client.post("/predict", json={"amount": 1})
    assert capture.counters["published"] == 2


@pytest.fixture
def served(capture) -> Iterator[str]:
    STREAMED.clear()
    app = _app()
    app.add_middleware(CaptureMiddleware, capture=capture, path=["/predict", "/stream"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    STREAMED.set()
    server.should_exit = True
    thread.join()


def test_streamed_response_is_not_held_back_and_is_logged(tmp_path, served, capture):
    with requests.post(f"{served}/stream", json={"amount": 5}, stream=True, timeout=10) as answer:
        parts = answer.iter_content(None)
        first = next(parts)
        STREAMED.set()
        rest = b"".join(parts)
    until = time.monotonic() + PATIENCE_S
    while not capture.counters["queue_rows"] and time.monotonic() < until:
        time.sleep(0.01)
    capture.close()

    assert (first, rest) == (b'{"score": ', b"0.25}")
    [row] = rows_of(tmp_path)
    assert (row["amount"], row["score"], row["id"]) == (5.0, 0.25, answer.headers["x-prediction-id"])


def test_client_that_goes_away_is_counted(served, capture):
    with requests.post(f"{served}/stream", json={"amount": 5}, stream=True, timeout=10) as answer:
        next(answer.iter_content(None))
    until = time.monotonic() + PATIENCE_S
    while not capture.counters["skipped"] and time.monotonic() < until:
        time.sleep(0.01)
    STREAMED.set()

    [reason] = capture.counters["skipped"]
    assert reason in ("disconnected", "cancelled")
    assert requests.post(f"{served}/predict", json={"amount": 5}, timeout=10).json()["score"] == 0.5
