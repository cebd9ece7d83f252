from __future__ import annotations

import json

import pytest

from tests.support.envelopes import TIME, predictions, refused, to_base64, to_lines, unpack, values

SELDON = predictions("seldon")
AZURE = predictions("azureml")
INPUTS = {
    "inputs": [
        {"name": "age", "shape": [1], "datatype": "INT64", "data": [41]},
        {"name": "amount", "shape": [1], "datatype": "FP64", "data": [0.82]},
        {"name": "country", "shape": [1], "datatype": "BYTES", "data": ["PL"]},
    ]
}
OUTPUTS = {"model_name": "churn", "outputs": [{"name": "score", "shape": [1], "datatype": "FP64", "data": [0.913]}]}
MILLISECONDS = 1772336039000


def message(direction, value):
    return {"key": "x-1", "topic": f"seldon.ml.model.churn.{direction}", "timestamp": MILLISECONDS, "value": value}


@pytest.mark.parametrize("pack", [pytest.param(lambda body: body, id="object"), json.dumps, to_base64])
def test_messages_of_two_topics_are_paired(tmp_path, pack):
    files = {
        "inputs.json": to_lines(message("inputs", pack(INPUTS))),
        "outputs.json": to_lines(message("outputs", pack(OUTPUTS))),
    }

    assert values(unpack(SELDON, files, tmp_path), "id", "at", "age", "amount", "country", "score") == [
        ("x-1", TIME, 41, 0.82, "PL", 0.913)
    ]


def test_message_without_wrapper_is_known_by_its_body(tmp_path):
    times = {"id": "x-1", "timestamp": "2026-03-01T03:33:59Z"}

    rows = unpack(SELDON, {"a.json": to_lines(OUTPUTS | times, INPUTS | times)}, tmp_path)

    assert values(rows, "id", "at", "age", "score") == [("x-1", TIME, 41, 0.913)]


def test_cloud_events_of_the_first_version_are_paired_by_request(tmp_path):
    def event(own_id, kind, data):
        kind = f"io.seldon.serving.inference.{kind}"
        return {"id": own_id, "requestid": "x-1", "type": kind, "time": "2026-03-01T03:33:59Z", "data": data}

    request = event("e-1", "request", {"data": {"names": ["country", "age", "amount"], "ndarray": [["PL", 41, 0.82]]}})
    response = event("e-2", "response", {"data": {"names": ["score"], "tensor": {"shape": [1, 1], "values": [0.913]}}})

    rows = unpack(SELDON, {"a.json": to_lines(response, request)}, tmp_path)

    assert values(rows, "id", "age", "country", "score") == [("x-1", 41, "PL", 0.913)]


def collected(collection, data, **fields):
    return {
        "specversion": "1.0",
        "id": f"e-{collection}",
        "source": "/subscriptions/s/churn",
        "type": f"azureml.inference.{collection}",
        "datacontenttype": "application/json",
        "time": "2026-03-01T03:33:59Z",
        "data": data,
        "correlationid": "c-1",
        "xrequestid": "x-1",
        "modelversion": "default",
    } | fields


def test_inputs_and_outputs_are_joined_by_correlation_and_row(tmp_path):
    files = {
        "inputs.jsonl": to_lines(collected("inputs", [{"age": 41, "amount": 0.82, "country": "PL"}, {"age": 29}])),
        "outputs.jsonl": to_lines(collected("model_outputs", [{"score": 0.913}, {"score": 0.127}])),
    }

    assert values(unpack(AZURE, files, tmp_path), "id", "at", "age", "country", "score") == [
        ("c-1#0", TIME, 41, "PL", 0.913),
        ("c-1#1", TIME, 29, None, 0.127),
    ]


def test_payload_that_lies_elsewhere_is_refused(tmp_path):
    lines = to_lines(collected("inputs", None), collected("outputs", [{"score": 0.9}]))

    assert refused(unpack(AZURE, {"a.jsonl": lines}, tmp_path)) == {"c-1": "payload too large or null"}


def test_version_of_the_model_is_a_column_where_it_is_declared(tmp_path):
    section = predictions("azureml", dict(AZURE.columns) | {"modelversion": {"type": "category", "role": "version"}})
    lines = to_lines(collected("inputs", [{"age": 41}]), collected("outputs", [{"score": 0.9}]))

    assert values(unpack(section, {"a.jsonl": lines}, tmp_path), "modelversion") == [("default",)]
