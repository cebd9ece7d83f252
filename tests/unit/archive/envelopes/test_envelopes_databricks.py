from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.envelopes import TIME, predictions, refused, to_lines, unpack, values

SPEC = predictions("databricks")
RECORDS = {"dataframe_records": [{"age": 41, "amount": 0.82, "country": "PL"}]}


def row(own_id="a-1", request=RECORDS, response=None, **columns):
    return {
        "databricks_request_id": own_id,
        "request_time": TIME,
        "status_code": 200,
        "execution_duration_ms": 14,
        "sampling_fraction": 1.0,
        "request": None if request is None else json.dumps(request),
        "response": json.dumps(response or {"predictions": [0.913]}),
    } | columns


def read(tmp_path, *rows, section=SPEC):
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), sink)
    return unpack(section, {"a.parquet": sink.getvalue()}, tmp_path)


@pytest.mark.parametrize(
    "request_body",
    [
        pytest.param(RECORDS, id="records"),
        pytest.param(
            {"dataframe_split": {"columns": ["country", "age", "amount"], "data": [["PL", 41, 0.82]]}}, id="split"
        ),
        pytest.param({"instances": [{"amount": 0.82, "country": "PL", "age": 41}]}, id="instances"),
        pytest.param({"instances": [[41, 0.82, "PL"]]}, id="instances by position"),
        pytest.param({"inputs": {"age": [41], "amount": [0.82], "country": ["PL"]}}, id="inputs by column"),
        pytest.param({"inputs": [[41, 0.82, "PL"]]}, id="inputs by position"),
    ],
)
def test_each_form_of_a_request_is_read(tmp_path, request_body):
    rows = read(tmp_path, row(request=request_body))

    assert values(rows, "id", "at", "age", "amount", "country", "score") == [("a-1", TIME, 41, 0.82, "PL", 0.913)]


def test_columns_of_all_generations_are_known(tmp_path):
    legacy = row("a") | {"timestamp_ms": 1772336039123, "execution_time_ms": 3}
    del legacy["request_time"], legacy["execution_duration_ms"]
    newest = row("b") | {"invocation_id": "b", "event_time": TIME, "latency_ms": 3}
    del newest["databricks_request_id"], newest["request_time"], newest["sampling_fraction"]

    rows = read(tmp_path, legacy) + read(tmp_path, newest)

    assert values(rows, "id", "at") == [("a", datetime(2026, 3, 1, 3, 33, 59, 123000, UTC)), ("b", TIME)]


def test_id_of_the_client_comes_first_unless_the_spec_names_another(tmp_path):
    record = row("a-1", client_request_id="order-1")
    columns = {"databricks_request_id" if name == "id" else name: column for name, column in SPEC.columns.items()}

    assert values(read(tmp_path, record), "id") == [("order-1",)]
    named = read(tmp_path, record, section=predictions("databricks", columns))
    assert values(named, "databricks_request_id") == [("a-1",)]


def test_failed_and_empty_requests_are_refused(tmp_path):
    rows = read(
        tmp_path, row("a", status_code=429), row("b", request=None), row("c"), row("d", response={"error": "x"})
    )

    assert refused(rows) == {"a": "status not 200", "b": "payload too large or null", "d": "undecodable payload"}
    assert values(rows, "id", "score") == [("c", 0.913)]


def test_fields_of_the_envelope_are_columns_where_they_are_declared(tmp_path):
    more = {"served_entity_id": {"type": "category", "role": "version"}, "execution_duration_ms": {"type": "integer"}}

    rows = read(tmp_path, row(served_entity_id="v2"), section=predictions("databricks", dict(SPEC.columns) | more))

    assert values(rows, "served_entity_id", "execution_duration_ms", "age") == [("v2", 14, 41)]


def test_sampling_fraction_of_the_records_is_said_in_each_row(tmp_path):
    rows = read(tmp_path, row(sampling_fraction=0.1), row("b", request=None, sampling_fraction=0.1))

    assert [entry["sampling_fraction"] for entry in rows] == ["0.1", "0.1"]


def test_exported_json_lines_are_read_as_the_table_is(tmp_path):
    lines = to_lines(*(row(own_id, request_time="2026-03-01T03:33:59Z") for own_id in "ab"))

    rows = unpack(SPEC, {"a.json": lines}, tmp_path)

    assert values(rows, "id", "at", "age", "score") == [("a", TIME, 41, 0.913), ("b", TIME, 41, 0.913)]
