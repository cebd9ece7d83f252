from __future__ import annotations

import pyarrow as pa

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.tasks.summary import summary_metrics
from tests.support.profiles import loan_spec, loan_table, make_spec

SPEC = make_spec(
    x={"type": "float"},
    c={"type": "category"},
    score={"type": "float", "role": "score"},
    approved={"type": "boolean", "role": "prediction"},
)
TABLE = pa.table(
    {
        "x": pa.array([1.0, None, float("nan"), 4.0]),
        "c": pa.array(["a", "b", "b", None]),
        "score": pa.array([0.25, 0.75, 0.5, None]),
        "approved": pa.array([False, True, True, None]),
    }
)
SCHEMA = pin_schema(SPEC, TABLE)


def measure(table, spec=SPEC, schema=SCHEMA):
    return {(value.metric, value.column): value for value in summary_metrics(profile_table(table, schema), spec)}


def test_summary_counts_rows_shares_and_score():
    values = {key: value.value for key, value in measure(TABLE).items()}

    assert values == {
        ("rows", None): 4.0,
        ("null_rate", None): 3 / 8,
        ("null_rate", "x"): 0.5,
        ("null_rate", "c"): 0.25,
        ("null_rate", "score"): 0.25,
        ("null_rate", "approved"): 0.25,
        ("new_category_rate", "c"): 0.0,
        ("new_category_rate", "approved"): 0.0,
        ("score_mean", None): 0.5,
        ("predicted_positive_rate", None): 2 / 3,
    }


def test_summary_of_no_rows_has_no_shares():
    values = measure(TABLE.slice(0, 0))

    assert {key for key, value in values.items() if value.value is not None} == {("rows", None)}
    assert values["score_mean", None].reason == "no row has a value"


def test_summary_has_no_value_of_a_column_that_is_absent():
    values = measure(TABLE.drop(["x"]))

    assert (values["null_rate", "x"].value, values["null_rate", "x"].reason) == (None, "no row has a value")
    assert values["null_rate", None].value == 0.25


def test_summary_counts_unseen_values():
    table = TABLE.set_column(1, "c", pa.array(["a", "new", "newer", None]))

    assert measure(table)["new_category_rate", "c"].value == 2 / 3


def test_summary_of_a_spec_without_score_leaves_the_score_out():
    spec = make_spec(x={"type": "float"})

    assert ("score_mean", None) not in measure(TABLE, spec, pin_schema(spec, TABLE))


def test_summary_of_every_kind_of_column_has_finite_values():
    spec, table = loan_spec(), loan_table(200, seed=1)

    assert all(value.value is not None for value in measure(table, spec, pin_schema(spec, table)).values())


def test_new_values_are_named_the_most_frequent_first():
    fresh = ["new"] * 3 + ["newer"] * 2 + ["e1", "e2", "e3", "e4", "a"]
    rate = measure(pa.table({"c": fresh}))["new_category_rate", "c"]

    assert (rate.value, rate.new_values) == (0.9, (("new", 3), ("newer", 2), ("e1", 1), ("e2", 1), ("e3", 1)))
    assert measure(TABLE)["new_category_rate", "c"].new_values == ()


def test_new_values_of_a_personal_column_are_not_named():
    columns = {name: column.model_dump(exclude_unset=True) for name, column in SPEC.columns.items()}
    spec = make_spec(**columns | {"c": {"type": "category", "personal": "hash"}})
    rate = measure(pa.table({"c": ["new"]}), spec)["new_category_rate", "c"]

    assert (rate.value, rate.new_values) == (1.0, ())
