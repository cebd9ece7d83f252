"""Dates and times in JSON Lines and in CSV: the same verdict for the same rows, and one odd value stops nothing."""

import json
from pathlib import Path

import pytest

from airflow_mlmon.comparison.api import compare
from airflow_mlmon.records import VerdictState

ROWS = 500


def write(folder: Path, kind: str, name: str, signups: list[str]) -> Path:
    path = folder / f"{name}.{kind}"
    if kind == "csv":
        path.write_text("signup,x\n" + "".join(f"{value},{n % 7}\n" for n, value in enumerate(signups)))
    else:
        path.write_text("".join(json.dumps({"signup": value, "x": n % 7}) + "\n" for n, value in enumerate(signups)))
    return path


def dates(month: int, suffix: str = "") -> list[str]:
    return [f"2026-{month:02d}-{1 + n % 28:02d}{suffix}" for n in range(ROWS)]


def with_odd(values: list[str], odd: str) -> list[str]:
    return [*values[:250], odd, *values[251:]]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("suffix", ["", "T00:00:00", "T00:00:00Z"])
@pytest.mark.parametrize("odd", [None, "", "soon", "2026-03-05T00:00:00.123", "2026-03-05"])
@pytest.mark.parametrize("is_reference_odd", [False, True])
def test_dates_are_said_not_to_be_compared(tmp_path, kind, suffix, odd, is_reference_odd):
    sides = [dates(1, suffix), dates(3, suffix)]
    if odd is not None:
        sides[not is_reference_odd] = with_odd(sides[not is_reference_odd], odd)
    first, second = (write(tmp_path, kind, name, values) for name, values in zip("ab", sides, strict=True))
    found = {column.column: column for column in compare(first, second).columns}
    assert found["signup"].state is VerdictState.INSUFFICIENT_DATA
    assert "are not compared" in found["signup"].note
    assert found["x"].state is VerdictState.OK


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_times_of_day_are_compared_beside_an_odd_value(tmp_path, kind):
    morning = [f"2026-01-{1 + n % 28:02d}T{6 + n % 5:02d}:30:00" for n in range(ROWS)]
    evening = [f"2026-03-{1 + n % 28:02d}T{16 + n % 5:02d}:30:00" for n in range(ROWS)]
    first = write(tmp_path, kind, "a", morning)
    same = write(tmp_path, kind, "b", with_odd(morning, "soon"))
    later = write(tmp_path, kind, "c", with_odd(evening, ""))
    states = [
        next(column.state for column in compare(first, other).columns if column.column == "signup")
        for other in (same, later)
    ]
    assert states == [VerdictState.OK, VerdictState.BREACH]


def test_texts_are_still_no_times(tmp_path):
    first = write(tmp_path, "jsonl", "a", dates(1, "T00:00:00"))
    second = write(tmp_path, "jsonl", "b", ["soon"] * 100 + dates(1, "T00:00:00")[100:])
    with pytest.raises(Exception, match="holds times without a zone"):
        compare(first, second)
