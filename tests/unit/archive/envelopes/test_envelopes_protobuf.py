from __future__ import annotations

import base64
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.archive.envelopes.protobuf import read_message
from tests.support.envelopes import TIME, predictions, refused, to_base64, to_lines, unpack, values
from tests.support.open_inference import infer_request, infer_response

SPEC = predictions("seldon")
INPUTS = [
    {"name": "age", "shape": [2, 1], "datatype": "INT64", "contents": {"int64_contents": [41, -1]}},
    {"name": "amount", "shape": [2], "datatype": "FP32", "contents": {"fp32_contents": [0.82, 1e-7]}},
    {"name": "country", "shape": [2, 1], "datatype": "BYTES", "contents": {"bytes_contents": [b"PL", "Å".encode()]}},
]
OUTPUTS = [{"name": "score", "shape": [2, 1], "datatype": "FP64", "contents": {"fp64_contents": [0.913, 0.1]}}]
REQUEST = infer_request(model_name="churn", model_version="1", id="x-1", inputs=INPUTS, outputs=[{"name": "score"}])
RESPONSE = infer_response(model_name="churn", id="x-1", outputs=OUTPUTS)
ROWS = [("x-1#0", TIME, 41, 0.82, "PL", 0.913), ("x-1#1", TIME, -1, 1e-7, "Å", 0.1)]
NAMES = ("id", "at", "age", "amount", "country", "score")


def as_text(message):
    return base64.b64encode(message).decode()


def record(message, **fields):
    return {"key": "x-1", "timestamp": "2026-03-01T03:33:59Z", "offset": 7, "value": as_text(message)} | fields


@pytest.mark.parametrize(
    "names",
    [
        pytest.param("{}-0-0000000012.jsonl", id="in the name of the file"),
        pytest.param("{}/year=2026/part-0.jsonl", id="in that of a folder"),
    ],
)
def test_topic_in_the_path_tells_requests_from_responses(tmp_path, names):
    topic = "seldon.ml.pipeline.churn"
    files = {
        names.format(f"{topic}.outputs"): to_lines(record(RESPONSE)),
        names.format(f"{topic}.inputs"): to_lines(record(REQUEST)),
    }

    assert values(unpack(SPEC, files, tmp_path), *NAMES) == ROWS


def test_topics_of_a_model_and_of_its_pipeline_are_paired_apart(tmp_path):
    files = {
        f"seldon.ml.{scope}.churn.{direction}-0-0.jsonl": to_lines(record(message))
        for scope in ("model", "pipeline")
        for direction, message in (("inputs", REQUEST), ("outputs", RESPONSE))
    }

    rows = unpack(SPEC, files, tmp_path)

    assert refused(rows) == {}
    assert sorted(values(rows, *NAMES)) == sorted([*ROWS, *ROWS])


def test_json_of_a_topic_in_the_path_is_paired_too(tmp_path):
    request = {"inputs": [{"name": "age", "shape": [1], "datatype": "INT64", "data": [41]}]}
    response = {"outputs": [{"name": "score", "shape": [1], "datatype": "FP64", "data": [0.9]}]}
    files = {
        "t.inputs/0.jsonl": to_lines(record(b"", value=to_base64(request))),
        "t.outputs/0.jsonl": to_lines(record(b"", value=to_base64(response))),
    }

    assert values(unpack(SPEC, files, tmp_path), "id", "age", "score") == [("x-1", 41, 0.9)]


def test_bytes_of_a_table_are_read_as_those_of_json(tmp_path):
    rows = [{"key": "x-1", "topic": f"t.{kind}", "timestamp": 1772336039000} for kind in ("inputs", "outputs")]
    table = pa.Table.from_pylist([row | {"value": value} for row, value in zip(rows, (REQUEST, RESPONSE), strict=True)])
    sink = io.BytesIO()
    pq.write_table(table, sink)

    assert values(unpack(SPEC, {"part.parquet": sink.getvalue()}, tmp_path), *NAMES) == ROWS


def test_raw_contents_of_both_directions_are_read():
    tensor = {"name": "age", "shape": [2], "datatype": "INT16"}
    raw = np.array([41, -2], "<i2").tobytes()
    expected = {"outputs": [tensor | {"parameters": {}, "data": ["41", "-2"]}]}

    assert read_message(infer_request(inputs=[tensor], outputs=[{"name": "p"}], raw_input_contents=[raw])) == expected
    assert read_message(infer_response(outputs=[tensor], raw_output_contents=[raw])) == expected


@pytest.mark.parametrize(
    ("datatype", "contents", "expected"),
    [
        ("BOOL", {"bool_contents": [True, False]}, [True, False]),
        ("INT8", {"int_contents": [-5, 7]}, ["-5", "7"]),
        ("INT64", {"int64_contents": [-(2**63), 2**63 - 1]}, ["-9223372036854775808", "9223372036854775807"]),
        ("UINT8", {"uint_contents": [0, 255]}, ["0", "255"]),
        ("UINT64", {"uint64_contents": [2**64 - 1, 0]}, ["18446744073709551615", "0"]),
        ("FP32", {"fp32_contents": [0.1, float("nan")]}, ["0.1", "nan"]),
        ("FP64", {"fp64_contents": [0.1, float("inf")]}, ["0.1", "inf"]),
        ("BYTES", {"bytes_contents": [b"", b"a"]}, ["", "a"]),
    ],
)
def test_contents_of_each_datatype_keep_their_values(datatype, contents, expected):
    message = read_message(
        infer_response(outputs=[{"name": "x", "shape": [2], "datatype": datatype, "contents": contents}])
    )

    assert message["outputs"][0]["data"] == expected


def test_text_in_base64_is_told_by_its_parameter(tmp_path):
    packed = {"bytes_contents": [base64.b64encode(b"PL")]}
    parameter = {"key": "content_type", "value": {"string_param": "base64"}}
    country = {"name": "country", "shape": [1], "datatype": "BYTES", "parameters": [parameter], "contents": packed}
    score = {"name": "score", "shape": [1], "datatype": "FP64", "contents": {"fp64_contents": [0.5]}}
    files = {
        "t.inputs/0.jsonl": to_lines(record(infer_request(inputs=[country]))),
        "t.outputs/0.jsonl": to_lines(record(infer_response(outputs=[score]))),
    }

    assert values(unpack(SPEC, files, tmp_path), "country") == [("PL",)]


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(REQUEST[:-3], id="cut off"),
        pytest.param(infer_request(model_name="churn"), id="no tensor"),
        pytest.param(b"*\xff" + REQUEST, id="a length beyond the end"),
        pytest.param(
            infer_request(inputs=[{"name": "age", "shape": [2], "datatype": "INT32"}], raw_input_contents=[b"abc"]),
            id="raw contents of other lengths",
        ),
        pytest.param(
            infer_request(
                inputs=[{"name": "n", "shape": [1], "datatype": "BYTES", "contents": {"bytes_contents": [b"\xff"]}}]
            ),
            id="bytes that are no text",
        ),
    ],
)
def test_damaged_message_is_undecodable(tmp_path, damaged):
    files = {"t.inputs/0.jsonl": to_lines(record(damaged)), "t.outputs/0.jsonl": to_lines(record(RESPONSE))}

    assert refused(unpack(SPEC, files, tmp_path)) == {"x-1": "undecodable payload"}


@pytest.mark.parametrize("text", ["41,0.82,PL", "2,3\n", "*\n", '"a",1', ":", json.dumps(INPUTS, default=str)])
def test_text_is_no_message(text):
    assert read_message(text.encode()) is None
