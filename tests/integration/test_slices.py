"""Slices after the fact: what nobody declared is found, and read from where it says."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.comparison.slice import Slice, SliceState
from airflow_mlmon.errors import ConfigError, StateError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.slices.slices import slice_window
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.tasks.binary.description import Binary
from tests.support.archive import FIRST, Archive, day_table, replace_columns, to_bytes
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

DAYS, ROWS = 5, 400
LAST = FIRST + timedelta(days=DAYS - 1)
HOSTILE = '[red]<b>x"\n'


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def broken_table(of: date) -> pa.Table:
    """A day on which the labels of one channel are turned round, and some channels are hostile."""
    table = day_table(of, ROWS)
    phone = np.array(table.column("channel").to_pylist()) == "phone"
    approved = table.column("approved").to_numpy()
    repaid = np.array(table.column("repaid").to_pylist(), dtype=object)
    channel = [HOSTILE if row % 40 == 7 else name for row, name in enumerate(table.column("channel").to_pylist())]
    known = np.array([value is not None for value in repaid])
    turned = np.where(known & phone, ~approved, repaid)
    changed = {"repaid": pa.array(turned.tolist(), pa.bool_()), "channel": pa.array(channel)}
    return replace_columns(table, **changed)


def write_broken_day(archive: Archive, of: date) -> None:
    table = broken_table(of)
    archive.write_predictions(of, table)
    labels = to_bytes(table.select(["id", "repaid", "outcome"]))
    archive.write(archive.labels_uri(of + timedelta(days=1), f"of-{of}"), labels)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Archive:
    archive = Archive(str(tmp_path_factory.mktemp("archive")), write_file)
    archive.write_reference(rows=ROWS)
    for offset in range(DAYS):
        write_broken_day(archive, day(offset))
    return archive


def run_days(folder: Path, archive: Archive, *replacements: tuple[str, str]):
    (folder / "loans.yaml").write_text(archive.spec_text(*replacements))
    with opened(folder, archive, *replacements) as run:
        for offset in range(DAYS + 1):
            evaluate_day(run, Partition.of_day("loans", day(offset)))
        yield run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("undeclared")


@pytest.fixture(scope="module")
def run(folder, archive):
    yield from run_days(folder, archive)


@pytest.fixture(scope="module")
def declared(tmp_path_factory, archive):
    """The same days under a spec that declares the segments, so that profiles of them are stored."""
    segments = ("\nhistory:", "\nsegments: [term, [channel, term]]\nhistory:")
    yield from run_days(tmp_path_factory.mktemp("declared"), archive, segments)


def named(slices) -> dict[str, Slice]:
    return {found.name: found for found in slices}


def test_the_broken_slice_is_ranked_first(run):
    found = slice_window(run, ["term", "channel"], FIRST, LAST)

    worst = found.slices[0]
    assert (worst.name, worst.state) == ("channel=phone", SliceState.LOSS)
    assert worst.against_rest.own < 0.1
    assert worst.against_rest.high < 0
    assert worst.against_reference.p_value < 0.001
    assert found.rows == DAYS * ROWS


def test_numbers_are_those_of_the_rows(run):
    [rows] = [pa.concat_tables([broken_table(day(offset)) for offset in range(DAYS)])]
    frame = rows.to_pandas()
    frame = frame[(frame["outcome"] == "known") & frame["repaid"].notna()]
    right = frame["repaid"].astype(bool) == frame["approved"]
    own = frame["term"] == 36

    window = slice_window(run, ["term"], FIRST, LAST)
    found = named(window.slices)["term=36"]

    expected = exact_p_value(int(right[own].sum()), int(own.sum()), int(right[~own].sum()), int((~own).sum()))
    assert found.against_rest.own == pytest.approx(right[own].mean())
    assert found.against_rest.other == pytest.approx(right[~own].mean())
    # three questions, and at most as many slices
    assert expected <= found.against_rest.p_value <= min(1.0, 9 * expected)
    assert sum(own.rows for own in window.slices) == DAYS * ROWS


@pytest.mark.parametrize("metric", list(Binary.contrasts))
def test_stored_profiles_and_rows_give_the_same_numbers(run, declared, metric):
    of_rows = slice_window(run, ["term"], FIRST, LAST, metric=metric)
    stored = slice_window(declared, ["term"], FIRST, LAST, metric=metric)

    assert of_rows.slices == stored.slices
    assert (of_rows.rows_read, of_rows.stored) == (DAYS * ROWS, {})
    assert of_rows.reference_rows_read == 12 * ROWS
    assert (stored.rows_read, stored.reference_rows_read, stored.stored) == (0, 0, {"term": DAYS})


@pytest.fixture
def without_rows(declared):
    """The days with declared segments, their curated rows gone."""
    gone = list((Path(declared.workspace) / "loans" / "partitions").rglob("curated.parquet"))
    for path in gone:
        path.rename(path.with_suffix(".kept"))
    yield declared
    for path in gone:
        path.with_suffix(".kept").rename(path)


def test_stored_profiles_answer_when_the_rows_are_gone(without_rows):
    found = slice_window(without_rows, ["term", "version"], FIRST, LAST)

    assert found.rows == DAYS * ROWS
    assert {own.name for own in found.slices} == {"term=12", "term=24", "term=36", "version=v1"}


def test_days_whose_rows_are_gone_are_named(without_rows):
    found = slice_window(without_rows, ["channel"], FIRST, LAST)

    assert found.skipped == dict.fromkeys(map(day, range(DAYS)), "curated rows missing")
    assert (found.rows, found.slices) == (0, ())


def test_a_day_without_a_stored_labelled_profile_is_read(declared):
    before = slice_window(declared, ["term"], FIRST, LAST)
    stored = list((Path(declared.workspace) / "loans" / "partitions" / str(day(2))).rglob("labels-*.profile"))
    for path in stored:
        path.rename(path.with_suffix(".kept"))
    found = slice_window(declared, ["term"], FIRST, LAST)
    for path in stored:
        path.with_suffix(".kept").rename(path)

    assert found.slices == before.slices
    assert (found.rows_read, found.stored) == (ROWS, {"term": DAYS - 1})


def test_a_crossing_and_a_small_slice_are_listed(run):
    found = slice_window(run, ["channel", "term"], FIRST, LAST, cross=True)
    slices = named(found.slices)

    assert "channel & term=phone & 24" in slices
    small = slices[f"channel & term={HOSTILE} & 12"]
    assert small.state is SliceState.INSUFFICIENT_DATA
    assert small.note.endswith("fewer than 30, counted in channel & term (other)")
    new = slices[f"channel={HOSTILE}"]
    assert (new.rows, new.rows_reference, new.drift) == (10 * DAYS, 0, ())
    assert new.note == "0 rows in the reference, fewer than 30"
    assert new.against_rest.p_value is not None
    assert found.evaluated < len(found.slices)


def test_days_without_rows_are_named(run):
    found = slice_window(run, ["term"], FIRST - timedelta(days=1), LAST + timedelta(days=2))

    assert found.skipped == {
        FIRST - timedelta(days=1): "day of the reference",
        LAST + timedelta(days=1): "no rows",
        LAST + timedelta(days=2): "not run",
    }


def test_without_labels_drift_alone_is_ranked(tmp_path, archive):
    text = archive.spec_text()
    labels = text[text.index("labels:") : text.index("reference:")]
    rules = text[text.index("    - {metric: positive_rate") :]
    with opened(tmp_path, archive, (labels, ""), (rules, "")) as run:
        evaluate_day(run, Partition.of_day("loans", FIRST))
        found = slice_window(run, ["term"], FIRST, FIRST)

        assert found.metric is None
        assert {own.contrasts for own in found.slices} == {()}
        assert found.evaluated == 3
        with pytest.raises(ConfigError, match="needs labels"):
            slice_window(run, ["term"], FIRST, FIRST, metric="recall")


def test_a_reference_that_has_changed_is_refused(run, archive):
    path = Path(archive.root) / "reference" / "part-1.parquet"
    path.write_bytes(to_bytes(day_table(FIRST - timedelta(days=30))))
    try:
        with pytest.raises(StateError, match="have changed since its profile schema was pinned"):
            slice_window(run, ["term"], FIRST, LAST)
    finally:
        path.unlink()


def test_an_id_in_two_files_of_the_reference_counts_once(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    archive.write_all(1, rows=200)
    repeated = to_bytes(day_table(FIRST - timedelta(days=3), 80))
    archive.write(f"{archive.root}/reference/part-1.parquet", repeated)
    with opened(tmp_path, archive) as run:
        evaluate_day(run, Partition.of_day("loans", FIRST))
        found = slice_window(run, ["term"], FIRST, FIRST)

    assert sum(own.rows_reference for own in found.slices) == found.reference_rows == 12 * 80


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        pytest.param(["chanel"], "did you mean 'channel'", id="unknown"),
        pytest.param(["email"], "'email' is personal", id="personal"),
        pytest.param(["id"], "'id' is the id", id="id"),
        pytest.param(["at"], "'at' is the time", id="time"),
        pytest.param(["score"], "'score' is the score", id="score"),
        pytest.param(["amount"], "'amount' is a float", id="float"),
        pytest.param([], "No column to slice by", id="none"),
    ],
)
def test_columns_that_make_no_slices_are_refused(run, columns, message):
    with pytest.raises(ConfigError, match=message):
        slice_window(run, columns, FIRST, LAST)


def test_an_integer_of_many_values_is_refused(tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    archive.write_reference()
    table = day_table(FIRST, 200)
    terms = pa.array(np.arange(200) % 60)
    archive.write_predictions(FIRST, replace_columns(table, term=terms))
    with opened(tmp_path, archive) as run:
        evaluate_day(run, Partition.of_day("loans", FIRST))

        with pytest.raises(ConfigError, match="integer with 60 distinct values"):
            slice_window(run, ["term"], FIRST, FIRST)


def command(run: Run, folder: Path, *arguments: str) -> int:
    places = ["--store", f"sqlite:///{folder / 'store.db'}", "--workspace", run.workspace]
    return main(["slice", str(folder / "loans.yaml"), "--from", str(FIRST), "--to", str(LAST), *arguments, *places])


def test_command_prints_a_table(run, folder, capsys):
    assert command(run, folder, "--by", "channel,term") == 0

    out, err = capsys.readouterr()
    assert err == ""
    lines = [line.strip() for line in out.splitlines()]
    first = next(line for line in lines if line.startswith("channel="))
    assert first.startswith("channel=phone")
    assert first.endswith("<1e-9")
    assert any(line.startswith('channel=[red]<b>x"') for line in lines)
    assert "7 slices evaluated" in out
    assert "Window: 2,000 rows read. Reference of 4,800 rows: 4,800 rows read again." in out


def test_command_prints_json(run, folder, capsys):
    assert command(run, folder, "--by", "channel", "--json", "--metric", "recall") == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["metric"], found["tried"], found["rows_read"]) == ("recall", 3, DAYS * ROWS)
    assert found["slices"][0]["value"] == "phone"
    assert {own["value"] for own in found["slices"]} == {"phone", "web", "branch", HOSTILE}
    assert found["slices"][0]["against_rest"]["high"] < 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["--by", "chanel"], 2, id="unknown-column"),
        pytest.param(["--by", "term", "--metric", "acuracy"], 2, id="unknown-metric"),
        pytest.param(["--by", "term", "--cross"], 2, id="crossing-of-one"),
        pytest.param(["--by", "term", "--from", "2027-01-01", "--to", "2027-01-02"], 1, id="nothing-judged"),
    ],
)
def test_exit_code_says_what_became_of_the_call(run, folder, arguments, code):
    assert command(run, folder, *arguments) == code
