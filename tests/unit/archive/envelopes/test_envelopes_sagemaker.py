from __future__ import annotations

import gzip
import json

import pytest

from airflow_mlmon.archive.envelopes.envelope import open_label_envelope
from airflow_mlmon.errors import UnreadableFileError
from airflow_mlmon.spec import Labels
from airflow_mlmon.tables.reading import Reading
from tests.support.envelopes import TIME, captured, predictions, refused, to_base64, to_lines, unpack, values

SPEC = predictions("sagemaker")


def read(tmp_path, *records, section=SPEC):
    return unpack(section, {"a.jsonl": to_lines(*records)}, tmp_path)


def test_rows_of_a_body_follow_the_order_of_the_spec(tmp_path):
    rows = read(tmp_path, captured("41,0.82,PL\n29,0.11,DE", "0.913\n0.127", inferenceId="order-7781"))

    assert values(rows, "id", "at", "age", "amount", "country", "score") == [
        ("order-7781#0", TIME, 41, 0.82, "PL", 0.913),
        ("order-7781#1", TIME, 29, 0.11, "DE", 0.127),
    ]


def test_single_row_has_the_plain_id_that_ground_truth_names(tmp_path):
    rows = read(tmp_path, captured("41,0.82,PL", "0.913"), captured("29,0.11,DE", "0.1", inferenceId="order-1"))

    assert values(rows, "id", "age") == [("e-1", 41), ("order-1", 29)]


def test_base64_is_decoded_and_read_by_the_content_type(tmp_path):
    record = captured(to_base64("41,0.82,PL"), to_base64({"predictions": [{"score": 0.913}]}))
    record["captureData"]["endpointInput"]["encoding"] = "BASE64"
    record["captureData"]["endpointOutput"] |= {"encoding": "BASE64", "observedContentType": "application/json"}

    assert values(read(tmp_path, record), "age", "country", "score") == [(41, "PL", 0.913)]


def test_json_and_csv_bodies_keep_their_order(tmp_path):
    body = json.dumps({"instances": [{"features": [30, 1.5, "FR"]}]})
    records = [
        captured("41,0.82,PL", "0.1", inferenceId="a"),
        captured(body, "0.2", request_type="application/json", inferenceId="b"),
        captured("29,0.11,DE", "0.3", inferenceId="c"),
    ]

    assert values(read(tmp_path, *records), "id", "age", "country", "score") == [
        ("a", 41, "PL", 0.1),
        ("b", 30, "FR", 0.2),
        ("c", 29, "DE", 0.3),
    ]


def test_quoted_commas_and_line_ends_stay_in_their_value(tmp_path):
    rows = read(tmp_path, captured('41,0.82,"a,b"\r\n29,,"c\nd"\r\n', "0.9\r\n0.1\r\n"))

    assert values(rows, "age", "amount", "country") == [(41, 0.82, "a,b"), (29, None, "c\nd")]


def test_scores_of_all_rows_in_one_line_are_one_a_row(tmp_path):
    rows = read(tmp_path, captured("41,0.82,PL\n29,0.11,DE", "0.913,0.127"))

    assert values(rows, "id", "score") == [("e-1#0", 0.913), ("e-1#1", 0.127)]


def test_null_texts_of_the_spec_are_missing_values(tmp_path):
    section = predictions("sagemaker", null=["NA"])
    records = [captured("41,NA,PL", "0.9"), captured('41,NA,"NA"', "NA", inferenceId="r")]

    for own in (records[:1], records):
        rows = read(tmp_path, *own, section=section)
        assert values(rows, "amount", "country", "score") == [(None, "PL", 0.9), (None, None, None)][: len(own)]


def test_vector_with_a_missing_value_is_read_one_by_one_too(tmp_path):
    columns = {"id": SPEC.columns["id"], "at": SPEC.columns["at"], "v": {"type": "vector", "dimension": 2}}
    section = predictions("sagemaker", columns)

    rows = read(tmp_path, captured('"1",', None), section=section)

    assert values(rows, "v") == [([1.0, None],)]


def test_header_with_the_names_of_the_features_is_no_row(tmp_path):
    assert values(read(tmp_path, captured("age,amount,country\n41,0.82,PL", "0.9")), "id", "age") == [("e-1", 41)]


@pytest.mark.parametrize(
    ("request_body", "response", "reason"),
    [
        pytest.param("41,0.82,PL\n29,0.11,DE", "0.9\n0.1\n0.2", "row counts differ", id="rows"),
        pytest.param("41,0.82", "0.9", "undecodable payload", id="a value too few"),
        pytest.param("41,0.82,PL,1\n29,0.1", "0.9\n0.1", "undecodable payload", id="values in another row"),
        pytest.param('41,0.82,"PL', "0.9", "undecodable payload", id="an open quote"),
        pytest.param("", "0.9", "payload too large or null", id="empty"),
        pytest.param(None, "0.9", "payload too large or null", id="null"),
        pytest.param("41,0.82,PL", None, "payload too large or null", id="null response"),
    ],
)
def test_refused_request_is_one_row_with_id_time_and_reason(tmp_path, request_body, response, reason):
    rows = read(tmp_path, captured(request_body, response), captured("1,2,PL", "0.3", inferenceId="sound"))

    assert refused(rows) == {"e-1": reason}
    assert values(rows, "id", "age", "country", "score") == [("sound", 1, "PL", 0.3)]
    assert [row["at"] for row in rows] == [TIME, TIME]


def test_base64_that_is_no_text_is_refused(tmp_path):
    record = captured("/w==", "0.9")
    record["captureData"]["endpointInput"]["encoding"] = "BASE64"

    assert refused(read(tmp_path, record)) == {"e-1": "undecodable payload"}


def test_capture_without_an_output_is_refused(tmp_path):
    record = captured("41,0.82,PL", "0.9")
    del record["captureData"]["endpointOutput"]

    assert refused(read(tmp_path, record)) == {"e-1": "payload too large or null"}


def test_vector_takes_as_many_values_as_it_has_dimensions(tmp_path):
    columns = dict(SPEC.columns) | {"country": {"type": "vector", "dimension": 3}}
    section = predictions("sagemaker", {name: columns[name] for name in SPEC.columns})

    rows = read(tmp_path, captured("41,0.82,1,2,3\n29,0.11,4,,6", "0.9\n0.1"), section=section)

    assert values(rows, "age", "country") == [(41, [1, 2, 3]), (29, [4, None, 6])]


def test_model_of_features_alone_needs_no_response(tmp_path):
    columns = {name: column for name, column in SPEC.columns.items() if name != "score"}

    rows = read(tmp_path, captured("41,0.82,PL", None), section=predictions("sagemaker", columns))

    assert values(rows, "id", "age") == [("e-1", 41)]


def test_sampling_of_the_spec_is_said_in_each_row(tmp_path):
    rows = read(tmp_path, captured("41,0.82,PL", "0.9"), section=predictions("sagemaker", sampling=0.1))

    assert [row["sampling_fraction"] for row in rows] == ["0.1"]


def test_compressed_lines_are_read(tmp_path):
    rows = unpack(SPEC, {"a.jsonl.gz": gzip.compress(to_lines(captured("41,0.82,PL", "0.9")))}, tmp_path)

    assert values(rows, "age") == [(41,)]


def test_many_records_are_read_as_few_are(tmp_path):
    records = [captured(f"{n},0.5,PL", "0.25", inferenceId=f"r-{n}", customAttributes=["x"]) for n in range(400)]

    rows = unpack(SPEC, {"a.jsonl": to_lines(*records)}, tmp_path)

    assert values(rows, "id", "at", "age", "score") == [(f"r-{n}", TIME, n, 0.25) for n in range(400)]


def test_truncated_file_is_refused_as_a_whole(tmp_path):
    with pytest.raises(UnreadableFileError, match="is truncated"):
        unpack(SPEC, {"a.jsonl": to_lines(captured("41,0.82,PL", "0.9"))[:-20]}, tmp_path)


def test_ground_truth_has_the_id_of_the_request(tmp_path):
    labels = Labels(path="l/{date}/", id="order", label="churned", log="sagemaker")
    envelope = open_label_envelope(labels)
    assert envelope is not None
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        to_lines(
            {"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId": "order-7781"}},
            {"groundTruthData": {"data": "0\n1", "encoding": "CSV"}, "eventMetadata": {"eventId": "order-2"}},
        )
    )

    tables = [
        piece.table
        for _, piece in envelope.rows(((0, piece) for piece in envelope.read(path, "a.jsonl", Reading())), [None])
    ]

    assert [tuple(row.values())[:2] for table in tables for row in table.select(["order", "churned"]).to_pylist()] == [
        ("order-7781", "1"),
        ("order-2#0", "0"),
        ("order-2#1", "1"),
    ]


def test_json_lines_are_a_row_each(tmp_path):
    body = '{"age": 41, "amount": 0.82, "country": "PL"}\n{"age": 29, "country": null}\n'

    rows = read(tmp_path, captured(body, "0.9\n0.1", request_type="application/jsonlines"))

    assert values(rows, "id", "age", "amount", "country") == [("e-1#0", 41, 0.82, "PL"), ("e-1#1", 29, None, None)]
