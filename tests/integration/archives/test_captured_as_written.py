"""What a service captures, the monitoring reads as if the service had written its own files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from airflow_mlmon.capture import Capture
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, LABELS, ROWS, BaseArchive, day_of, day_table, labels_of, metric_of, run_day

KEY = b"key"
COLUMNS = """\
    country: {{type: category}}
    account: {{type: integer, personal: hash}}
    mail: {{type: string, personal: drop}}
    age: {{type: integer, generalise: 10}}
    postcode: {{type: string, truncate: 2}}
    seen: {{type: timestamp, generalise: hour}}
    note: {{type: string, role: text}}
    face: {{type: vector, dimension: 3}}
    price: {{type: decimal}}
    "shap_{{feature}}": {{type: float, role: attribution}}
    traceparent: {{type: string, role: trace}}
"""
CHANGED = (
    ("    country: {type: category}\n", COLUMNS),
    ("id: {type: string, role: id}", "id: {{type: string, role: id, personal: hash}}"),
    ("reference:\n", "operational: {{latency_s: took, status: code}}\nreference:\n"),
)
FEATURES = ("amount", "country", "account", "mail", "age", "postcode", "seen", "note", "face", "price")


def _rows(day: Any = FIRST) -> pa.Table:
    table, count = day_table(day), ROWS
    more = {
        "account": pa.array(range(count)),
        "mail": pa.array(["a@b.example"] * count),
        "age": pa.array([number % 90 - 3 for number in range(count)]),
        "postcode": pa.array([f"{number:05d}" if number % 7 else None for number in range(count)]),
        "seen": pa.array([datetime(2026, 2, 3, 4, 5, number % 60, tzinfo=UTC) for number in range(count)]),
        "note": pa.array([f"A note of {number} words" for number in range(count)]),
        "face": pa.array([[number, 0.5, 0.25] for number in range(count)], pa.list_(pa.float64())),
        "price": pa.array(range(count)).cast(pa.decimal128(22, 2)),
    }
    for name in ("amount", "country", "age", "postcode", "seen", "note", "face", "price"):
        more[f"shap_{name}"] = pa.array([number / 8 for number in range(count)])
    more |= {"traceparent": pa.array([f"00-{number:032x}-{number:016x}-01" for number in range(count)])}
    more |= {"took": pa.array([number / 1_000 for number in range(count)]), "code": pa.array(["200"] * count)}
    for name, values in more.items():
        table = table.append_column(name, values)
    return table


def _capture(capture: Capture, table: pa.Table) -> None:
    for row in table.to_pylist():
        capture.log(
            {name: row[name] for name in FEATURES},
            {"score": row["score"], "flagged": row["flagged"]},
            id=row["id"],
            at=row["at"],
            attributions={name: row[f"shap_{name}"] for name in FEATURES if f"shap_{name}" in row},
            latency_ms=row["took"] * 1_000,
            status=200,
            trace=row["traceparent"],
        )


@pytest.mark.parametrize("form", ["parquet", "jsonl", "jsonl.gz"])
def test_captured_day_is_curated_as_its_own_files_are(tmp_path, form):
    table, found = _rows(), {}
    for name in ("own", "captured"):
        archive = BaseArchive(tmp_path / name, *CHANGED)
        archive.write("reference/part-0.parquet", _rows(day_of(-1)))
        spec = yaml.safe_load(archive.spec_text)
        spec["predictions"]["format"] = form.removesuffix(".gz")
        if name == "own":
            archive.write_day(FIRST, table)
        else:
            with Capture(
                spec, hash_key=KEY, spool=tmp_path / "spool", file_rows=70, gzip=form.endswith("gz")
            ) as capture:
                _capture(capture, table)
        with archive.opened(hash_key=KEY) as run:
            prepared = prepare_partition(run, run.partition(FIRST))
            rows = read_curated(run, prepared.partition, prepared.version)
        found[name] = (prepared.status, prepared.message, rows.sort_by("id"))

    assert found["captured"][:2] == (Status.OK, ""), found["captured"][1]
    own, captured = found["own"][2], found["captured"][2]
    assert captured.column_names == own.column_names
    for name in own.column_names:
        values, read = own.column(name), captured.column(name)
        assert str(read.to_pylist()) == str(values.to_pylist()), name
    assert "mail" not in captured.column_names


def test_captured_labels_are_joined_on_ids_that_were_hashed_once(tmp_path):
    archive = BaseArchive(tmp_path, *CHANGED[1:2], labels=LABELS)
    table, noon = day_table(FIRST), datetime(2026, 3, 2, 12, tzinfo=UTC)
    with Capture(yaml.safe_load(archive.spec_text), hash_key=KEY, spool=tmp_path / "spool") as capture:
        for row in table.to_pylist():
            key = capture.log(row, at=row["at"])
            assert key == row["id"]
        for row in labels_of(table).to_pylist():
            capture.log_label(row["id"], row["fraud"], at=noon)
    assert capture.counters["labels"]["published"] == ROWS

    with archive.opened(hash_key=KEY) as run:
        run_day(run, FIRST)
        run_day(run, day_of(1))

        assert metric_of(run, FIRST, "accuracy") == 1.0


def test_rows_of_a_path_by_hour_and_country_are_read_back(tmp_path):
    archive = BaseArchive(tmp_path, ("preds/dt={date}/", "preds/{{year}}/{{month}}/{{day}}/{{hour}}/land={{country}}/"))
    table = day_table(FIRST)
    table = table.set_column(3, "country", pc.if_else(pc.equal(table.column("country"), "FR"), "a/../b %", "DE"))
    with Capture(yaml.safe_load(archive.spec_text), spool=tmp_path / "spool") as capture:
        capture.log_batch(table, at=table.column("at"), ids=table.column("id"))
        capture.log({"country": None}, 0.5, at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=3), id="none")

    with archive.opened() as run:
        prepared = prepare_partition(run, run.partition(FIRST))
        rows = read_curated(run, prepared.partition, prepared.version)

    assert prepared.rows_accepted == ROWS + 1
    expected = dict(zip(table.column("id").to_pylist(), table.column("country").to_pylist(), strict=True))
    assert dict(zip(rows.column("id").to_pylist(), rows.column("country").to_pylist(), strict=True)) == expected | {
        "none": None
    }
