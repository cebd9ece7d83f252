from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import airflow_mlmon
from airflow_mlmon.comparison.sample import RowSample
from airflow_mlmon.errors import ConfigError, DataError, SchemaMismatchError
from airflow_mlmon.records import VerdictState
from airflow_mlmon.spec.methods import PROFILED
from tests.support.comparison import make_rows

REFERENCE = make_rows(3000, 1)


def by_name(found):
    return {column.column: column for column in found.columns}


def compare_values(first, second, **settings):
    sides = (pa.table({"x": values}) for values in (first, second))
    return by_name(airflow_mlmon.compare(*sides, **settings))["x"]


def test_draws_of_one_distribution_have_not_drifted():
    found = airflow_mlmon.compare(REFERENCE, make_rows(2000, 2))

    assert found.drifted == ()
    assert found.evaluated == 4
    assert by_name(found)["customer"].note == "identifiers are counted, not compared"


@pytest.mark.parametrize(
    ("changes", "column"), [({"amount": 1.0}, "amount"), ({"web": 0.2}, "channel"), ({"empty": 0.3}, "amount")]
)
def test_change_is_drift_and_stands_first(changes, column):
    found = airflow_mlmon.compare(REFERENCE, make_rows(2000, 2, **changes))

    assert found.drifted == (column,)
    assert found.columns[0].column == column


def test_share_of_empty_values_is_told_in_words():
    found = airflow_mlmon.compare(REFERENCE, make_rows(2000, 2, empty=0.3))

    assert found.columns[0].note.startswith("null rate changed from 1.9% to 29.8%")


def test_certain_but_small_change_is_no_drift():
    random = np.random.default_rng(3)
    column = compare_values(random.normal(size=50_000), random.normal(0.05, 1, 50_000))

    assert column.p_value < 0.001
    assert column.state is VerdictState.OK


def test_large_but_uncertain_change_is_no_drift():
    random = np.random.default_rng(4)
    column = compare_values(random.normal(size=35), random.normal(size=35))

    assert column.effect >= column.limit
    assert column.state is VerdictState.OK


def test_healthy_comparisons_rarely_alarm():
    alarms = sum(bool(airflow_mlmon.compare(make_rows(200, n), make_rows(200, n + 500)).drifted) for n in range(60))

    assert alarms <= 6


def test_limit_of_the_caller_replaces_the_methods():
    changed = make_rows(2000, 2, amount=0.2)

    assert airflow_mlmon.compare(REFERENCE, changed).drifted == ()
    assert airflow_mlmon.compare(REFERENCE, changed, limit=0.01).drifted == ("amount",)


@pytest.mark.parametrize("method", PROFILED)
def test_every_method_finds_what_moved(method):
    found = airflow_mlmon.compare(REFERENCE, make_rows(2000, 2, amount=1.0, web=0.1), method=method)

    assert set(found.drifted) >= {"amount"}
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["columns"][0]["method"] is not None


@pytest.mark.parametrize(
    ("current", "said"),
    [
        pytest.param([1.0], "current has 1 values, fewer than 30", id="single-row"),
        pytest.param(pa.array([], pa.float64()), "current has no rows", id="no-rows"),
        pytest.param(pa.nulls(50, pa.float64()), "current is all null", id="all-null"),
        pytest.param(pa.nulls(50), "current is all null", id="all-null-without-a-type"),
        pytest.param([math.inf] * 50, "current has no finite value", id="all-infinite"),
    ],
)
def test_too_little_is_not_enough_data(current, said):
    column = compare_values(np.arange(100.0), current)

    assert column.state is VerdictState.INSUFFICIENT_DATA or "null rate" in column.note
    assert said in column.note
    assert column.score is None


def test_infinite_values_are_left_out_and_told():
    column = compare_values(np.arange(100.0), [*np.arange(100.0), math.inf, -math.inf])

    assert column.state is VerdictState.OK
    assert column.note == "current has 2 infinite values, not compared"


def test_column_of_one_side_is_told():
    found = airflow_mlmon.compare(
        REFERENCE, make_rows(500, 2).drop_columns(["age"]).append_column("new", pa.nulls(500))
    )

    columns = by_name(found)
    assert columns["age"].note == "not in the current data"
    assert columns["new"].note == "not in the reference"
    assert columns["age"].state is columns["new"].state is VerdictState.INSUFFICIENT_DATA


def test_column_that_no_profile_is_made_of_is_told():
    found = airflow_mlmon.compare(*[pa.table({"x": pa.array([["a"]] * 40)})] * 2)

    assert found.columns[0].note == "values of another kind (list<item: string>) are not compared"
    assert found.headline == "Not enough data to compare any column."


def test_new_category_is_named():
    column = compare_values(["a", "b"] * 100, ["a", "b", "b<script>", "c"] * 100)

    assert column.state is VerdictState.BREACH
    assert column.note == "new categories: b<script> (25.0%), c (25.0%)"


def test_a_million_categories_have_an_answer():
    random = np.random.default_rng(5)
    sides = [pa.array([f"v{number}" for number in random.integers(0, 10**9, 10**6)]) for _ in range(2)]

    assert compare_values(*sides).note == "identifiers are counted, not compared"


def test_few_values_that_all_differ_are_not_compared():
    sides = [[f"v{number}" for number in range(start, start + 200)] for start in (0, 100)]

    assert compare_values(*sides).note == "nearly all values are distinct"


@pytest.mark.parametrize("method", ["psi", "t_test", "anderson"])
def test_identifiers_have_no_score_by_any_method(method):
    rows = [f"v{number}" for number in range(1100)]

    column = compare_values(rows, rows, method=method)

    assert (column.state, column.score, column.method) == (VerdictState.INSUFFICIENT_DATA, None, None)
    assert column.note == "identifiers are counted, not compared"


def test_type_that_differs_names_column_and_both_sides():
    with pytest.raises(SchemaMismatchError, match=r"'x' holds numbers in the reference .* but texts in the current"):
        compare_values([1.0] * 40, ["a"] * 40)


def test_times_with_and_without_a_zone_are_refused():
    times = pa.array([0] * 40, pa.timestamp("us"))

    with pytest.raises(SchemaMismatchError, match="times without a zone"):
        compare_values(times, times.cast(pa.timestamp("us", tz="UTC")))


def test_integers_beyond_doubles_are_told_apart():
    column = compare_values(pa.array([2**60, 2**60 + 1] * 50), pa.array([2**60 + 1] * 100))

    assert column.state is VerdictState.BREACH


def test_frames_of_pandas_and_arrow_give_the_same():
    current = make_rows(500, 2)
    expected = airflow_mlmon.compare(REFERENCE, current).to_dict()

    assert airflow_mlmon.compare(REFERENCE.to_pandas(), current.to_pandas()).to_dict() == expected


def test_string_views_as_polars_has_them_are_read():
    views = pa.table({"x": pa.array(["a", "b"] * 50).cast(pa.string_view())})

    assert by_name(airflow_mlmon.compare(views, views))["x"].score == 0


def test_profile_can_be_compared_again():
    known = airflow_mlmon.profile(REFERENCE)

    assert airflow_mlmon.compare(known, REFERENCE).drifted == ()
    assert airflow_mlmon.compare(known, make_rows(500, 2, amount=2)).drifted == ("amount",)


def test_frame_of_mixed_objects_names_the_column():
    with pytest.raises(DataError, match="column mixed"):
        airflow_mlmon.profile(pd.DataFrame({"mixed": [1, "a"]}))


def test_what_is_no_frame_is_refused():
    with pytest.raises(ConfigError, match="reference is a list; a path or a data frame is expected"):
        airflow_mlmon.profile([1, 2])


def test_unknown_method_is_refused_before_anything_is_read():
    with pytest.raises(ConfigError, match="did you mean 'hellinger'"):
        airflow_mlmon.compare("nowhere", "nowhere", method="helinger")


def test_notebook_tables_escape_what_comes_from_data():
    hostile = "<script>alert(1)</script>\"'&"
    table = pa.table({hostile: pa.array([hostile, "b"] * 40)})
    for shown in (airflow_mlmon.profile(table), airflow_mlmon.compare(table, table)):
        assert "<script>" not in shown._repr_html_()
        assert "&lt;script&gt;" in shown._repr_html_()


def test_page_is_whole_and_escapes_what_comes_from_data():
    hostile = "<script>alert(1)</script>\"'&"
    table = pa.table({hostile: pa.array([hostile, "b"] * 40), "x": np.arange(80.0)})
    page = airflow_mlmon.compare(table, table).to_html()

    assert "<script" not in page
    assert "src=" not in page
    assert page.count("<svg") == 2


@pytest.mark.parametrize("method", ["anderson", "ed", "mannw"])
def test_method_of_rows_runs_on_a_sample_and_says_so(method):
    found = airflow_mlmon.compare(make_rows(8000, 1), make_rows(2000, 2, amount=1.0), method=method)
    column = found.columns[0]

    assert found.drifted == ("amount",)
    assert column.method == method
    assert f"by evidently's {method} on samples of " in column.note
    assert airflow_mlmon.compare(make_rows(8000, 1), make_rows(2000, 2), method=method).drifted == ()


def test_method_of_rows_needs_the_rows_of_the_reference():
    with pytest.raises(ConfigError, match="'mannw' needs rows"):
        airflow_mlmon.compare(airflow_mlmon.profile(REFERENCE), REFERENCE, method="mannw")


def test_sample_does_not_depend_on_how_rows_are_cut():
    whole, cut = RowSample(), RowSample()
    table = make_rows(12_000, 1)
    whole.add(table)
    for start in range(0, 12_000, 700):
        cut.add(table.slice(start, 700))

    assert whole.table().num_rows == 5000
    assert whole.table().equals(cut.table().combine_chunks())
