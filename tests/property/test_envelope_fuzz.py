"""Whatever a payload is, its request becomes rows or one row with a reason; nothing else fails."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_mlmon.archive.envelopes.systems import SYSTEMS
from tests.support.envelopes import COLUMNS, captured, logged, predictions, to_lines, unpack

WORDS = [
    "instances", "inputs", "outputs", "predictions", "dataframe_split", "dataframe_records", "columns", "data", "names",
    "ndarray", "tensor", "shape", "values", "datatype", "name", "contents", "features", "rawInputContents", "age",
    "amount", "country", "score", "parameters", "x",
]  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["FP64", "INT32", "BYTES", "QUJD", "\ud800", "a\x00b"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=12,
)
PAYLOADS = st.dictionaries(st.sampled_from(WORDS), VALUES, min_size=1, max_size=3) | VALUES
VECTORS = COLUMNS | {"amount": {"type": "vector", "dimension": 2}}


def unpacked(log: str, records: list[dict[str, Any]], columns: dict[str, Any] = COLUMNS) -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        return unpack(predictions(log, columns), {"a.jsonl": to_lines(*records)}, Path(folder))


@settings(max_examples=60)
@given(request=PAYLOADS, response=PAYLOADS)
@example(request={"inputs": [{"name": "age", "datatype": "INT64", "shape": [10**12, 0], "data": []}]}, response=1)
@example(request={"data": {"tensor": {"shape": [], "values": [1]}}}, response={"predictions": [1]})
@example(request={"instances": [[1, 2, "\ud800"]]}, response={"predictions": [1]})
def test_any_json_is_rows_or_one_refused_request(request, response):
    sound = {"instances": [[41, 0.5, "PL"]]}, {"predictions": [0.5]}
    records = [
        logged(own_id, kind, body)
        for own_id, bodies in (("odd", (request, response)), ("sound", sound))
        for kind, body in zip(("request", "response"), map(json.dumps, bodies), strict=True)
    ]

    for columns in (COLUMNS, VECTORS):
        found = unpacked("kserve", records, columns)
        odd = [row for row in found if str(row["id"]).startswith("odd")]

        assert len(odd) >= 1
        assert len(odd) == 1 or not any("quarantine_reason" in row for row in odd)
    assert [row["age"] for row in unpacked("kserve", records) if row["id"] == "sound"] == [41]


@settings(max_examples=60)
@given(
    request=st.text(alphabet='1,."\n\r \x00éa', max_size=20) | st.text(max_size=20),
    response=st.text(alphabet='1,."\n', max_size=8),
)
def test_any_csv_is_rows_or_one_refused_request(request, response):
    records = [captured(request, response), captured("41,0.5,PL", "0.5", inferenceId="sound")]

    found = unpacked("sagemaker", records)

    odd = [row for row in found if str(row["id"]).startswith("e-1")]
    assert len(odd) >= 1
    assert len(odd) == 1 or not any("quarantine_reason" in row for row in odd)
    assert [(row["age"], row["score"]) for row in found if row["id"] == "sound"] == [(41, 0.5)]


@settings(max_examples=60)
@given(record=st.dictionaries(st.sampled_from([*COLUMNS, "timestamp", "request_id", "z"]), VALUES, min_size=1))
@example(record={"timestamp": [], "request_id": {"a": 1}})
def test_any_record_of_a_monitoring_log_is_one_row(record):
    lines = [record, {"request_id": "sound", "timestamp": "2026-03-01T03:33:59", "age": 41}]

    assert len(unpacked("bentoml", lines)) == 2
    assert len(unpacked("bentoml", lines, VECTORS)) == 2


KEYS = sorted(
    {
        part
        for system in SYSTEMS.values()
        for paths in system.fields.values()
        for path in paths
        for part in path.split(".")
    }
)
RECORDS = st.dictionaries(
    st.sampled_from(KEYS), VALUES | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3), max_size=5
)


@settings(max_examples=60)
@given(log=st.sampled_from(sorted(SYSTEMS)), records=st.lists(RECORDS, min_size=1, max_size=4))
def test_any_record_of_a_system_becomes_rows(log, records):
    assert unpacked(log, records)
