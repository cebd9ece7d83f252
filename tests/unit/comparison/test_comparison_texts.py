"""Texts of two data sets, compared by the columns derived from them, whatever the format."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from airflow_mlmon.comparison.api import compare, profile
from airflow_mlmon.errors import ConfigError, SchemaMismatchError

WORDS = np.array(["loan", "is", "due", "on", "Monday", "please", "call"])


def table(seed: int, *, upper: bool = False) -> pa.Table:
    random = np.random.default_rng(seed)
    notes = [f"{random.integers(100, 999)} {' '.join(random.choice(WORDS, 4))}" for _ in range(400)]
    # codes whose pattern alone would be a number
    codes = [str(random.integers(100, 999)) for _ in range(400)]
    notes = [note.upper() if upper else note for note in notes]
    return pa.table({"note": notes, "code": codes, "amount": random.normal(size=400)})


def source_of(form: str, folder, name: str, content: pa.Table):
    path = folder / f"{name}.{form}"
    if form == "parquet":
        pq.write_table(content, path)
    elif form == "csv":
        pyarrow.csv.write_csv(content, path)
    else:
        return content
    return str(path)


@pytest.mark.parametrize("form", ["parquet", "csv", "frame"])
def test_texts_are_compared_by_what_is_derived_from_them(tmp_path, form):
    reference = source_of(form, tmp_path, "reference", table(1))
    current = source_of(form, tmp_path, "current", table(2, upper=True))

    found = compare(reference, current, text=["note", "code"])

    columns = {column.column: column for column in found.columns}
    assert {name for name, column in columns.items() if column.has_drifted} == {"note.upper", "note.pattern"}
    assert {"note", "code"}.isdisjoint(columns)
    assert columns["code.pattern"].content == columns["note.pattern"].content
    assert not columns["code.pattern"].has_drifted


def test_a_profile_brings_its_texts():
    known = profile(table(1), text=["note"])

    assert {column.column for column in compare(known, table(2)).columns} >= {"note.length", "note.empty", "code"}


def test_a_column_that_is_missing_or_no_text_is_named():
    with pytest.raises(ConfigError, match=r"The reference has no column 'nota'"):
        compare(table(1), table(2), text=["nota"])
    with pytest.raises(SchemaMismatchError, match=r"Column 'amount' holds double in the reference, and no texts"):
        compare(table(1), table(2), text=["amount"])
