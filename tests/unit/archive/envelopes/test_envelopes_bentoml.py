from __future__ import annotations

from datetime import UTC, datetime

from tests.support.envelopes import predictions, to_lines, unpack, values

COLUMNS = {
    "id": {"type": "string", "role": "id"},
    "timestamp": {"type": "timestamp", "role": "time"},
    "age": {"type": "integer"},
    "country": {"type": "category"},
    "prediction": {"type": "float", "role": "score"},
}
SPEC = predictions("bentoml", COLUMNS, timezone="Europe/Berlin")


def record(request, prediction, **more):
    return {
        "age": 41,
        "country": "PL",
        "prediction": prediction,
        "timestamp": "2026-03-01T03:33:59.490137",
        "request_id": request,
        "trace_id": "206884421764271374",
    } | more


def test_rows_of_a_request_are_numbered_and_single_ones_are_not(tmp_path):
    lines = to_lines(record("7", 0.1), record("8", 0.2), record("8", 0.3), record("9", 0.4), record("9", 0.5))

    rows = unpack(SPEC, {"data.1.log": lines}, tmp_path)

    assert sorted(values(rows, "id", "prediction")) == [
        ("7", 0.1),
        ("8#0", 0.2),
        ("8#1", 0.3),
        ("9#0", 0.4),
        ("9#1", 0.5),
    ]


def test_local_time_is_of_the_declared_zone(tmp_path):
    lines = to_lines(record("7", 0.1), record("8", 0.1, timestamp="2026-07-01T03:33:59"))

    rows = unpack(SPEC, {"data.1.log": lines}, tmp_path)

    assert values(rows, "timestamp") == [
        (datetime(2026, 3, 1, 2, 33, 59, 490137, UTC),),
        (datetime(2026, 7, 1, 1, 33, 59, tzinfo=UTC),),
    ]


def test_request_that_rotation_cuts_is_numbered_across_the_files(tmp_path):
    files = {
        "data.1.log": to_lines(record("7", 0.3), record("8", 0.4)),
        "data.1.log.2026-03-01": to_lines(record("6", 0.0), record("7", 0.1), record("7", 0.2)),
    }
    expected = [("6", 0.0), ("7#0", 0.1), ("7#1", 0.2), ("7#2", 0.3), ("8", 0.4)]

    assert sorted(values(unpack(SPEC, files, tmp_path), "id", "prediction")) == expected
    backwards = dict(reversed(files.items()))
    assert sorted(values(unpack(SPEC, backwards, tmp_path), "id", "prediction")) == expected


def test_column_with_a_reserved_name_is_archived_with_an_underscore(tmp_path):
    section = predictions("bentoml", COLUMNS | {"trace_id": {"type": "integer"}})

    rows = unpack(section, {"data.1.log": to_lines(record("7", 0.1, trace_id_=5))}, tmp_path)

    assert values(rows, "trace_id") == [(5,)]


def test_schema_records_are_no_rows(tmp_path):
    schema = {"meta_data": {"bento_name": "churn"}, "columns": [{"name": "age", "role": "feature"}]}

    assert unpack(SPEC, {"schema.1.log": to_lines(schema)}, tmp_path) == []


def test_time_of_open_telemetry_is_seconds(tmp_path):
    rows = unpack(SPEC, {"a.jsonl": to_lines(record("7", 0.1, timestamp=1772336039.25))}, tmp_path)

    assert values(rows, "timestamp") == [(datetime(2026, 3, 1, 3, 33, 59, 250000, UTC),)]


def test_sequence_is_a_vector(tmp_path):
    section = predictions("bentoml", COLUMNS | {"country": {"type": "vector", "dimension": 2}}, timezone="UTC")

    rows = unpack(section, {"data.1.log": to_lines(record("7", 0.1, country=[0.5, 1]))}, tmp_path)

    assert values(rows, "country") == [([0.5, 1.0],)]
