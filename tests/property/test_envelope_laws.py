"""Laws of envelopes: how records are divided into files, and in which order these are read, changes no row."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.base_day import FIRST, day_table
from tests.support.envelopes import predictions, unpack
from tests.support.logs import LOGS, expected_rows

ROWS = 24
COLUMNS = {
    "id": {"type": "string", "role": "id"},
    "at": {"type": "timestamp", "role": "time"},
    "amount": {"type": "float"},
    "country": {"type": "category"},
    "score": {"type": "float", "role": "score"},
    "flagged": {"type": "boolean", "role": "prediction"},
}
TABLE = day_table(FIRST, ROWS)
LINES = ["sagemaker", "seldon", "azureml"]


def unpacked(log: str, files: dict[str, bytes]) -> list[dict[str, object]]:
    """The rows of files in the order of their ids, without the names of the files."""
    with TemporaryDirectory() as folder:
        found = unpack(predictions(log, COLUMNS, timezone="UTC"), files, Path(folder))
    return sorted(({name: row[name] for name in (*COLUMNS, *_reason(row))} for row in found), key=lambda row: row["id"])


def _reason(row: dict[str, object]) -> list[str]:
    return [name for name in row if name == "quarantine_reason"]


@pytest.mark.parametrize("log", LOGS)
@settings(max_examples=4)
@given(data=st.data())
def test_order_of_the_files_changes_nothing(log, data):
    files = LOGS[log](TABLE)
    names = data.draw(st.permutations(sorted(files)))

    assert unpacked(log, {name: files[name] for name in names}) == expected_rows(TABLE)


@pytest.mark.parametrize("log", LINES)
@settings(max_examples=8)
@given(data=st.data())
def test_division_of_the_records_into_files_changes_nothing(log, data):
    lines = [line for content in LOGS[log](TABLE).values() for line in content.splitlines(keepends=True)]
    order = data.draw(st.permutations(range(len(lines))))
    places = data.draw(st.lists(st.integers(0, 3), min_size=len(lines), max_size=len(lines)))
    files = {f"{place}.jsonl": b"".join(lines[n] for n in order if places[n] == place) for place in sorted(set(places))}

    assert unpacked(log, files) == expected_rows(TABLE)


@pytest.mark.parametrize("log", ["seldon", "azureml"])
@settings(max_examples=8)
@given(lost=st.sets(st.integers(0, 11)))
def test_each_record_that_is_lost_costs_one_row_with_a_reason(log, lost):
    """Of a request whose counterpart is lost one row is left, and of none that is there another row is."""
    files = LOGS[log](TABLE)
    first, second = sorted(files)
    kept = b"".join(line for n, line in enumerate(files[second].splitlines(keepends=True)) if n not in lost)
    found = unpacked(log, {first: files[first], second: kept} if kept else {first: files[first]})

    refused = [row for row in found if "quarantine_reason" in row]
    assert len(refused) == len(lost)
    assert {row["quarantine_reason"] for row in refused} <= {"unpaired request"}
