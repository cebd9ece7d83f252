"""Two data sets as people have them: what `mlmon compare` says of odd columns, few rows and other formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from airflow_mlmon.cli.main import main
from tests.support.comparison import write_parquet
from tests.support.written import to_csv

Compare = Callable[..., dict[str, Any]]


@pytest.fixture
def compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Compare:
    """Compare two sides, each a table or the bytes of a file, and return what `--json` says, by column."""

    def call(reference: pa.Table | bytes, current: pa.Table | bytes, *options: str, ending: str = "") -> dict[str, Any]:
        sides = []
        for name, side in (("reference", reference), ("current", current)):
            if isinstance(side, bytes):
                path = tmp_path / f"{name}{ending}"
                path.write_bytes(side)
                sides.append(str(path))
            else:
                sides.append(write_parquet(tmp_path / f"{name}.parquet", side))
        assert main(["compare", *sides, "--json", *options]) == 0
        found = json.loads(capsys.readouterr().out)
        return found | {"by": {column["column"]: column for column in found["columns"]}}

    return call


def drawn(rows: int, seed: int, *, scale: float = 5_000.0) -> pa.Array:
    return pa.array(np.random.default_rng(seed).uniform(-scale, scale, rows))


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        pytest.param("", ".csv", id="to_csv with its index"),
        pytest.param("__index_level_0__", "", id="parquet"),
        pytest.param("Unnamed: 0", ".csv", id="read and written again"),
        pytest.param("order_id", "", id="numbers of orders"),
    ],
)
def test_row_numbers_are_no_drift(compare, name, ending):
    """apache/parquet-java #2144: an index column is left in files; pandas' to_csv writes one without a name."""
    start = 100_000 if name == "order_id" else 0
    sides = [
        pa.table({name: np.arange(start * (1 + side), start * (1 + side) + rows), "amount": drawn(rows, side)})
        for side, rows in enumerate((5_000, 1_200))
    ]
    found = compare(*[to_csv(side) for side in sides] if ending else sides, ending=ending)
    assert found["drifted"] == []


@pytest.mark.parametrize("huge", [5e7, 1e300, -1e300])
@pytest.mark.parametrize("side", [0, 1])
def test_one_huge_value_decides_nothing(compare, huge, side):
    """ing-bank/popmon #244: one value ten thousand times too large broke the binning."""
    values = [drawn(1_000, 1).to_pylist(), drawn(1_000, 2).to_pylist()]
    values[side][17] = huge
    found = compare(*(pa.table({"x": one}) for one in values))
    assert found["drifted"] == []
    assert found["by"]["x"]["score"] < 0.05


@pytest.mark.parametrize("method", ["psi", "jensenshannon", "anderson", "chisquare"])
@pytest.mark.parametrize("rows", [0, 2])
def test_hardly_any_rows_are_not_enough_data(compare, method, rows):
    """evidentlyai/evidently #330: two rows, one of them null, gave an error."""
    is_text = method == "chisquare"
    past = pa.array(["a", "b"] * 2_500) if is_text else drawn(5_000, 1)
    few = pa.array([None, "a" if is_text else 14.0][:rows], past.type)
    found = compare(pa.table({"x": past}), pa.table({"x": few}), "--method", method)
    assert (found["drifted"], found["by"]["x"]["state"]) == ([], "INSUFFICIENT_DATA")


@pytest.mark.parametrize("rows", [29, 30, 31])
def test_rows_about_the_minimum_are_answered(compare, rows):
    """evidentlyai/evidently #330: the same, where there are just enough rows to say something."""
    found = compare(pa.table({"x": drawn(5_000, 1)}), pa.table({"x": drawn(rows, 2)}))
    assert found["drifted"] == []


@pytest.mark.parametrize("text", ["", "nan", "None"])
def test_emptiness_as_a_text_is_found_in_both_formats(compare, text):
    """fivetran/great_expectations PR #1978: '' is no null; pandas' astype(str) makes texts of nulls."""
    rng = np.random.default_rng(3)
    past = pa.table({"country": rng.choice(["DE", "FR", "IT"], 2_000), "y": drawn(2_000, 1)})
    country = np.where(rng.random(1_000) < 0.4, text, rng.choice(["DE", "FR", "IT"], 1_000))
    now = pa.table({"country": country, "y": drawn(1_000, 2)})
    whole = compare(past, now)
    typed = compare(to_csv(past), to_csv(now), ending=".csv")
    assert whole["drifted"] == typed["drifted"] == ["country"]


@pytest.mark.parametrize("odd", [None, "", "2026-02-01T10:00:00.125"], ids=["plain", "empty", "milliseconds"])
def test_dates_are_the_same_in_lines_and_in_csv(compare, odd):
    """huggingface/datasets #2799, apache/arrow #12885: texts that look like times become times in JSON Lines alone."""

    def side(month: int) -> list[dict[str, Any]]:
        days = [f"2026-{month:02}-{1 + n % 28:02}" for n in range(500)]
        if odd is not None and month == 3:
            days[7] = odd
        return [{"signup": day, "x": n % 50} for n, day in enumerate(days)]

    def lines(month: int) -> bytes:
        return "".join(json.dumps(row) + "\n" for row in side(month)).encode()

    def values(month: int) -> bytes:
        return ("signup,x\n" + "".join(f"{row['signup']},{row['x']}\n" for row in side(month))).encode()

    as_lines = compare(lines(1), lines(3), ending=".jsonl")
    as_values = compare(values(1), values(3), ending=".csv")
    assert as_lines["by"]["signup"]["state"] == as_values["by"]["signup"]["state"]
    assert as_lines["by"]["signup"]["state"] != "OK"
    assert as_lines["by"]["x"]["state"] == "OK"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_know_are_read(compare, word):
    """airbytehq/airbyte #1246: Python's json writes NaN and Infinity, which JSON has not."""
    past = "".join(f'{{"x": {n % 50}}}\n' for n in range(300)).encode()
    now = "".join(f'{{"x": {word if n == 7 else n % 50}}}\n' for n in range(300)).encode()
    assert compare(past, now, ending=".jsonl")["by"]["x"]["state"] == "OK"


def test_one_array_and_one_long_line_are_read(compare):
    """airbytehq/airbyte #1246: an array in the place of lines, and an image within a payload of 17 MB."""
    past = [{"x": n % 50} for n in range(300)]
    assert compare(json.dumps(past).encode(), json.dumps(past).encode(), ending=".json")["drifted"] == []
    long = json.dumps({"x": 3, "image": "a" * 17_000_000}) + "\n"
    lines = "".join(json.dumps(row) + "\n" for row in past)
    assert compare(lines.encode(), (lines + long).encode(), ending=".jsonl")["by"]["x"]["state"] == "OK"


@pytest.mark.parametrize("kind", [pa.string_view(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_texts_of_any_type_are_texts(compare, kind):
    """pola-rs/polars #26435: Polars writes string views, for which kernels are missing elsewhere."""
    texts = pa.array(["DE", "FR", "IT", "FR"] * 250)
    found = compare(pa.table({"country": texts}), pa.table({"country": texts.cast(kind)}))
    assert found["by"]["country"]["state"] == "OK"
