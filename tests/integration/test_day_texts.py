"""Days of a model with a text and an embedding, from the archive to the page."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.records import VerdictState
from airflow_mlmon.tasks.registry import METRICS
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, to_bytes
from tests.support.runs import opened, write_file

COLUMNS = (
    "    channel:",
    """    note: {type: string, role: text, regex: "^ref [0-9]+"}
    embedding: {type: vector, dimension: 4}
    channel:""",
)
EVALUATED = (
    "alerts:\n",
    "drift: {outliers: 0.02}\nalerts:\n  evaluation: {metrics: [out_of_range_rate, centroid_cosine]}\n",
)
MARKER = "Zyzzyva"
WORDS = np.array(["the", "loan", "is", "due", "Monday", "call", "back", "a", "customer", "asks"])


def with_texts(day: date, *, moved: bool = False) -> pa.Table:
    """The day's rows with a note and an embedding; moved, in capitals and around another axis."""
    table = day_table(day)
    random = np.random.default_rng(day.toordinal())
    notes = [
        f"ref {random.integers(10, 99_999)} {MARKER} {' '.join(random.choice(WORDS, random.integers(2, 9)))}"
        for _ in range(table.num_rows)
    ]
    notes[0], notes[1] = "", None
    vectors = random.normal(0, 0.3, (table.num_rows, 4))
    vectors[:, 1 if moved else 0] += 1
    return table.append_column(
        "note", pa.array([note.upper() if note and moved else note for note in notes])
    ).append_column("embedding", pa.array(vectors.tolist(), pa.list_(pa.float64())))


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Two healthy days and one on which notes and embeddings have moved, run."""
    folder = tmp_path_factory.mktemp("texts")
    archive = Archive(str(folder / "archive"), write_file)
    past = [with_texts(FIRST - timedelta(days=n)) for n in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    with opened(folder, archive, COLUMNS, EVALUATED) as run:
        for offset in range(3):
            day = FIRST + timedelta(days=offset)
            archive.write_predictions(day, with_texts(day, moved=offset == 2))
            run_partition(run, Partition.of_day("loans", day))
        yield folder, run


def test_a_change_of_texts_and_embeddings_is_found_and_nothing_before(days):
    _, run = days
    third = Partition.of_day("loans", FIRST + timedelta(days=2))
    breached = {(one.metric, one.column) for one in run.store.verdicts(third) if one.state is VerdictState.BREACH}

    assert {alert.partition.day for alert in run.store.alerts("loans", FIRST, third.day)} == {third.day}
    assert {("outlier_rate", None), ("centroid_cosine", "embedding"), ("out_of_range_rate", "note.upper")} <= breached
    assert {("drift_score", name) for name in ("note.upper", "note.pattern", "note.matches", "embedding")} <= breached
    alerts = run.store.alerts("loans", FIRST, third.day)
    of_text = [alert for alert in alerts if (alert.column or "").startswith("note.") and alert.metric in METRICS]
    assert (len(of_text), len({alert.cause for alert in of_text})) == (5, 1)
    page = run.files.read(run.report_uri(third.key, PAGE)).decode()
    assert "; cosine of the centroid " in page
    assert "</b> (" in page.partition("Outlier rate <b>")[2][:20]
    assert "; out-of-range rate " in page
    assert not {name for _, name in breached} & {"amount", "note.length", "note.words", "note.letters", "note.empty"}


def test_derived_columns_are_stored_in_the_place_of_the_text(days):
    _, run = days
    first = Partition.of_day("loans", FIRST)
    rows = read_curated(run, first, run.store.state(first).version)
    page = run.files.read(run.report_uri(first.key, PAGE)).decode()

    assert "note" not in rows.column_names
    assert rows.column("note.empty").to_pylist()[:3] == [True, None, False]
    assert all(name in page for name in ("note.length", "note.pattern", "note.matches"))
    assert not [check for check in run.store.checks(first) if check.passed is not True and check.column != "id"]


def test_no_text_is_written(days):
    folder, _ = days
    written = {path: read_plainly(path) for path in folder.rglob("*") if path.is_file() and "archive" not in path.parts}
    held = {path.suffix for path, content in written.items() if "branch" in content}

    # a value that is stored is found in files of each kind; the store has only names
    assert held == {".parquet", ".profile", ".profiles", ".html", ".json"}
    assert not [path for path, content in written.items() if MARKER.lower() in content]


def read_plainly(path: Path) -> str:
    """The content of a file in lower case, of Parquet its values."""
    if path.suffix == ".parquet":
        return str(pq.read_table(path).to_pydict()).lower()
    return path.read_bytes().decode("latin-1").lower()
