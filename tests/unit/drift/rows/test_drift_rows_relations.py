"""Relations that a reference holds, and the rows of a day that break them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.rows.discovery import MOST_RELATIONS, find_relations
from airflow_mlmon.drift.rows.relations import Relation, RelationKind, relation_metrics

ROWS, DAYS = 1_400, 14
CURRENCIES = {"DE": "EUR", "FR": "EUR", "CH": "CHF", "GB": "GBP", "SE": "SEK"}
NUMBERS = ("net", "tax", "total", "copy", "start", "end", "weight", "one")
CATEGORIES = ("country", "currency", "always")


def _table(seed=0, rows=ROWS):
    rng = np.random.default_rng(seed)
    net = np.round(rng.lognormal(3, 1, rows), 2)
    tax = np.round(net * rng.choice([0.07, 0.19], rows), 2)
    start = rng.uniform(0, 1e5, rows)
    country = rng.choice(list(CURRENCIES), rows)
    return pa.table(
        {
            "net": net,
            "tax": tax,
            "total": np.round(net + tax, 2),
            "copy": net,
            "start": start,
            "end": start + rng.exponential(2e4, rows),
            "weight": rng.normal(70, 10, rows),
            "one": np.ones(rows),
            "country": country,
            "currency": [CURRENCIES[name] for name in country],
            "always": ["yes"] * rows,
        }
    )


def _days(rows=ROWS):
    return np.arange(rows) * DAYS // rows


def _set(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


def _found(table):
    return {one.words for one in find_relations(table, _days(table.num_rows), NUMBERS, CATEGORIES)}


def _rates(relations, table):
    return {value.column: (value.value, value.reason) for value in relation_metrics(relations, table)}


def test_relations_are_found():
    assert _found(_table()) >= {"net = copy", "total = net + tax", "start ≤ end", "country determines currency"}


def test_what_nothing_could_break_is_no_relation():
    found = " ".join(_found(_table()))
    # constant columns, a value that nearly every row has, and ranges that do not meet
    assert not {"one", "always"} & set(found.split())
    assert "tax ≤ start" not in found


@pytest.mark.parametrize("seed", range(5))
def test_columns_without_relation_have_none(seed):
    rng = np.random.default_rng(seed)
    table = pa.table({name: rng.normal(size=ROWS) for name in NUMBERS})
    assert find_relations(table, _days(), NUMBERS, ()) == ()


def test_relation_that_a_day_of_the_reference_breaks_is_none():
    table = _table()
    is_broken = (_days() == 3) & (np.arange(ROWS) % 10 == 0)
    end = np.where(is_broken, table.column("start").to_numpy() - 1, table.column("end").to_numpy())
    assert 0 < is_broken.mean() < 0.01
    assert "start ≤ end" not in _found(_set(table, "end", end))


def test_orders_that_follow_from_others_are_left_out():
    rng = np.random.default_rng(1)
    steps = rng.exponential(size=(ROWS, 4)).cumsum(axis=1)
    table = pa.table({name: steps[:, at] for at, name in enumerate("abcd")})
    found = find_relations(table, _days(), "abcd", ())
    assert [one.words for one in found] == ["a ≤ b", "b ≤ c", "c ≤ d"]


def test_number_of_relations_is_bounded():
    rng = np.random.default_rng(2)
    names = [f"x{at}" for at in range(60)]
    steps = rng.exponential(size=(ROWS, 60)).cumsum(axis=1)
    table = pa.table({name: steps[:, at] for at, name in enumerate(names)})
    assert 0 < len(find_relations(table, _days(), names, ())) <= MOST_RELATIONS


def test_sum_is_found_within_rounding():
    rng = np.random.default_rng(3)
    one, other = rng.lognormal(5, 1, (2, ROWS))
    table = pa.table({"a": np.round(one + other, 1), "b": one, "c": other})
    found = {relation.words: relation for relation in find_relations(table, _days(), "abc", ())}
    assert found["a = b + c"].tolerance == pytest.approx(0.15)
    assert "a = b + c" not in {
        relation.words for relation in find_relations(_set(table, "a", one + 1.01 * other), _days(), "abc", ())
    }


def test_whole_day_keeps_its_relations():
    relations = find_relations(_table(), _days(), NUMBERS, CATEGORIES)
    assert {rate for rate, _ in _rates(relations, _table(seed=9)).values()} == {0.0}


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("start", "start ≤ end"),
        ("total", "total = net + tax"),
        ("copy", "net = copy"),
        ("currency", "country determines currency"),
    ],
)
def test_shuffled_column_breaks_its_relation(column, words):
    relations = find_relations(_table(), _days(), NUMBERS, CATEGORIES)
    day = _table(seed=9)
    shuffled = np.random.default_rng(4).permutation(np.array(day.column(column).to_pylist()))
    rate, reason = _rates(relations, _set(day, column, shuffled))[column]
    assert rate > 0.1
    assert reason == words


def test_rows_without_a_value_break_nothing():
    relation = Relation(kind=RelationKind.ORDER, columns=("a", "b"))
    table = pa.table({"a": [1.0, None, 5.0, 2.0], "b": [2.0, 0.0, None, 1.0]})
    assert [(value.value, value.rows) for value in relation_metrics([relation], table)] == [(0.5, 2), (0.5, 2)]
    empty = pa.table({"a": pa.array([None], pa.float64()), "b": [1.0]})
    assert [(value.value, value.reason) for value in relation_metrics([relation], empty)] == [
        (None, "no row has both values")
    ] * 2


def test_value_that_the_reference_does_not_know_breaks_no_dependency():
    relation = Relation(kind=RelationKind.DEPENDENCY, columns=("a", "b"), values={"DE": "EUR"})
    table = pa.table({"a": ["DE", "DE", "XX", None], "b": ["EUR", "USD", "USD", "USD"]})
    assert [(value.value, value.rows) for value in relation_metrics([relation], table)] == [(0.5, 2), (0.5, 2)]


def test_relations_are_stored_as_they_are():
    relations = find_relations(_table(), _days(), NUMBERS, CATEGORIES)
    assert tuple(Relation.from_json(one.to_json()) for one in relations) == relations


def test_times_have_an_order():
    rng = np.random.default_rng(5)
    asked = rng.integers(0, 10**12, ROWS)
    answered = asked + rng.integers(0, 10**10, ROWS)
    table = pa.table(
        {"asked": pa.array(asked, pa.timestamp("us", "UTC")), "answered": pa.array(answered, pa.timestamp("us"))}
    )
    assert [one.words for one in find_relations(table, _days(), table.column_names, ())] == ["asked ≤ answered"]
