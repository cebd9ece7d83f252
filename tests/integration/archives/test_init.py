"""`mlmon init` on archives as they are found: what it drafts is what a run can read."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.loading import load_spec
from airflow_mlmon.spec import ColumnType, ModelSpec, Role
from tests.support.base_day import FIRST, ROWS, BaseArchive, day_of, day_table, labels_of
from tests.support.envelopes import captured, to_lines

TABLE = day_table(FIRST)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch) -> BaseArchive:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return BaseArchive(tmp_path)


def replaced(table: pa.Table, name: str, values: pa.ChunkedArray | pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def draft(*options: str) -> ModelSpec:
    """The spec that is drafted from the archive."""
    Path("draft.yaml").unlink(missing_ok=True)
    assert main(["init", "archive/preds", "--reference", "archive/reference", "--output", "draft.yaml", *options]) == 0
    spec = load_spec("draft.yaml")
    assert spec.start == FIRST
    return spec


def data_of(capsys) -> dict[str, object]:
    capsys.readouterr()
    main(["check", "draft.yaml", "--data", "--json", "--partition", str(FIRST)])
    return json.loads(capsys.readouterr().out)["data"]


def types_of(spec: ModelSpec) -> dict[str, tuple[ColumnType, Role]]:
    return {name: (column.type, column.role) for name, column in spec.columns.items()}


PLAIN = {
    "id": (ColumnType.STRING, Role.ID),
    "at": (ColumnType.TIMESTAMP, Role.TIME),
    "amount": (ColumnType.FLOAT, Role.FEATURE),
    "country": (ColumnType.CATEGORY, Role.FEATURE),
    "score": (ColumnType.FLOAT, Role.SCORE),
    "flagged": (ColumnType.BOOLEAN, Role.PREDICTION),
}


def to_csv(table: pa.Table, separator: str) -> bytes:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(delimiter=separator))
    return sink.getvalue().to_pybytes()


def to_json_lines(table: pa.Table) -> bytes:
    return "\n".join(json.dumps(row, default=lambda time: time.isoformat()) for row in table.to_pylist()).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("part-0.csv", to_csv(TABLE, ",")),
        ("part-0.csv", to_csv(TABLE, ";")),
        ("part-0.tsv", to_csv(TABLE, "\t")),
        ("part-0.jsonl", to_json_lines(TABLE)),
        ("part-0.json", f"[{to_json_lines(TABLE).decode().replace(chr(10), ',')}]".encode()),
    ],
    ids=["comma", "semicolon", "tab", "json lines", "json array"],
)
def test_any_format_is_drafted_as_parquet_is(archive, capsys, name, content):
    archive.write(f"preds/dt={FIRST}/{name}", content)

    spec = draft()
    assert types_of(spec) == PLAIN
    data = data_of(capsys)
    assert (data["good"], data["day"]["status"], data["day"]["manifest"]["rows_accepted"]) == (True, "OK", ROWS)
    assert data["reference"]["told"] == []


def test_decimals_of_whole_numbers_are_integers_ids_and_flags(archive, capsys):
    def to_decimal(numbers: list[int], digits: int) -> pa.Array:
        return pa.array(numbers, pa.int64()).cast(pa.decimal128(38, 0)).cast(pa.decimal128(digits, 0))

    amounts = [round(value) for value in TABLE["amount"].to_pylist()]
    table = replaced(TABLE, "amount", to_decimal(amounts, 38))
    table = replaced(table, "flagged", to_decimal([int(value) for value in TABLE["flagged"].to_pylist()], 1))
    table = replaced(table, "id", to_decimal(list(range(7, 7 + ROWS)), 38))
    archive.write_day(FIRST, table)
    archive.write("reference/part-0.parquet", table)
    labels = pa.table({"id": table["id"], "fraud": to_decimal([0, 1] * (ROWS // 2), 38)})
    archive.write_labels(day_of(1), labels)

    spec = draft("--labels", "archive/labels")
    assert types_of(spec) == PLAIN | {"amount": (ColumnType.INTEGER, Role.FEATURE)}
    assert (spec.labels.id, spec.labels.label) == ("id", "fraud")
    assert spec.labels.path.rstrip("/").endswith("/archive/labels/dt={date}")
    data = data_of(capsys)
    assert (data["day"]["status"], data["labels"]["rows"]) == ("OK", ROWS)


def test_views_of_strings_are_texts(archive, capsys):
    table = TABLE
    for name in ("id", "country"):
        table = replaced(table, name, table[name].cast(pa.string_view()))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, store_schema=True)
    archive.write(f"preds/dt={FIRST}/part-0.parquet", sink.getvalue().to_pybytes())

    assert types_of(draft()) == PLAIN
    assert data_of(capsys)["day"]["status"] == "OK"


@pytest.mark.parametrize(("unit", "size"), [("s", 10**6), ("ms", 10**3), ("us", 1)])
def test_times_as_numbers_get_their_unit(archive, capsys, unit, size):
    times = pc.divide(TABLE["at"].cast(pa.int64()), size)
    archive.write_day(FIRST, replaced(TABLE, "at", times).rename_columns(["id", f"ts_{unit}", *TABLE.column_names[2:]]))

    spec = draft()
    assert spec.time_column == f"ts_{unit}"
    assert spec.columns[f"ts_{unit}"].unit == unit
    assert data_of(capsys)["day"]["manifest"]["rows_accepted"] == ROWS


def test_times_as_texts_are_times(archive, capsys):
    texts = pa.array([time.isoformat() for time in TABLE["at"].to_pylist()])
    archive.write_day(FIRST, replaced(TABLE, "at", texts))

    assert types_of(draft()) == PLAIN
    assert data_of(capsys)["day"]["status"] == "OK"


def test_a_column_that_occurs_twice_is_left_out_by_name(archive, capsys):
    twice = pa.Table.from_arrays([*TABLE.columns, TABLE["amount"]], names=[*TABLE.column_names, "amount"])
    archive.write_day(FIRST, twice)

    assert types_of(draft()) == {name: kind for name, kind in PLAIN.items() if name != "amount"}
    assert '# "amount": left out: it occurs twice in a file' in Path("draft.yaml").read_text()
    assert data_of(capsys)["day"]["status"] == "OK"


def test_the_index_of_a_frame_is_no_column(archive):
    archive.write_day(FIRST, TABLE.append_column("__index_level_0__", pa.array(range(ROWS))))

    assert types_of(draft()) == PLAIN


def test_labels_of_one_growing_table_have_a_watermark(archive):
    archive.write_day(FIRST)
    archive.write("labels/all.csv", to_csv(labels_of(TABLE).append_column("updated_at", TABLE["at"]), ","))

    spec = draft("--labels", "archive/labels/all.csv")
    assert (spec.labels.label, spec.labels.watermark) == ("fraud", "updated_at")


def test_labels_without_any_day_are_left_to_the_reader(archive):
    archive.write_day(FIRST)
    archive.write("labels/all.csv", to_csv(labels_of(TABLE), ","))

    assert draft("--labels", "archive/labels/all.csv").labels is None
    assert "#   label: fraud" in Path("draft.yaml").read_text()


def test_the_reference_may_be_one_file_of_another_format(archive, capsys):
    archive.write_day(FIRST)
    archive.write("train.csv", to_csv(TABLE.drop_columns(["id", "at"]), ";"))
    Path("draft.yaml").unlink(missing_ok=True)

    assert main(["init", "archive/preds", "--reference", "archive/train.csv", "--output", "draft.yaml"]) == 0
    assert load_spec("draft.yaml").reference.path.endswith("/archive/train.csv")
    reference = data_of(capsys)["reference"]
    assert (reference["problem"], reference["rows"], reference["formats"]) == ("", ROWS, {"csv, separated by ;": 1})


def payloads(*, is_named: bool) -> list[tuple[str, str, str]]:
    """Request, response and time of each row."""
    found = []
    for row in TABLE.to_pylist():
        named = json.dumps({"dataframe_records": [{"amount": row["amount"], "country": row["country"]}]})
        request = named if is_named else f"{row['amount']},{row['country']}"
        found.append((request, str(row["score"]), row["at"].isoformat().replace("+00:00", "Z")))
    return found


@pytest.mark.parametrize("is_named", [True, False])
def test_the_data_capture_of_an_endpoint_is_recognised(archive, capsys, is_named):
    kind = {"request_type": "application/json"} if is_named else {}
    records = [
        captured(request, response, eventId=f"e-{number}", inferenceTime=at, **kind)
        for number, (request, response, at) in enumerate(payloads(is_named=is_named))
    ]
    archive.write("preds/2026/03/01/05/capture.jsonl", to_lines(*records))

    spec = draft()
    assert spec.predictions.log == "sagemaker"
    names = ("amount", "country") if is_named else ("x1", "x2")
    assert spec.features == names
    assert (spec.columns[names[0]].type, spec.columns[names[1]].type) == (ColumnType.FLOAT, ColumnType.CATEGORY)
    assert spec.column_of(Role.SCORE) == "score"
    manifest = data_of(capsys)["day"]["manifest"]
    assert (manifest["rows_accepted"], manifest["quarantined"], manifest["files"][0]["faults"]) == (ROWS, {}, {})


def test_an_inference_table_is_recognised(archive, capsys):
    requests, responses, _ = zip(*payloads(is_named=True), strict=True)
    table = pa.table(
        {
            "databricks_request_id": TABLE["id"],
            "date": pa.array([FIRST] * ROWS),
            "timestamp_ms": pc.divide(TABLE["at"].cast(pa.int64()), 1_000),
            "status_code": pa.array([200] * ROWS),
            "request": list(requests),
            "response": [json.dumps({"predictions": [float(one)]}) for one in responses],
        }
    )
    archive.write_day(FIRST, table)

    spec = draft()
    assert (spec.predictions.log, spec.features) == ("databricks", ("amount", "country"))
    assert data_of(capsys)["day"]["manifest"]["rows_accepted"] == ROWS


def test_a_log_whose_payloads_cannot_be_read_is_drafted_by_its_columns(archive):
    table = TABLE.select(["id", "at", "amount"]).append_column("request", pa.array([None] * ROWS, pa.string()))
    table = table.append_column("response", pa.array(["{"] * ROWS)).append_column("databricks_request_id", TABLE["id"])
    archive.write_day(FIRST, table)

    spec = draft()
    assert (spec.predictions.log, spec.time_column) == (None, "at")


def test_words_for_a_missing_number_are_declared(archive, capsys):
    amounts = ["NA" if number % 7 == 0 else str(number) for number in range(ROWS)]
    archive.write(f"preds/dt={FIRST}/part-0.csv", to_csv(replaced(TABLE, "amount", pa.array(amounts)), ","))

    spec = draft()
    assert spec.predictions.null == ("NA",)
    assert spec.columns["amount"].type is ColumnType.INTEGER
    assert data_of(capsys)["day"]["status"] == "OK"
