"""Rows by their group: no group is cut, no row is lost, and their order stays."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.pipeline.workspace.whole_groups import divide_by_group

ROWS, GROUPS, BATCH = 3_000, 400, 250


@pytest.mark.parametrize("kind", [pa.string(), pa.int64()])
def test_each_group_is_in_one_part_with_its_rows_in_their_order(kind):
    random = np.random.default_rng(1)
    groups = pa.array(random.integers(0, GROUPS, ROWS), mask=random.random(ROWS) < 0.05).cast(kind)
    table = pa.table({"group": groups, "row": range(ROWS)})
    batches = (table.slice(start, BATCH) for start in range(0, ROWS, BATCH))

    parts = [part.to_pydict() for part in divide_by_group(batches, "group", 5)]

    assert len(parts) == 5
    assert all(part["row"] == sorted(part["row"]) for part in parts)
    assert sorted(row for part in parts for row in part["row"]) == list(range(ROWS))
    assert all(groups[row].as_py() == group for part in parts for group, row in zip(*part.values(), strict=True))
    held = Counter(group for part in parts for group in set(part["group"]) if group is not None)
    assert set(held.values()) == {1}
    assert max(len(part["row"]) for part in parts) < ROWS / 2


def test_parts_without_rows_are_left_out():
    tables = [pa.table({"group": ["a", "a"]}), pa.table({"group": ["a"]})]

    [part] = divide_by_group(tables, "group", 7)

    assert part.column("group").to_pylist() == ["a"] * 3
