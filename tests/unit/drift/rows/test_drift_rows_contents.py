"""Contents of rows: repeated within a day, and from an earlier day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.rows.contents import LOWEST, Contents, collect_contents, hash_column, pin_content_columns

NAMES = ("amount", "country", "count")
FIRST, SECOND = date(2026, 3, 1), date(2026, 3, 2)


def _table(seed, rows=2_000):
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "amount": rng.lognormal(size=rows),
            "country": rng.choice(["DE", "FR", "IT"], rows),
            "count": rng.integers(0, 5, rows),
        }
    )


def _contents(table, size=500):
    return collect_contents(_cut(table, size), NAMES)


def _cut(table, size):
    return [pa.Table.from_batches([batch]) for batch in table.to_batches(size)]


def test_rows_that_differ_are_not_repeated():
    found = _contents(_table(0)).repeated()
    assert (found.value, found.rows) == (0.0, 2_000)


def test_fan_out_is_a_repetition():
    table = _table(0)
    twice = pa.concat_tables([table, table.slice(0, 1_000)])
    assert _contents(twice).repeated().value == pytest.approx(1 / 3)


def test_batches_and_order_make_no_difference():
    table = pa.concat_tables([_table(0), _table(1).slice(0, 77), _table(1)])
    shuffled = table.take(pa.array(np.random.default_rng(2).permutation(table.num_rows)))
    assert _contents(table, 101) == _contents(table, 10_000) == _contents(shuffled, 500)


def test_large_day_is_counted_by_a_sample_of_its_contents():
    rows = 400_000
    values = np.random.default_rng(3).normal(size=rows)
    values[: rows // 4] = values[rows // 4 : rows // 2]
    found = collect_contents(_cut(pa.table({"a": values}), 50_000), ["a"])
    assert found.distinct <= 1 << 16
    assert found.repeated().value == pytest.approx(0.25, abs=0.01)
    assert len(found.lowest) == LOWEST


def test_large_day_of_one_content_is_repeated():
    found = collect_contents(_cut(pa.table({"a": np.ones(300_000)}), 50_000), ["a"])
    assert (found.rows, found.distinct) == (300_000, 1)
    assert found.repeated().value == pytest.approx(1, abs=1e-5)


def test_replay_names_its_day():
    days = {FIRST: _contents(_table(0)), SECOND: _contents(_table(1))}
    found = _contents(_table(0)).replayed(days)
    assert (found.value, found.reason) == (1.0, "most on 2026-03-01")
    half = pa.concat_tables([_table(1).slice(0, 1_000), _table(2).slice(0, 1_000)])
    found = _contents(half).replayed(days)
    assert found.value == pytest.approx(0.5, abs=0.05)
    assert found.reason == "most on 2026-03-02"
    assert _contents(_table(3)).replayed(days).value == 0


def test_part_of_a_larger_day_is_a_replay():
    larger = _table(0, 20_000)
    found = _contents(larger.slice(3_000, 2_500)).replayed({FIRST: _contents(larger)})
    assert found.value == 1
    assert found.rows >= 100


def test_day_without_a_comparable_one_has_no_share():
    assert _contents(_table(0)).replayed({}).value is None
    assert _contents(_table(0).slice(0, 0)).replayed({FIRST: _contents(_table(0))}).value is None
    assert _contents(_table(0).slice(0, 0)).repeated().value is None


def test_contents_are_stored_as_they_are():
    found = _contents(_table(0))
    assert Contents.from_bytes(found.to_bytes()) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1, 2, None]), pa.array([1.0, 2.0, None])),
        (pa.array([0.0, np.nan]), pa.array([-0.0, -np.nan])),
        (pa.array([Decimal("1.5"), None]), pa.array([1.5, None])),
        (pa.array(["a", None, "b"]), pa.array(["a", None, "b"]).dictionary_encode()),
        (pa.array(["a", "b"]), pa.array(["a", "b"], pa.large_string())),
        (pa.array([True, False]), pa.array([1, 0])),
    ],
)
def test_equal_values_have_one_hash(one, other):
    assert hash_column(one).tolist() == hash_column(pa.chunked_array([other])).tolist()


def test_columns_that_tell_rows_apart_are_pinned_first():
    table = _table(0).append_column("one", pa.array(np.ones(2_000)))
    assert pin_content_columns(table, ["one", "country", "count", "amount"], 2_000)[0] == "amount"
    few = table.select(["country", "count"])
    # 15 contents of 2,000 rows
    assert pin_content_columns(few, ["country", "count"], 2_000) == ()


def test_large_days_have_fewer_columns():
    table = pa.table({f"x{at}": np.random.default_rng(at).integers(0, 9, 2_000) for at in range(20)})
    assert len(pin_content_columns(table, table.column_names, 2_000)) > 4
    assert len(pin_content_columns(table, table.column_names, 1_000_000)) == 4


def test_two_columns_are_enough_where_all_rows_of_large_days_differ():
    table = pa.table({f"x{at}": np.random.default_rng(at).normal(size=2_000) for at in range(5)})
    assert pin_content_columns(table, table.column_names, 1_000_000) == ("x0", "x1")
