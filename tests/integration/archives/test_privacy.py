"""Planted personal values are searched for in everything that a run leaves behind."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.capture.marks import key_id
from airflow_mlmon.cli.main import main
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.records import Status
from tests.support.base_day import FIRST, LABELS, REFERENCE_DAYS, ROWS, BaseArchive, day_of, day_table, labels_of
from tests.support.envelopes import captured, to_lines

PLANTED = "Zq7Planted"
NUMBER, STEP = 918_273_645, 1_000_000
COLUMNS = """\
    country: {{type: category}}
    mail: {{type: string, personal: drop}}
    account: {{type: string, personal: hash}}
    postcode: {{type: category, truncate: 3}}
    income: {{type: integer, generalise: 1000000}}
    note: {{type: string, role: text}}
    items: {{type: integer, required: true}}
"""
MISTYPED = ("items", "amount", "score", "flagged", "at")
KINDS = frozenset({".parquet", ".db", ".html", ".json", ".profile"})
# as text, and as the upper bytes of a 64-bit integer
TRACES = re.compile(
    b"|".join((PLANTED.encode(), str(NUMBER)[:6].encode() + rb"\d{3}", re.escape(NUMBER.to_bytes(8, "little")[2:])))
)


def personal_table(day: date) -> pa.Table:
    """A day in which each column that nobody may see holds a planted word or number."""
    table = day_table(day)
    words = [f"{PLANTED}{n}" for n in range(ROWS)]
    return pa.table(
        {name: table.column(name) for name in table.column_names if name != "id"}
        | {
            "id": [f"{PLANTED}{day}-{n}" for n in range(ROWS)],
            "mail": words,
            "account": words,
            "postcode": [f"101{word}" for word in words],
            "income": NUMBER + np.arange(ROWS),
            "note": [f"{word} writes a note of several words" for word in words],
            "items": np.arange(ROWS) % 5,
            "undeclared": words,
        }
    )


def spoilt(table: pa.Table) -> pa.Table:
    """The table with a planted word, each in a row of its own, where numbers, times and flags are expected."""
    for row, name in enumerate(MISTYPED):
        texts = [str(value) for value in table.column(name).to_pylist()]
        texts[row] = f"{PLANTED} in {name}"
        table = table.set_column(table.column_names.index(name), name, pa.array(texts))
    return table


def write_archive(folder: Path) -> BaseArchive:
    archive = BaseArchive(
        folder,
        ("    country: {type: category}\n", COLUMNS),
        ("id: {type: string, role: id}", "id: {{type: string, role: id, personal: hash}}"),
        ("reference:\n", "alerts:\n  channels:\n    - log: true\nreference:\n"),
        labels=LABELS,
    )
    past = [personal_table(day_of(-back)) for back in range(REFERENCE_DAYS, 0, -1)]
    archive.write("reference/part-0.parquet", pa.concat_tables(past))
    table = personal_table(FIRST)
    archive.write_day(FIRST, table.slice(0, 120))
    archive.write_day(FIRST, spoilt(table.slice(120)), "part-1.parquet")
    archive.write_day(FIRST, table.slice(0, 10), "part-2.parquet")
    damaged = archive.write_day(FIRST, table, "part-3.parquet")
    damaged.write_bytes(damaged.read_bytes()[:-9])
    archive.write(f"preds/dt={FIRST}/part-4.csv", f"id,at\n{PLANTED},{PLANTED},{PLANTED}\n".encode())
    archive.write(f"preds/dt={FIRST}/part-5.jsonl", f'{{"id": "{PLANTED}", {PLANTED}}}\n'.encode())
    archive.write_labels(FIRST, labels_of(table).append_column("mail", table.column("mail")))
    wrong = {"id": [f"{PLANTED} nobody"], "fraud": [f"{PLANTED} as label"]}
    archive.write_labels(FIRST, pa.table(wrong), "l-1.parquet")
    return archive


def contents_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and the values inside if they are compressed."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield str(pq.read_table(path, partitioning=None).to_pydict()).encode()


def find(archive: BaseArchive, traces: re.Pattern[bytes], kinds: frozenset[str] = KINDS) -> list[str]:
    """The files of store and workspace that hold a trace; there are files of these kinds."""
    files = [path for path in archive.folder.rglob("*") if path.is_file() and archive.root not in path.parents]
    assert {path.suffix for path in files} >= kinds
    return sorted({path.name for path in files if any(traces.search(content) for content in contents_of(path))})


def test_planted_values_are_nowhere(tmp_path, caplog, capfd, monkeypatch):
    archive = write_archive(tmp_path)
    spec = archive.root / "m.yaml"
    spec.write_text(archive.spec_text)
    monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", "key")
    places = ["--store", f"sqlite:///{tmp_path / 'store.db'}", "--workspace", str(tmp_path / "workspace")]

    with caplog.at_level(logging.INFO):
        main(["check", str(spec), "--data", "--partition", str(FIRST), *places])
        main(["init", str(archive.root / "reference")])
        main(["run", str(spec), "--partition", str(FIRST), "--json", *places])
    said = (caplog.text + "".join(capfd.readouterr())).encode()

    assert b"210 rows read, 198 accepted, 12 quarantined" in said
    assert b"Expected 2 columns, got 3" in said
    assert b"1 rows: items is not a whole number" in said
    assert not TRACES.search(said)
    assert find(archive, TRACES) == []
    # the search looks where values are
    assert "curated.parquet" in find(archive, re.compile(str(NUMBER // STEP * STEP).encode()))


def test_bodies_of_requests_are_nowhere(tmp_path):
    archive = BaseArchive(
        tmp_path,
        ("  columns:\n", "  log: sagemaker\n  columns:\n"),
        ("id: {type: string, role: id}", "id: {{type: string, role: id, personal: hash}}"),
        ("country: {type: category}", "country: {{type: string, personal: drop}}"),
        ("    flagged: {type: boolean, role: prediction}\n", ""),
    )
    records = [
        captured(f"{amount},{PLANTED}", score, inferenceId=f"{PLANTED}-{number}", inferenceTime=f"{FIRST}T12:00:00Z")
        for number, (amount, score) in enumerate((("1.5", "0.25"), ("2.5", PLANTED), (PLANTED, "0.75"), ("3", "1\n0")))
    ]
    archive.write(f"preds/dt={FIRST}/a.jsonl", to_lines(*records))

    with archive.opened(hash_key=b"key") as run:
        prepared = prepare_partition(run, run.partition(FIRST))

    assert (prepared.status, prepared.rows_accepted, prepared.rows_quarantined) == (Status.PARTIAL, 3, 1)
    assert not TRACES.search(prepared.message.encode())
    assert find(archive, TRACES, frozenset({".parquet", ".json", ".db"})) == []


def test_another_hash_key_than_before_is_said_once_and_kept_nowhere(tmp_path):
    archive = write_archive(tmp_path)
    said = []
    for key in (b"first key", b"first key", b"other key", b"other key"):
        with archive.opened(hash_key=key) as run:
            said.append(prepare_partition(run, run.partition(FIRST)).message)

    ids = [key_id(key) for key in (b"other key", b"first key")]
    told = "personal columns are hashed with another key ({}) than in the last run ({})".format(*ids)
    assert [told in message for message in said] == [False, False, True, False]
    assert find(archive, re.compile(b"(first|other) key"), frozenset({".db", ".parquet"})) == []
