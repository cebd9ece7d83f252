"""Coarsened values: the start of a text, a number or time rounded down to its step."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from airflow_mlmon.archive.curation.personal import coarsen_values
from airflow_mlmon.spec import Column, ColumnType

MOMENT = pa.timestamp("us", tz="UTC")


@pytest.mark.parametrize(
    ("column", "values", "coarse"),
    [
        pytest.param(
            Column(type=ColumnType.CATEGORY, truncate=3),
            pa.array(["10115", "ÄÖÜß", "7", "", None]),
            ["101", "ÄÖÜ", "7", "", None],
            id="text",
        ),
        pytest.param(
            Column(type=ColumnType.INTEGER, generalise=10),
            pa.array([37, 40, -1, 2**60 + 1, None]),
            [30, 40, -10, (2**60 + 1) // 10 * 10, None],
            id="integer",
        ),
        pytest.param(
            Column(type=ColumnType.FLOAT, generalise=0.1),
            pa.array([0.3, 0.39, -0.05, None]),
            [pytest.approx(0.3), pytest.approx(0.3), pytest.approx(-0.1), None],
            id="float",
        ),
        pytest.param(
            Column(type=ColumnType.TIMESTAMP, generalise="month"),
            pa.array([datetime(2026, 3, 31, 23, 59, tzinfo=UTC), None], MOMENT),
            [datetime(2026, 3, 1, tzinfo=UTC), None],
            id="time",
        ),
    ],
)
def test_values_are_coarsened(column, values, coarse):
    found = coarsen_values(pa.chunked_array([values]), column)

    assert found.type == values.type
    assert found.to_pylist() == coarse


def test_missing_and_infinite_numbers_stay():
    found = coarsen_values(pa.chunked_array([[math.nan, math.inf]]), Column(type=ColumnType.FLOAT, generalise=5))

    assert str(found.to_pylist()) == "[nan, inf]"
