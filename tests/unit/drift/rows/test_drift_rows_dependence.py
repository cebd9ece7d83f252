"""Dependence of numeric columns on each other, and columns that become equal."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression

from airflow_mlmon.drift.rows.dependence import MOST_COLUMNS, Dependence, pin_dependence
from airflow_mlmon.drift.rows.equality import Equality, pin_equality
from airflow_mlmon.statistics.normal_scores import normal_scores

ROWS = 2_000
FEATURES = ("a", "b", "c", "alone")


def _columns(seed, rows=ROWS):
    rng = np.random.default_rng(seed)
    a, noise, c, alone = rng.normal(size=(4, rows))
    return {"a": a, "b": np.exp(a + noise), "c": c, "alone": alone, "score": a + 0.5 * c + 0.3 * rng.normal(size=rows)}


def _pinned(rows=ROWS):
    return pin_dependence(pa.table(_columns(0, rows)), FEATURES, ("score",))


def _explained(columns, pinned=None):
    found = (pinned or _pinned()).measure(pa.table(columns))
    return {value.column: value.value for value in found}


def _regressed(columns, name, others):
    scores = {key: normal_scores(np.asarray(values, dtype=float)) for key, values in columns.items()}
    inputs = np.column_stack([scores[other] for other in others])
    share = LinearRegression().fit(inputs, scores[name]).score(inputs, scores[name])
    return max(1 - (1 - share) * (ROWS - 1) / (ROWS - len(others) - 1), 0.1)


def test_share_is_that_of_a_regression():
    columns = _columns(1)
    found = _explained(columns)
    for name in FEATURES:
        expected = _regressed(columns, name, [other for other in FEATURES if other != name])
        assert found[name] == pytest.approx(expected, abs=0.02)
    assert found["score"] == pytest.approx(_regressed(columns, "score", FEATURES), abs=0.02)
    assert found["alone"] == 0.1


def test_share_does_not_follow_the_distribution():
    columns = _columns(1)
    moved = columns | {"b": 1_000 * columns["b"] + 7, "c": columns["c"] ** 3}
    assert _explained(moved) == pytest.approx(_explained(columns))


def test_shuffle_breaks_the_dependence_of_its_column_alone():
    columns = _columns(1)
    found, before = _explained(columns | {"c": np.random.default_rng(2).permutation(columns["c"])}), _explained(columns)
    assert found["score"] < before["score"] - 0.1
    assert found["a"] == pytest.approx(before["a"], abs=0.01)


def test_feature_that_becomes_the_score_is_explained_by_nothing_else():
    columns = _columns(1)
    assert _explained(columns | {"alone": columns["score"]})["score"] > 0.95


def test_category_is_a_number_by_the_output_of_its_values():
    rng = np.random.default_rng(5)

    def draw(rows=ROWS):
        place, alone = rng.integers(0, 8, rows), rng.normal(size=rows)
        score = np.sin(2.0 * place) + 0.3 * rng.normal(size=rows)
        return {"alone": alone, "place": [f"p{at}" for at in place], "score": score}

    pinned = pin_dependence(pa.table(draw()), ("alone",), ("score",), ("place",))
    assert pinned.features == ("alone", "place")
    columns = draw()
    assert _explained(columns, pinned)["score"] > 0.5
    found = {value.column: value for value in pinned.measure(pa.table(columns | {"score": columns["score"][::-1]}))}
    assert found["score"].value == 0.1
    assert found["score"].reason.startswith("correlation with place ")


def test_columns_that_follow_from_each_other_stay_finite():
    columns = _columns(1) | {"twice": 2 * _columns(1)["a"], "sum": _columns(1)["a"] + _columns(1)["c"]}
    pinned = pin_dependence(pa.table(columns), (*FEATURES, "twice", "sum"), ("score",))
    found = _explained(columns, pinned)
    assert found["a"] == pytest.approx(0.98, abs=0.02)
    assert max(found.values()) < 1


def test_missing_values_hardly_move_the_share():
    columns = _columns(1)
    gaps = np.where(np.random.default_rng(3).random(ROWS) < 0.3, np.nan, columns["a"])
    assert _explained(columns | {"a": gaps}) == pytest.approx(_explained(columns), abs=0.05)


def test_empty_column_moves_no_other():
    columns = _columns(1)
    found = _explained(columns | {"a": np.full(ROWS, np.nan)})
    assert found.pop("a") is None
    before = _explained(columns)
    assert found == pytest.approx({name: before[name] for name in found}, abs=0.1)


def test_few_rows_say_nothing_of_what_is_hardly_explained():
    found = {value.column: value for value in _pinned().measure(pa.table(_columns(1, 150)))}
    assert found["alone"].value is None
    assert "150 rows" in found["alone"].reason
    assert found["a"].value == pytest.approx(_explained(_columns(1))["a"], abs=0.25)
    assert {value.value for value in _pinned().measure(pa.table(_columns(1, 90)))} == {None}


def test_at_most_twenty_columns_are_looked_at():
    rng = np.random.default_rng(4)
    shared = rng.normal(size=ROWS)
    table = pa.table({f"x{at}": rng.normal(size=ROWS) + (at >= 20) * shared for at in range(40)})
    pinned = pin_dependence(table, table.column_names, ())
    assert len(pinned.columns) == MOST_COLUMNS
    assert set(pinned.columns) == {f"x{at}" for at in range(20, 40)}


def test_column_alone_has_no_dependence():
    assert pin_dependence(pa.table({"a": np.arange(ROWS)}), ("a",), ()) == Dependence()


def test_what_is_pinned_is_stored_as_it_is():
    pinned = _pinned()
    assert Dependence.from_json(json.loads(json.dumps(pinned.to_json()))) == pinned
    equality = pin_equality(pa.table(_columns(0)), FEATURES, ())
    assert Equality.from_json(json.loads(json.dumps(equality.to_json()))) == equality


def _equal(equality, columns):
    return {value.column: (value.value, value.reason) for value in equality.measure(pa.table(columns))}


def test_columns_that_become_equal_are_named():
    columns = _columns(1) | {"few": np.arange(ROWS) % 3}
    equality = pin_equality(pa.table(columns), (*columns,), ())
    before = _equal(equality, columns)
    assert set(before) == {*FEATURES, "score"}
    assert set(before.values()) == {(0.0, "")}
    half = np.where(np.arange(ROWS) % 2, columns["a"], columns["c"])
    found = _equal(equality, columns | {"c": half})
    assert found["c"] == (0.5, "as a")
    assert found["a"] == (0.5, "as c")
    assert found["b"] == (0.0, "")


def test_texts_that_become_equal_are_named():
    texts = {name: [f"{name}{at % 500}" for at in range(ROWS)] for name in ("home", "work")}
    equality = pin_equality(pa.table(texts), (), ("home", "work"))
    assert _equal(equality, texts)["home"] == (0.0, "")
    assert _equal(equality, texts | {"work": texts["home"]})["work"] == (1.0, "as home")


def test_pair_that_is_often_equal_is_left_out():
    columns = _columns(1)
    columns["c"] = np.where(np.arange(ROWS) % 10 == 0, columns["a"], columns["c"])
    assert ("a", "c") not in pin_equality(pa.table(columns), (*columns,), ()).numbers
