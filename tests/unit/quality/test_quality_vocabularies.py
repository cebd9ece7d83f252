from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_columns
from airflow_mlmon.quality.vocabularies import explain_open
from airflow_mlmon.spec.choices import ColumnType


def explain(days: list[list[str]]) -> str:
    tables = [pa.table({"town": values}) for values in days]
    schema = pin_columns("m", {"town": ColumnType.CATEGORY}, pa.concat_tables(tables))
    return explain_open(schema, [profile_table(table, schema) for table in tables])["town"]


@pytest.mark.parametrize(
    ("days", "reason"),
    [
        pytest.param([["a", "b"]] * 7, "", id="closed"),
        pytest.param([["a", "b"]] * 6, "its values are known of 6 days, fewer than 7", id="few"),
        pytest.param(
            [["a", "b"]] * 6 + [["a", "c"]], "open vocabulary: 1 of 3 values occur on one day alone", id="open"
        ),
        pytest.param([["a"]] * 499 + [["b"]], "", id="one-in-500-days"),
    ],
)
def test_a_vocabulary_is_closed_if_new_days_add_nothing_to_it(days, reason):
    assert explain(days) == reason
