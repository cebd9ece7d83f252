from __future__ import annotations

import base64
import csv
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.envelopes import pairing
from tests.support.envelopes import (
    MODIFIED,
    TIME,
    logged,
    predictions,
    refused,
    to_base64,
    to_lines,
    unpack,
    values,
)

SPEC = predictions("kserve")
REQUEST = {"instances": [[41, 0.82, "PL"]]}
RESPONSE = {"predictions": [0.913]}


def tensor(name, shape, datatype, data, **more):
    return {"name": name, "shape": shape, "datatype": datatype, "data": data} | more


def pair(own_id, request, response):
    return [logged(own_id, "request", request), logged(own_id, "response", response)]


def read(tmp_path, *records, section=SPEC):
    return unpack(section, {"a.json": json.dumps(list(records)).encode()}, tmp_path)


def test_request_and_response_in_different_objects_are_paired(tmp_path):
    files = {
        "r-1-request.json": json.dumps(logged("r-1", "request", REQUEST)).encode(),
        "r-1-response.json": json.dumps(logged("r-1", "response", RESPONSE)).encode(),
    }

    rows = unpack(SPEC, files, tmp_path)

    assert values(rows, "id", "at", "age", "country", "score", "file") == [
        ("r-1", TIME, 41, "PL", 0.913, "r-1-request.json")
    ]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_order_of_records_in_an_array_changes_nothing(tmp_path, order):
    records = [
        *pair("a", REQUEST, RESPONSE),
        *pair("b", {"instances": [[1, 2, "DE"], [3, 4, "FR"]]}, {"predictions": [0.1, 0.2]}),
    ]

    rows = read(tmp_path, *[records[n] for n in order])

    assert sorted(values(rows, "id", "age", "score")) == [("a", 41, 0.913), ("b#0", 1, 0.1), ("b#1", 3, 0.2)]


def test_what_has_no_counterpart_is_refused_with_its_time(tmp_path):
    rows = read(
        tmp_path,
        logged("r-1", "request", REQUEST),
        logged("r-2", "response", RESPONSE),
        *pair("r-3", REQUEST, RESPONSE),
    )

    assert refused(rows) == {"r-1": "unpaired request", "r-2": "unpaired response"}
    assert [row["at"] for row in rows] == [TIME] * 3


def test_records_that_are_logged_twice_are_paired_one_to_one(tmp_path):
    rows = read(
        tmp_path, *pair("r-1", REQUEST, RESPONSE), *pair("r-1", REQUEST, RESPONSE), logged("r-1", "request", REQUEST)
    )

    assert values(rows, "id", "score") == [("r-1", 0.913)] * 2
    assert refused(rows) == {"r-1": "unpaired request"}


def test_content_type_of_a_response_that_is_copied_from_the_request_does_not_count(tmp_path):
    records = [logged("r", "request", "41,0.82,PL"), logged("r", "response", RESPONSE)]

    rows = read(tmp_path, *(record | {"contentType": "text/csv"} for record in records))

    assert values(rows, "id", "age", "country", "score") == [("r", 41, "PL", 0.913)]


def test_records_of_another_component_have_responses_of_their_own(tmp_path):
    transformed = [
        record | {"component": "transformer"}
        for record in pair("r-1", {"instances": [[1, 2, "DE"]]}, {"predictions": [0.1]})
    ]
    own = [record | {"component": "predictor"} for record in pair("r-1", REQUEST, RESPONSE)]

    rows = read(tmp_path, transformed[0], own[0], own[1], transformed[1])

    assert sorted(values(rows, "age", "score")) == [(1, 0.1), (41, 0.913)]


def test_records_without_id_are_not_paired(tmp_path):
    rows = read(tmp_path, *pair(None, REQUEST, RESPONSE))

    assert [row["quarantine_reason"] for row in rows] == ["unpaired request", "unpaired response"]


def test_parquet_records_without_time_have_that_of_the_object(tmp_path):
    records = pair("r-1", REQUEST, RESPONSE)
    for record in records:
        del record["occurrenceTime"], record["url"], record["sourceUri"]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)

    rows = unpack(SPEC, {"r-1.parquet": sink.getvalue()}, tmp_path)

    assert values(rows, "id", "at", "age", "score") == [("r-1", MODIFIED, 41, 0.913)]


def test_csv_records_without_time_have_that_of_the_object(tmp_path):
    names = ["bytes", "contentType", "reqType", "id"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([record[name] for name in names] for record in pair("r-1", REQUEST, RESPONSE))

    rows = unpack(SPEC, {"r-1.csv": text.getvalue().encode()}, tmp_path)

    assert values(rows, "id", "at", "age", "score") == [("r-1", MODIFIED, 41, 0.913)]


def test_nanoseconds_of_a_time_are_cut(tmp_path):
    records = [record | {"occurrenceTime": "2026-03-01T03:33:59.123456789Z"} for record in pair("r", REQUEST, RESPONSE)]

    assert values(read(tmp_path, *records), "at") == [(TIME.replace(microsecond=123456),)]


def test_field_of_the_envelope_is_a_column_where_it_is_declared(tmp_path):
    section = predictions("kserve", dict(SPEC.columns) | {"inferenceService": {"type": "category", "role": "version"}})

    assert values(read(tmp_path, *pair("r", REQUEST, RESPONSE), section=section), "inferenceService") == [("churn",)]


def test_tensor_of_all_features_is_read_by_position(tmp_path):
    columns = {name: column for name, column in SPEC.columns.items() if name != "country"}
    request = {"id": "r", "inputs": [tensor("x", [2, 2], "FP64", [41.0, 0.82, 29.0, 0.11])]}
    response = {"id": "r", "outputs": [tensor("p", [2], "FP64", [0.913, 0.127])]}

    rows = read(tmp_path, *pair("r", request, response), section=predictions("kserve", columns))

    assert values(rows, "id", "age", "amount", "score") == [("r#0", 41, 0.82, 0.913), ("r#1", 29, 0.11, 0.127)]


def test_tensors_are_read_by_name(tmp_path):
    inputs = [
        tensor("country", [2, 1], "BYTES", ["PL", "DE"]),
        tensor("age", [2, 1], "INT64", [41, 29]),
        tensor("amount", [2], "FP32", [0.5, 0.25]),
    ]

    rows = read(
        tmp_path, *pair("r", {"inputs": inputs}, {"outputs": [tensor("score", [2, 1], "FP32", [[0.1], [0.2]])]})
    )

    assert values(rows, "age", "amount", "country", "score") == [(41, 0.5, "PL", 0.1), (29, 0.25, "DE", 0.2)]


def test_raw_tensors_are_read_by_their_datatype(tmp_path):
    def raw(data):
        return __import__("base64").b64encode(data).decode()

    request = {
        "inputs": [
            {"name": "age", "shape": ["2"], "datatype": "INT32"},
            {"name": "amount", "shape": ["2"], "datatype": "FP32"},
            {"name": "country", "shape": ["2"], "datatype": "BYTES"},
        ],
        "rawInputContents": [
            raw(np.array([41, -1], "<i4").tobytes()),
            raw(np.array([0.82, 1e-7], "<f4").tobytes()),
            raw(b"\x02\0\0\0PL\0\0\0\0"),
        ],
    }
    response = {
        "outputs": [{"name": "p", "shape": ["2"], "datatype": "FP64", "contents": {"fp64Contents": [0.9, 0.1]}}]
    }

    rows = read(tmp_path, *pair("r", request, response))

    assert values(rows, "age", "amount", "country", "score") == [(41, 0.82, "PL", 0.9), (-1, 1e-7, "", 0.1)]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param([tensor("x", [2, 3], "FP64", [1, 2, 3])], id="a shape of other values"),
        pytest.param([tensor("x", [1, 4], "FP64", [1, 2, 3, 4])], id="a value too many"),
        pytest.param([tensor("age", [1, 2], "FP64", [1, 2])], id="two values of a column"),
        pytest.param([tensor("age", [2], "INT64", [1, 2]), tensor("amount", [1], "FP64", [1])], id="other rows"),
    ],
)
def test_tensor_that_fits_no_rows_is_undecodable(tmp_path, inputs):
    rows = read(tmp_path, *pair("r", {"inputs": inputs}, RESPONSE))

    assert refused(rows) == {"r": "undecodable payload"}


def test_more_records_than_memory_holds_are_paired_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(pairing, "_BYTES_IN_MEMORY", 20_000)
    requests = [logged(f"r-{n}", "request", {"instances": [[n, 0.5, "PL"]]}) for n in range(900)]
    responses = [logged(f"r-{n}", "response", {"predictions": [n / 1000]}) for n in range(1, 901)]
    lines = {f"{n}.jsonl": to_lines(*requests[n::9], *responses[8 - n :: 9]) for n in range(9)}

    rows = unpack(SPEC, lines, tmp_path)

    assert refused(rows) == {"r-0": "unpaired request", "r-900": "unpaired response"}
    assert sorted(values(rows, "age", "score")) == [(n, n / 1000) for n in range(1, 900)]


@pytest.mark.parametrize(
    "bodies", [pytest.param(lambda body: {"data": body}, id="data"), lambda body: {"data_base64": to_base64(body)}]
)
def test_cloud_events_that_a_sink_has_written_are_paired(tmp_path, bodies):
    def event(kind, body):
        return {
            "specversion": "1.0",
            "id": "r-1",
            "type": f"org.kubeflow.serving.inference.{kind}",
            "time": "2026-03-01T03:33:59.123Z",
            "inferenceservicename": "churn",
            "component": "predictor",
        } | bodies(body)

    lines = to_lines(event("response", RESPONSE), event("request", REQUEST))

    rows = unpack(SPEC, {"a.jsonl": lines}, tmp_path)

    assert values(rows, "id", "at", "age", "country", "score") == [
        ("r-1", TIME.replace(microsecond=123000), 41, "PL", 0.913)
    ]


def binary(header, *raw):
    """A record's bytes of JSON with raw values after it."""
    return {"bytes": base64.b64encode(json.dumps(header, ensure_ascii=False).encode() + b"".join(raw)).decode()}


def announced(name, shape, datatype, raw):
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": len(raw)}}


@pytest.mark.parametrize("country", ["PL", "\u00c5land"])
def test_binary_tensors_after_the_json_are_read(tmp_path, country):
    ages, text = np.array([41, -1], "<i8").tobytes(), country.encode()
    countries = len(text).to_bytes(4, "little") + text + b"\x02\0\0\0DE"
    inputs = [
        announced("age", [2, 1], "INT64", ages),
        tensor("amount", [2], "FP64", [0.5, 0.25]),
        announced("country", [2, 1], "BYTES", countries),
    ]
    request = {"id": "\u00c5", "inputs": inputs, "outputs": [{"name": "score", "parameters": {"binary_data": True}}]}
    scores = np.array([0.5, 0.125], "<f4").tobytes()
    response = {"model_name": "churn", "outputs": [announced("score", [2, 1], "FP32", scores)]}
    records = [
        logged("r", "request", "") | binary(request, ages, countries),
        logged("r", "response", "") | binary(response, scores),
    ]

    rows = read(tmp_path, *records)

    assert values(rows, "id", "age", "amount", "country", "score") == [
        ("r#0", 41, 0.5, country, 0.5),
        ("r#1", -1, 0.25, "DE", 0.125),
    ]


@pytest.mark.parametrize("raw", [b"", b"\0" * 7, b"\0" * 9, b"\xff" * 12])
def test_binary_tensors_of_another_length_are_undecodable(tmp_path, raw):
    request = {"inputs": [announced("age", [1], "INT64", b"\0" * 8)]}
    records = [logged("r", "request", "") | binary(request, raw), logged("r", "response", RESPONSE)]

    assert refused(read(tmp_path, *records)) == {"r": "undecodable payload"}
