"""MLServer run for real: what is captured in it, and the day of its payloads as other systems log them."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from airflow_mlmon.records import Status
from tests.support.base_day import FIRST
from tests.support.cloud_events import event_sink, send_event
from tests.support.envelopes import logged
from tests.support.environments import VARIABLES, environment
from tests.support.mlserver import PYTHONPATH, MlServer, infer_by_grpc, mlserver
from tests.support.recipes import RECIPES, Recipe, noon_zone

pytestmark = pytest.mark.service

ZONE = noon_zone()
TODAY = datetime.now(ZoneInfo(ZONE)).date()
TRACE = "00-{:032x}-00f067aa0ba902b7-01"
# below `extra`: MLServer joins requests that come at once, and each row keeps the id of its own
BATCHES = {"max_batch_size": 4, "max_batch_time": 0.05}
NOON = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC)
OUTPUTS = ("request_id", "amount", "country", "score", "flagged")


class Served(NamedTuple):
    """What a server answered: the bodies of each request by REST and by gRPC, and the rows in them."""

    recipe: Recipe
    rest: list[tuple[bytes, bytes]]
    grpc: list[tuple[str, str]]
    rows: list[tuple[Any, ...]]


def tensors(number: int, countries: list[str]) -> list[dict[str, Any]]:
    amounts = [10.0 * number + n for n in range(len(countries))]
    return [
        {"name": "amount", "shape": [len(countries), 1], "datatype": "FP64", "data": amounts},
        {"name": "country", "shape": [len(countries), 1], "datatype": "BYTES", "data": countries},
    ]


def as_protobuf(number: int) -> dict[str, Any]:
    """A request of one row, as the JSON of its protobuf."""
    packed = base64.b64encode(b"IT").decode()
    amount = {"name": "amount", "datatype": "FP64", "shape": [1, 1], "contents": {"fp64Contents": [10.0 * number]}}
    country = {"name": "country", "datatype": "BYTES", "shape": [1, 1], "contents": {"bytesContents": [packed]}}
    return {"modelName": "fraud", "id": f"g-{number}", "inputs": [amount, country]}


def rows_of(own_id: str, number: int, countries: list[str]) -> list[tuple[Any, ...]]:
    """The rows that are expected of a request."""
    found = []
    for n, country in enumerate(countries):
        amount = 10.0 * number + n
        score = amount / (amount + (30 if country == "FR" else 60))
        found.append((f"{own_id}#{n}" if len(countries) > 1 else own_id, amount, country, score, score > 0.5))
    return found


def ask(server: MlServer, own_id: str, number: int, countries: list[str]) -> tuple[bytes, bytes]:
    """Ask for the rows of a request; its body and that of the response."""
    return server.infer({"id": own_id, "inputs": tensors(number, countries)}, traceparent=TRACE.format(number))


@pytest.fixture(scope="module")
def served(request, tmp_path_factory) -> Served:
    """The model, served by so many workers, or by the server itself, and what was asked of it before its end."""
    folder = tmp_path_factory.mktemp("mlserver")
    recipe = Recipe("mlserver", folder, ("start: 2026-03-01", f"day_zone: {ZONE}\nstart: {TODAY}"))
    shutil.copy(RECIPES / "mlserver" / "fraud_model.py", folder)
    shutil.copy(recipe.spec_path, folder / "model.yaml")
    settings = json.loads((RECIPES / "mlserver" / "model-settings.json").read_text())
    settings["parameters"]["extra"] |= BATCHES if request.param else {}
    (folder / "model-settings.json").write_text(json.dumps(settings))
    asked = [(f"r-{n}", n, ["DE", "FR", "IT"][: 1 + n % 3]) for n in range(1, 25)]
    with mlserver(folder, folder / "server.txt", workers=request.param) as server:
        with ThreadPoolExecutor(4) as threads:
            rest = list(threads.map(lambda one: ask(server, *one), asked))
        # without a country nothing is predicted
        server.infer({"id": "failed", "inputs": tensors(1, ["DE"])[:1]}, status=500)
        _, unnamed = server.infer({"inputs": tensors(50, ["FR"])})
        grpc = infer_by_grpc(server.grpc, *map(as_protobuf, range(31, 35)))
    rows = [row for own in asked for row in rows_of(*own)]
    rows += rows_of(json.loads(unnamed)["id"], 50, ["FR"])
    rows += [row for n in range(31, 35) for row in rows_of(f"g-{n}", n, ["IT"])]
    return Served(recipe, rest, grpc, rows)


def by_rest(rows):
    return [row for row in rows if row["request_id"].startswith("r-")]


def outputs(rows):
    return sorted(tuple(row[name] for name in OUTPUTS) for row in rows)


@pytest.mark.parametrize("served", [0, 2], ids=["in its own process", "in two workers"], indirect=True)
def test_rows_of_all_requests_are_captured_when_the_server_has_ended(served):
    state, read = served.recipe.read_day(TODAY)

    # one that failed counts as an error
    assert (state.status, state.rows_accepted) == (Status.OK, len(served.rows) + 1)
    assert outputs(read) == sorted(served.rows)
    assert {row["model_version"] for row in read} == {"v7"}
    assert all(
        row["traceparent"] == TRACE.format(int(row["request_id"][2:].partition("#")[0])) for row in by_rest(read)
    )


def kserve_objects(served) -> dict[str, str]:
    """What the logger writes to a bucket: a batch of requests and one of responses."""
    batches: dict[str, list[dict[str, Any]]] = {"request": [], "response": []}
    for own_id, at, bodies in logged_by_kserve(served):
        for kind, body in zip(batches, bodies, strict=True):
            own = {"namespace": "payments", "component": "predictor", "endpoint": "default", "occurrenceTime": at}
            batches[kind].append(logged(own_id, kind, body.decode(), inferenceService="fraud", **own))
    return {f"{records[0]['id']}-{kind}.json": json.dumps(records) for kind, records in batches.items()}


def kserve_events(served) -> dict[str, str]:
    """What a sink of its cloud events writes."""
    with event_sink() as sink:
        for own_id, at, bodies in logged_by_kserve(served):
            for kind, body in zip(("request", "response"), bodies, strict=True):
                send_event(sink, own_id, kind, at, body)
    return {"events.jsonl": "\n".join(sink.lines)}


def logged_by_kserve(served) -> Iterator[tuple[str, str, tuple[bytes, bytes]]]:
    """Id, time and bodies of each request."""
    for number, bodies in enumerate(served.rest):
        yield f"r-{number + 1}", (NOON + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"), bodies


@pytest.mark.parametrize("served", [0], indirect=True)
@pytest.mark.parametrize("write", [kserve_objects, kserve_events])
def test_what_kserve_logs_of_its_payloads_is_the_same_day(served, tmp_path, write):
    recipe = Recipe("kserve", tmp_path)
    for name, content in write(served).items():
        path = recipe.write(f"kserve/payments/fraud/predictor/logs/{name}", content.encode())
        os.utime(path, (NOON.timestamp(),) * 2)

    state, read = recipe.read_day(FIRST)

    assert (state.status, outputs(read)) == (Status.OK, sorted(row for row in served.rows if row[0].startswith("r-")))


@pytest.mark.parametrize("served", [0], indirect=True)
def test_what_a_sink_writes_of_seldons_topics_is_the_same_day(served, tmp_path):
    recipe = Recipe("seldon", tmp_path)
    for position, direction in enumerate(("inputs", "outputs")):
        lines = [
            {"key": f"g-{31 + n}", "value": both[position], "offset": n, "timestamp": f"{FIRST}T12:00:{n:02d}.123Z"}
            for n, both in enumerate(served.grpc)
        ]
        topic = f"seldon.payments.pipeline.fraud.{direction}"
        content = gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode())
        recipe.write(f"topics/{topic}/dt={FIRST}/0-00000000000000000000.jsonl.gz", content)

    state, read = recipe.read_day(FIRST)

    assert (state.status, outputs(read)) == (Status.OK, sorted(row for row in served.rows if row[0][0] == "g"))


_READ = """
import json, sys
from mlserver.types import InferenceRequest
from mlserver_runtime import read_columns

found = []
for tensors in json.load(sys.stdin):
    try:
        request = InferenceRequest(inputs=tensors)
        found.append(read_columns(request.inputs, {"age": 1, "place": 2, "note": 1}, ["shap_age"]))
    except ValueError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def tensor(name, shape, datatype, data, **more):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data} | more


def test_tensors_fill_columns_by_name_and_the_others_by_position():
    note = tensor("note", [2, 1], "BYTES", ["YQ==", "Yg=="], parameters={"content_type": "base64"})
    requests = [
        [note, tensor("x", [2, 3], "FP64", [[1, 0.5, 0.25], [2, 1.5, 1.25]])],
        [
            tensor("place", [1, 2], "FP32", [3, 4]),
            tensor("shap_age", [1], "FP64", [0.1]),
            tensor("y", [1, 2], "BYTES", [5, "a"]),
        ],
        [tensor("x", [1, 3], "FP64", [1, 2, 3])],
        [tensor("age", [2], "INT64", [1])],
    ]

    done = subprocess.run(
        [str(environment("mlserver") / "python"), "-c", _READ],
        input=json.dumps(requests),
        env=os.environ | VARIABLES | {"PYTHONPATH": PYTHONPATH},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [
        {"note": ["a", "b"], "age": [1, 2], "place": [[0.5, 0.25], [1.5, 1.25]]},
        {"place": [[3, 4]], "shap_age": [0.1], "age": [5], "note": ["a"]},
        "not rows of 4 values",
        "tensor age of shape [2] has 1 values",
    ]
