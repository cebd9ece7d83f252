"""What Druid adds up in 64 bits that wrap gives the exact profile."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.druid.profile_counts import (
    Extremes,
    NotCountableError,
    build_category_profile,
    build_grid_distribution,
    build_identifier_profile,
    build_numeric_profile,
    convert_times,
    parse_distribution,
    read_cells,
    sum_deviations,
)
from airflow_mlmon.druid.profile_sql import SHIFTER
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.reading import count_texts
from airflow_mlmon.spec.choices import ColumnType
from tests.support.profiles import numeric_schema, profile_values

WORD = 2**64


def signed(number: int) -> int:
    return (number + WORD // 2) % WORD - WORD // 2


def answer_of(schema: ColumnSchema, values: np.ndarray) -> list[dict[str, Any]]:
    """What Druid answers to the query of cells: its longs wrap."""
    deviations = values - schema.centre + 0.0
    with np.errstate(over="ignore"):
        shifted = (deviations * (1 / schema.quantum) + SHIFTER).view(np.int64)
    groups: dict[int, list[int]] = {}
    for code, bits in zip((deviations.view(np.int64) >> 45).tolist(), shifted.tolist(), strict=True):
        groups.setdefault(code, []).append(bits)
    return [
        {"k": code, "n": len(bits), "s": signed(sum(bits)), "ss": signed(sum(bit * bit for bit in bits))}
        for code, bits in groups.items()
    ]


def far_of(values: np.ndarray, low: float | None, high: float | None) -> list[dict[str, Any]]:
    far = [
        value for value in values.tolist() if (low is not None and value <= low) or (high is not None and value >= high)
    ]
    return [{"k": value, "n": count} for value, count in Counter(far).items()]


floats = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.one_of(floats, st.floats(-100, 100), st.integers(-(2**33), 2**33).map(float)), min_size=1),
    st.sampled_from([2.0**-40, 2.0**-12, 1.0, 2.0**300]),
)
def test_sums_of_cells_and_of_far_values_are_those_of_the_rows(values, quantum):
    schema, numbers = numeric_schema(quantum=quantum), np.array(values)

    cells = read_cells(schema, answer_of(schema, numbers))
    sums = cells.sums + sum_deviations(schema, far_of(numbers, cells.low, cells.high))

    expected = profile_values(values, schema)
    assert (sums.total, sums.squares) == (expected.total, expected.squares)
    assert cells.tally == expected.distribution.to_grid().cells


def test_sums_that_wrap_many_times_are_exact():
    schema = numeric_schema(quantum=2.0**-21)
    numbers = np.tile(np.linspace(-900, 900, 5_000), 40)

    cells = read_cells(schema, answer_of(schema, numbers))

    expected = profile_values(numbers, schema)
    assert expected.squares > 2**70
    assert (cells.sums.total, cells.sums.squares) == (expected.total, expected.squares)


def test_a_cell_whose_sum_cannot_be_told_is_refused():
    schema = numeric_schema(quantum=1.0)
    answer = [{"k": int(np.float64(2.0**30).view(np.int64)) >> 45, "n": 2**20, "s": 0, "ss": 0}]

    with pytest.raises(NotCountableError, match="too many rows"):
        read_cells(schema, answer)


def test_a_quantum_below_the_grid_is_refused():
    schema = numeric_schema(quantum=2.0**-200)

    with pytest.raises(NotCountableError, match="quantum is too small"):
        read_cells(schema, answer_of(schema, np.array([2.0**-130])))


@given(st.lists(st.one_of(st.none(), st.floats(-10, 10), st.sampled_from([math.inf, -math.inf, math.nan]))))
def test_a_profile_of_counted_values_is_that_of_the_rows(values):
    schema = numeric_schema(quantum=2.0**-20, atoms=(0.0, 1.0))
    finite = [value for value in values if value is not None and math.isfinite(value)]
    answer = [{"k": value, "n": count} for value, count in Counter(finite).items()]
    flags = Counter(str(value) for value in values if value is not None and not math.isfinite(value))

    found = build_numeric_profile(
        schema,
        parse_distribution(schema, answer),
        empty=len(values) - len(finite),
        flagged=[{"k": flag, "n": count} for flag, count in flags.items()],
        extremes=Extremes(low=min(finite, default=None), high=max(finite, default=None)),
        sums=sum_deviations(schema, answer),
    )

    assert found == profile_values(np.array(values, dtype=object).tolist(), schema)


def test_atoms_are_counted_beside_their_cells():
    schema = numeric_schema(quantum=2.0**-20, atoms=(0.25, 4.0))
    numbers = np.concatenate((np.linspace(1, 2, 1_025), np.full(9, 0.25)))
    cells = read_cells(schema, answer_of(schema, numbers))

    found = build_grid_distribution(schema, cells, [{"k": 0.25, "n": 9}])

    assert found == profile_values(numbers, schema).distribution


@pytest.mark.parametrize("sketch", [None, "no JSON", '"no base64!"', '"AAAA"'])
def test_what_is_no_sketch_is_refused(sketch):
    schema = ColumnSchema(name="id", kind=Kind.IDENTIFIER)

    with pytest.raises(NotCountableError, match="Cannot read Druid's sketch"):
        build_identifier_profile(schema, {"n": 3, "held": 3, "sketch": sketch})


def test_what_is_no_time_is_refused():
    with pytest.raises(NotCountableError, match="not a timestamp"):
        convert_times([{"k": "oops", "n": 1}])


def test_new_values_are_those_that_the_reference_does_not_have():
    codes = pa.array([f"{code:05}" for code in range(1_500)] + ["00000"] * 1_500)
    schema = pin_column("code", ColumnType.CATEGORY, [codes])
    answer = [{"k": None, "n": 2}, {"k": "01499", "n": 5}, {"k": "fresh", "n": 3}]
    rows = pa.array([None] * 2 + ["01499"] * 5 + ["fresh"] * 3)

    found = build_category_profile(schema, answer)

    assert found == CategoryProfile.of(schema, count_texts(rows, "code"))
    assert (found.unseen_rows, found.new_rows, found.names, found.further_names) == (
        8, 3, (("fresh", 3),), (("01499", 5),),
    )  # fmt: skip
