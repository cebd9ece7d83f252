"""NaN and infinities are told beside the column that Druid has as null."""

from __future__ import annotations

import gzip
import json
import math

import pyarrow as pa
import pytest

from airflow_mlmon.druid.flags import add_flag_dimensions, add_flags
from airflow_mlmon.druid.ingestion import Datasource, Dimension, DimensionType
from airflow_mlmon.druid.json_lines import write_json_lines
from airflow_mlmon.errors import ConfigError


def test_each_value_that_json_lacks_is_named():
    table = pa.table({"x": [0.5, math.nan, math.inf, -math.inf, None], "n": [1, 2, 3, 4, 5]})

    flagged = add_flags(table)

    lines = [json.loads(line) for line in gzip.decompress(write_json_lines(flagged.rows)).splitlines()]
    assert [line["x"] for line in lines] == [0.5, None, None, None, None]
    assert [line["x__flag"] for line in lines] == [None, "nan", "inf", "-inf", None]
    assert flagged.names == ("x",)


def test_a_column_without_any_has_no_flag():
    table = pa.table({"x": [0.5, None], "empty": pa.nulls(2, pa.float32()), "c": ["nan", None]})

    assert add_flags(table) == (table.set_column(1, "empty", pa.nulls(2, pa.float64())), ())


def test_zero_has_no_sign():
    values = add_flags(pa.table({"x": [-0.0]})).rows.column("x").to_pylist()

    assert math.copysign(1, values[0]) == 1


def test_a_column_of_the_name_of_a_flag_is_refused():
    table = pa.table({"x": [math.nan], "x__flag": ["mine"]})

    with pytest.raises(ConfigError, match="'x__flag' is reserved"):
        add_flags(table)


def test_the_datasource_has_a_place_for_each_flag():
    datasource = Datasource(name="d", time_column="at", dimensions=(Dimension(name="x", type=DimensionType.DOUBLE),))

    flagged = add_flag_dimensions(datasource, ["x"])

    assert flagged.dimensions[1:] == (Dimension(name="x__flag", type=DimensionType.STRING),)


def test_a_column_has_a_flag_where_only_other_rows_need_it():
    flagged = add_flags(pa.table({"x": [0.5], "c": ["a"]}), ["x", "c"])

    assert flagged.rows.to_pydict() == {"x": [0.5], "c": ["a"], "x__flag": [None], "c__flag": [None]}
    assert flagged.names == ("x", "c")


def test_excluded_rows_are_told_from_those_whose_label_is_outstanding():
    rows = pa.table({"x": [1, 2, 3, 4], "paid": [True, None, False, None]})
    excluded = pa.chunked_array([pa.array([False, False, True, True])])

    labelled = add_flags(rows, excluded={"paid": excluded})

    assert labelled.rows.column("paid").to_pylist() == [True, None, None, None]
    assert labelled.rows.column("paid__flag").to_pylist() == [None, None, "excluded", "excluded"]
    assert labelled.names == ("paid",)


def test_a_number_as_label_may_be_excluded_or_infinite():
    rows = pa.table({"loss": [0.5, math.inf, math.inf, None]})
    excluded = pa.chunked_array([pa.array([True, False, True, False])])

    labelled = add_flags(rows, excluded={"loss": excluded})

    assert labelled.rows.to_pydict() == {
        "loss": [None, math.inf, None, None],
        "loss__flag": ["excluded", "inf", "excluded", None],
    }


def test_labels_without_excluded_rows_have_no_flag():
    labelled = add_flags(pa.table({"paid": [True]}), excluded={"paid": pa.chunked_array([pa.array([False])])})

    assert (labelled.rows.column_names, labelled.names) == (["paid"], ())
