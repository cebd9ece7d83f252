"""Decimals are profiled as the doubles nearest to them, integers beyond 2**53 as themselves."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.methods import score
from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from tests.support.profiles import make_spec

SPEC = make_spec(d={"type": "decimal"})
KINDS = [
    pa.decimal64(18, 6),
    pa.decimal128(7, 2),
    pa.decimal128(18, 6),
    pa.decimal128(38, 10),
    pa.decimal128(38, 30),
    pa.decimal256(70, 40),
]


def decimals(kind: pa.DataType, rows: int = 2_000) -> pa.Array:
    digits = np.random.default_rng(1).integers(0, 10, (rows, kind.precision)).tolist()
    texts = ["".join(map(str, row)) for row in digits]
    point = kind.precision - kind.scale
    signs = np.random.default_rng(2).choice(["", "-"], rows).tolist()
    return pa.array(
        [Decimal(f"{sign}{text[:point]}.{text[point:]}") for sign, text in zip(signs, texts, strict=True)], kind
    )


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_each_decimal_is_the_nearest_double(kind):
    values = decimals(kind)

    assert decimals_to_doubles(values).tolist() == [float(value) for value in values.to_pylist()]
    assert decimals_to_doubles(values.slice(5, 9)).tolist() == [float(value) for value in values.to_pylist()[5:14]]


def test_decimals_and_doubles_of_one_value_have_one_profile():
    values = pa.array([*decimals(pa.decimal128(7, 2)).to_pylist(), None])
    schema = pin_schema(SPEC, pa.table({"d": values}))
    doubles = pa.array([None if value is None else float(value) for value in values.to_pylist()])

    assert profile_table(pa.table({"d": values}), schema) == profile_table(pa.table({"d": doubles}), schema)


def test_decimals_that_no_double_tells_apart_are_refused_where_the_schema_is_pinned():
    values = pa.array([Decimal(10**30 + number) for number in range(100)])

    with pytest.raises(SchemaMismatchError, match="100 distinct values become 1"):
        pin_schema(SPEC, pa.table({"d": values}))


def test_long_decimals_that_doubles_tell_apart_are_pinned():
    values = pa.array([Decimal(f"{number}.{number:030d}") for number in range(100)])

    (column,) = pin_schema(SPEC, pa.table({"d": values})).columns

    assert column.centre == 49.0


def test_integers_beyond_2_53_drift_by_single_units():
    spec = make_spec(n={"type": "integer"})
    random = np.random.default_rng(1)
    reference, moved = (2**60 + random.integers(0, 100, 2_000) + shift for shift in (0, 100))
    schema = pin_schema(spec, pa.table({"n": reference}))
    same, other = (
        profile_table(pa.table({"n": pa.array(values, mask=values % 7 == 0)}), schema).columns["n"]
        for values in (reference, moved)
    )

    assert same.distinct == len(set(reference[reference % 7 != 0].tolist()))
    assert score("ks", same, same) == 0
    assert score("ks", same, other) == 1
    assert score("wasserstein", same, other) == pytest.approx(100 / same.std, rel=0.05)
