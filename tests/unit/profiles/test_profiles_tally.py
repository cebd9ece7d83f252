from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from airflow_mlmon.profiles.columns.tally import Tally


@pytest.mark.parametrize("dtype", [np.int32, np.float64])
@pytest.mark.parametrize("reach", [5, 300, 2**30])
@pytest.mark.parametrize("parts", [1, 2, 40])
def test_total_counts_every_key_of_every_part(dtype, reach, parts):
    random = np.random.default_rng(7)
    drawn = [random.integers(-reach, reach, 200).astype(dtype) for _ in range(parts)]

    total = Tally.total([Tally.of(keys) for keys in drawn])

    expected = Counter(np.concatenate(drawn).tolist())
    assert dict(zip(total.keys.tolist(), total.counts.tolist(), strict=True)) == expected
    assert total.keys.tolist() == sorted(expected)
    assert total.keys.dtype == dtype


def test_total_of_far_apart_counts_is_exact():
    large = Tally.of_counts(np.array([-3, 4], dtype=np.int32), np.array([2**60, 1]))

    assert Tally.total([large, large, large]).counts.tolist() == [3 * 2**60, 3]
