"""Options of a capture, and its other calls: tags, marks, protection, sampling, labels, destinations and batches."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.capture import Capture, CapturedColumn, CaptureError, CaptureSchema
from airflow_mlmon.capture.marks import METADATA_KEY, read_marks
from tests.support.logged import NOON, rows_of, spec_of


def test_tags_and_marks_out_of_range_are_columns(tmp_path, opened):
    columns = {
        "region": {"type": "category"},
        "pod": {"type": "category"},
        "beyond": {"type": "category", "role": "ignored"},
    }
    capture = opened(columns, tags={"region": "eu"}, out_of_range="beyond", ranges={"amount": (0, 10)})

    capture.log({"amount": 11}, at=NOON, tags={"pod": "a"})
    capture.log({"amount": 1, "region": "us"}, at=NOON)
    capture.close()

    assert [(row["region"], row["pod"], row["beyond"]) for row in rows_of(tmp_path)] == [
        ("eu", "a", "amount"),
        ("eu", None, None),
    ]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({}, {"tags": {"pod": 1}}, "tags: 'pod' is no column of the spec"),
        ({}, {"out_of_range": "beyond"}, "'beyond' is no column of the spec of type"),
        ({}, {"out_of_range": "country"}, "no range is known"),
        ({}, {"out_of_range": "country", "ranges": {"id": (0, 1)}}, "'id' is no column of numbers"),
        ({}, {"sample": 0}, "sample: a fraction above 0"),
        ({}, {"queue": 5}, "unexpected keyword argument 'queue'"),
        ({}, {"queue_rows": 0}, "queue_rows"),
        ({"mail": {"type": "string", "personal": "hash"}}, {}, "mail.personal: must be hashed, but no key is set"),
    ],
    ids=str,
)
def test_capture_that_cannot_work_is_not_opened(opened, monkeypatch, columns, options, message):
    for name in ("MLMON_HASH_KEY", "AIRFLOW__MLMON__HASH_KEY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(CaptureError) as caught:
        opened(columns, **options)

    assert message in str(caught.value)


@pytest.mark.guards("attack-captured")
def test_personal_values_do_not_reach_the_queue_or_are_hashed(tmp_path, opened, monkeypatch):
    monkeypatch.setenv("MLMON_HASH_KEY", "key")
    columns = {"mail": {"type": "string", "personal": "drop"}, "name": {"type": "string", "personal": "hash"}}
    capture = opened(columns, flush_seconds=600)

    capture.log({"mail": "a@b.example", "name": "Ann"}, at=NOON)
    assert "a@b.example" not in repr(list(capture._archive.writer.queue._rows))
    capture.close()

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Ann" not in written
    [file] = (tmp_path / "preds").rglob("*.parquet")
    marks = read_marks(pq.read_metadata(file).metadata[METADATA_KEY])
    assert marks.protected == {"mail": "dropped", "name": "hashed"}
    assert (marks.roles["id"], marks.roles["took"]) == ("id", "operational")


def test_sampled_rows_and_their_labels_are_the_same_ids(tmp_path, opened):
    capture = opened(sample=0.3, labels_destination=tmp_path / "labels")
    ids = [str(number) for number in range(200)]

    for key in ids:
        capture.log({"amount": 1}, id=key, at=NOON)
        capture.log_label(key, label=True, at=NOON)
    capture.close()

    kept = {row["id"] for row in rows_of(tmp_path)}
    assert 30 < len(kept) < 90
    assert {row["key"] for row in rows_of(tmp_path, "labels")} == kept
    assert capture.counters["accepted"] + capture.counters["sampled_out"] == len(ids)


def test_labels_lie_in_the_folder_of_their_delivery(tmp_path, opened):
    capture = opened()

    capture.log_label("a", label=True, at=NOON)
    capture.log_label("b", None, outcome="cancelled", at=NOON + timedelta(days=1))
    capture.log_label("c", "late", at=datetime(2026, 3, 1))  # noqa: DTZ001 - on purpose
    capture.close()

    assert rows_of(tmp_path, "labels/2026-03-01") == [{"key": "a", "fraud": True, "why": None}]
    assert rows_of(tmp_path, "labels/2026-03-02") == [{"key": "b", "fraud": None, "why": "cancelled"}]
    assert capture.counters["labels"]["dropped"] == {"naive_time": 1}


def test_labels_without_a_place_are_counted(tmp_path):
    spec = spec_of(tmp_path)
    with Capture(spec, tmp_path / "other", spool=tmp_path / "spool") as capture:
        capture.log_label("a", label=True)
    spec["labels"]["path"] = f"{tmp_path}/labels.parquet"
    spec["labels"]["watermark"] = "written"
    with Capture(spec, spool=tmp_path / "spool") as to_file:
        to_file.log_label("a", label=True)
    del spec["labels"]
    with Capture(spec, spool=tmp_path / "spool") as without:
        without.log_label("a", label=True)

    assert capture.counters["skipped"] == {"no_labels_destination": 1}
    assert to_file.counters["skipped"] == {"no_folder_of_labels": 1}
    assert without.counters["skipped"] == {"no_labels": 1}


def test_destination_replaces_the_root_or_the_whole_path(tmp_path):
    for destination in (tmp_path / "root", tmp_path / "path/{year}/{country}"):
        labels = f"{destination}/labels".replace("{country}", "all")
        with Capture(spec_of(tmp_path), destination, labels_destination=labels, spool=tmp_path / "spool") as capture:
            capture.log({"country": "DE"}, at=NOON)
            capture.log_label("a", label=True, at=NOON)

    assert len(rows_of(tmp_path, "root/dt=2026-03-01")) == 1
    assert len(rows_of(tmp_path, "path/2026/DE")) == 1
    assert len(rows_of(tmp_path, "root/labels/2026-03-01")) == 1
    assert len(rows_of(tmp_path, "path/2026/all/labels")) == 1


BATCH = [{"amount": 1.0, "country": "DE"}, {"amount": 2.0, "country": "FR"}]


@pytest.mark.parametrize(
    "features",
    [
        pytest.param(BATCH, id="rows"),
        pytest.param({"amount": np.array([1.0, 2.0]), "country": ["DE", "FR"]}, id="columns"),
        pytest.param(pa.Table.from_pylist(BATCH), id="table"),
        pytest.param(pa.RecordBatch.from_pylist(BATCH), id="batch"),
        pytest.param(pd.DataFrame(BATCH), id="frame"),
    ],
)
@pytest.mark.parametrize(
    "predictions",
    [
        pytest.param([0.1, 0.2], id="list"),
        pytest.param(np.array([0.1, 0.2]), id="array"),
        pytest.param(np.array([[0.1], [0.2]]), id="matrix"),
        pytest.param(pd.Series([0.1, 0.2]), id="series"),
        pytest.param({"score": [0.1, 0.2]}, id="columns"),
    ],
)
def test_batch_of_any_form_is_its_rows(tmp_path, opened, features, predictions):
    capture = opened()

    ids = capture.log_batch(features, predictions, ids=["a", "b"], versions="7", at=NOON, latency_ms=5, status=200)
    capture.close()

    assert ids == ["a", "b"]
    found = [(row["id"], row["amount"], row["country"], row["score"], row["release"]) for row in rows_of(tmp_path)]
    assert found == [("a", 1.0, "DE", 0.1, "7"), ("b", 2.0, "FR", 0.2, "7")]


def test_batch_of_uneven_parts_is_counted(opened):
    capture = opened()

    assert capture.log_batch(BATCH, [0.1]) == []
    assert capture.log_batch({"amount": [1], "country": []}) == []
    assert capture.log_batch(5) == []
    capture.close()

    assert capture.counters["dropped"] == {"uneven_batch": 3}
    assert capture.counters["skipped"] == {"unreadable_batch": 1}


def test_single_sequence_is_of_all_probabilities(tmp_path):
    spec = spec_of(tmp_path)
    spec["classes"] = ["a", "b", "c"]
    columns = spec["predictions"]["columns"]
    del columns["score"]
    columns["flagged"] = {"type": "category", "role": "prediction"}
    columns["p_{class}"] = {"type": "float", "role": "probability"}
    with Capture(spec, spool=tmp_path / "spool") as capture:
        capture.log({}, np.array([0.2, 0.3, 0.5]), at=NOON)
        capture.log({}, "b", at=NOON)

    first, second = rows_of(tmp_path)
    assert [first[f"p_{name}"] for name in "abc"] == [0.2, 0.3, 0.5]
    assert (first["flagged"], second["flagged"]) == (None, "b")


def test_attributions_are_columns_or_a_vector_in_the_order_of_the_spec(tmp_path):
    for folder, name, column in (
        ("columns", "shap_{feature}", {"type": "float", "role": "attribution"}),
        ("vector", "shap", {"type": "vector", "dimension": 3, "role": "attribution"}),
    ):
        spec = spec_of(tmp_path / folder, **{name: column})
        with Capture(spec, spool=tmp_path / "spool") as capture:
            capture.log({}, 0.5, at=NOON, attributions={"age": 0.1, "amount": 0.2, "country": 0.3})
            capture.log({}, 0.5, at=NOON, attributions=np.array([0.2, 0.1, 0.3]))

    names = ("shap_amount", "shap_age", "shap_country")
    assert [tuple(row[name] for name in names) for row in rows_of(tmp_path / "columns")] == [(0.2, 0.1, 0.3)] * 2
    assert [row["shap"] for row in rows_of(tmp_path / "vector")] == [[0.2, 0.1, 0.3]] * 2


def test_schema_may_be_made_without_a_spec(tmp_path):
    columns = [
        CapturedColumn(name="id", type="string", role="id"),
        CapturedColumn(name="amount", type="float"),
        CapturedColumn(name="score", type="float", role="score"),
    ]
    schema = CaptureSchema(
        model="m", path=f"{tmp_path}/{{date}}/", format="jsonl", columns={column.name: column for column in columns}
    )
    with Capture(schema, spool=tmp_path / "spool") as capture:
        capture.log({"amount": 1}, 0.5, id="a", at=NOON)

    [file] = (tmp_path / "2026-03-01").glob("*.jsonl")
    assert json.loads(file.read_text()) == {"id": "a", "amount": 1.0, "score": 0.5}
