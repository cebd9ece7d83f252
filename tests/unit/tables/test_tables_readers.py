"""Readers stream, and are strict where a silent one would lose or change values."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.errors import DataError
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.tables import dictionaries, json_records
from airflow_mlmon.tables import lines as blocks
from airflow_mlmon.tables.files import read_path
from airflow_mlmon.tables.piece import ROWS, Piece
from airflow_mlmon.tables.reading import Reading
from tests.support.arrow_memory import counted_memory
from tests.support.written import PACKED, to_avro, to_csv, to_lines, to_orc, to_parquet


@pytest.fixture
def read(tmp_path):
    def read_pieces(content: bytes, name: str, **settings) -> list[Piece]:
        path = tmp_path / name
        path.write_bytes(content)
        return list(read_path(path, name, Reading(**settings)))

    return read_pieces


def values(pieces: list[Piece], name: str) -> list[object]:
    return [one for piece in pieces if piece.rows for one in piece.table.column(name).to_pylist()]


def lines(*rows: object) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def test_dates_of_json_stay_texts(read):
    rows = [{"signup": "2026-03-01", "in": {"at": ["2026-03-01T10:00:00Z"]}}, {"signup": "", "in": None}]

    pieces = read(lines(*rows), "x.jsonl")

    assert values(pieces, "signup") == ["2026-03-01", ""]
    assert values(pieces, "in.at") == [["2026-03-01T10:00:00Z"], None]


@pytest.mark.parametrize("block", [64, 1 << 23])
def test_kind_of_a_value_does_not_depend_on_its_neighbours(read, monkeypatch, block):
    monkeypatch.setattr(json_records, "_BLOCK", block)
    rows = [1, 2.5, "007", True, None, [1, 2], 2**53 + 1, 2**63 + 1, [1, "a"], {"y": 1}] * 3

    pieces = read(lines(*({"n": number, "x": one} for number, one in enumerate(rows))), "x.jsonl", nested=True)

    found = dict(zip(values(pieces, "n"), values(pieces, "x"), strict=True))
    expected = [str(one) if one == 2**63 + 1 else one for one in rows]
    expected = ['[1, "a"]' if one == [1, "a"] else one for one in expected]
    assert [found[number] for number in range(len(rows))] == expected


def test_integers_and_fractions_of_one_key_keep_their_digits(read):
    pieces = read(lines({"x": 2**53 + 1}, {"x": 0.5}), "x.jsonl")

    assert sorted(values(pieces, "x")) == [0.5, 2**53 + 1]


def test_key_that_only_later_lines_have_is_null_before(read, monkeypatch):
    monkeypatch.setattr(json_records, "_BLOCK", 16)

    pieces = read(lines(*[{"x": 1}] * 5, {"x": 2, "y": 3}), "x.jsonl", columns={"x", "y", "z"})

    assert values(pieces, "y") == [None] * 5 + [3]
    assert not any("z" in piece.table.column_names for piece in pieces)


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_bytes_that_are_no_utf8_are_bytes_of_their_column_alone(read, name):
    content = b'{"x": "R\xc9", "y": "\xc3\xa9"}\n' if name == "x.jsonl" else b"x,y\nR\xc9,\xc3\xa9\n"

    pieces = read(content, name)

    assert values(pieces, "x") == [b"R\xc9"]
    assert values(pieces, "y") == ["é"]


def test_single_surrogate_is_no_utf8(read):
    pieces = read(b'{"x": "a\\ud800", "y": "b"}\n', "x.jsonl")

    assert isinstance(values(pieces, "x")[0], bytes)
    assert values(pieces, "y") == ["b"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"x": "],}{[\\\\"}, {"x": "\\""}]',
        '[\n{"x": "],}{[\\\\"},\n{"x":\n"\\""}\n]\n',
        '{"x": "],}{[\\\\"}{"x": "\\""}',
    ],
)
@pytest.mark.parametrize("block", [1, 2, 3, 5, 1 << 20])
def test_objects_are_found_wherever_a_block_ends(read, monkeypatch, text, block):
    monkeypatch.setattr(json_records, "_BLOCK", block)

    assert values(read(text.encode(), "x.json"), "x") == ["],}{[\\", '"']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b'{"x": 1}\n{"x": 2\n', "line 2", id="cut-line"),
        pytest.param(b'{"x": 1}\n5\n', "line 2 is no object", id="number"),
        pytest.param(b'{"x": 1, "x": 2}\n', "line 1: key 'x' occurs twice", id="key-twice"),
        pytest.param(b'[{"x": 1}, {"x": 2}', "is truncated", id="cut-array"),
        pytest.param(b'[{"x": 1}] rest', "not a readable JSON Lines file", id="rest"),
        pytest.param(b'{"x": "a\0"}', "contains NUL bytes", id="nul"),
        pytest.param('{"x": 1}'.encode("utf-16"), "is UTF-16 text", id="utf-16"),
        pytest.param(b"x,y\n1,2\n", "begins with b'x'", id="csv"),
        pytest.param(b"  \n", "is empty", id="blank"),
    ],
)
def test_faulty_json_is_refused_by_name_and_line(read, content, said):
    with pytest.raises(DataError, match=rf"^x\.json .*{said}"):
        read(content, "x.json")


@pytest.mark.guards("fault-14")
def test_bomb_is_refused(read):
    for pack in (gzip.compress, PACKED[".zst"]):
        with pytest.raises(DataError, match="unpacks to more than"):
            read(pack(b"x\n" + b"1" * (70 << 20)), "x.csv.gz" if pack is gzip.compress else "x.csv.zst")


@pytest.mark.parametrize(("header", "separator"), [("a;b;c", ";"), ("a\tb\tc", "\t"), ("a|b|c", "|"), ('"a;";b', ";")])
def test_separator_is_recognised(read, header, separator):
    row = separator.join(["1"] * (header.replace('"a;"', "a").count(separator) + 1))

    pieces = read(f"{header}\n{row}\n".encode(), "x.csv")

    assert len(pieces[0].table.column_names) == row.count(separator) + 1


@pytest.mark.parametrize("block", [8, 1 << 24])
def test_lines_within_quotes_are_one_value(read, monkeypatch, block):
    monkeypatch.setattr(blocks, "_PART", 16)
    monkeypatch.setattr(blocks.read_chunks, "__defaults__", (block,))
    texts = ["plain", "two\nlines", 'a "quoted"\n one', "x" * 100, "\n"] * 20

    pieces = read(
        "".join(["n,x\n", *(f'{n},"{text.replace(chr(34), chr(34) * 2)}"\n' for n, text in enumerate(texts))]).encode(),
        "x.csv",
    )

    assert values(pieces, "x") == texts


def test_blank_lines_before_the_header_cost_no_row(read):
    assert values(read(b"\r\n\nx;y\n1;2\n\n3;4\n", "x.csv"), "x") == ["1", "3"]


def test_nothing_wanted_still_counts_rows(read):
    table = pa.table({"x": [1, 2, 3], "y": ["a", "b", "c"]})
    for name, write in {"x.parquet": to_parquet, "x.orc": to_orc, "x.avro": to_avro, "x.csv": to_csv}.items():
        pieces = read(write(table), name, columns={"z"})
        assert sum(piece.rows for piece in pieces) == 3, name
        assert set(pieces[0].table.column_names) == {"x", "y"}, name


def test_pieces_are_small(read):
    table = pa.table({"x": np.arange(3 * ROWS)})
    for name, write in {"x.parquet": to_parquet, "x.orc": to_orc, "x.csv": to_csv}.items():
        pieces = read(write(table), name)
        assert max(piece.rows for piece in pieces) <= ROWS, name
        assert sum(piece.rows for piece in pieces) == 3 * ROWS, name


def test_avro_of_every_type(read):
    schema = {
        "type": "record",
        "name": "row",
        "fields": [
            {"name": "when", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "kind", "type": {"type": "enum", "name": "kinds", "symbols": ["A", "B"]}},
            {"name": "many", "type": {"type": "array", "items": "float"}},
            {"name": "named", "type": {"type": "map", "values": "long"}},
            {"name": "inner", "type": {"type": "record", "name": "part", "fields": [{"name": "x", "type": "int"}]}},
            {"name": "either", "type": ["null", "int", "string"]},
        ],
    }
    row = {
        "when": datetime(2026, 3, 1, tzinfo=UTC),
        "price": Decimal("12.30"),
        "kind": "B",
        "many": [0.5, 1.0],
        "named": {"a": 1},
        "inner": {"x": 7},
        "either": 5,
    }
    sink = io.BytesIO()
    fastavro.writer(sink, fastavro.parse_schema(schema), [row, row | {"either": "five"}])

    pieces = read(sink.getvalue(), "x.avro")

    assert values(pieces, "when") == [row["when"]] * 2
    assert values(pieces, "price") == [Decimal("12.30")] * 2
    assert values(pieces, "inner.x") == [7, 7]
    assert values(pieces, "either") == ["5", "five"]
    assert values(pieces, "many") == [[0.5, 1.0]] * 2


def test_declared_format_overrules_the_name(read):
    assert values(read(b"x\n1\n", "x.json", format=FileFormat.CSV), "x") == ["1"]


def test_string_views_and_dictionaries_are_read(read):
    table = pa.table({"v": pa.array(["a", None], pa.string_view()), "d": pa.array(["x", "y"]).dictionary_encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink)

    pieces = read(sink.getvalue(), "x.parquet")

    assert (values(pieces, "v"), values(pieces, "d")) == (["a", None], ["x", "y"])


def test_memory_does_not_grow_with_a_text_file(tmp_path):
    path = tmp_path / "x.jsonl"
    block = to_lines(pa.table({"id": [f"id-{n}" for n in range(20_000)], "x": np.random.default_rng(1).random(20_000)}))
    peaks = []
    for times in (10, 60):
        with path.open("wb") as file:
            for _ in range(times):
                file.write(block)
        peaks.append(max(pa.total_allocated_bytes() for _ in _drain(read_path(path, "x.jsonl"))))

    assert peaks[1] < 1.5 * peaks[0]


def test_long_texts_that_are_one_dictionary_are_not_held_more_often_than_its_page(tmp_path, monkeypatch):
    monkeypatch.setattr(dictionaries, "_LARGE", 1 << 20)
    path, size = tmp_path / "x.parquet", 48 << 20
    texts = pa.array([np.random.default_rng(n).bytes(size // 96).hex() for n in range(48)])
    pq.write_table(pa.table({"x": texts}), path)

    with counted_memory() as pool:
        assert [len(text) for piece in read_path(path, "x.parquet") for text in values([piece], "x")] == [
            size // 48
        ] * 48

    # packed and unpacked, and some rows of it
    assert pool.max_memory() < 3 * size


def test_long_texts_of_one_dictionary_that_are_repeated_are_read_by_reference(tmp_path, monkeypatch):
    monkeypatch.setattr(dictionaries, "_LARGE", 1 << 20)
    path, size = tmp_path / "x.parquet", 2 << 20
    rows = [*map(str, range(1_000)), *["x" * size] * 100]
    pq.write_table(pa.table({"x": rows}), path, compression="none")

    with counted_memory() as pool:
        read = sum(len(text) for piece in read_path(path, "x.parquet") for text in values([piece], "x"))

    assert read == sum(map(len, rows))
    assert pool.max_memory() < 40 * size


def _drain(pieces: Iterator[Piece]) -> Iterator[None]:
    for _ in pieces:
        yield None
