"""Fisher's exact test, exact in tails as far as a correction over many tests asks for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from airflow_mlmon.statistics.hypergeometric import exact_p_value

SIZES = st.integers(0, 400)


@given(data=st.data(), rows=SIZES, others=SIZES)
def test_exact_p_value_is_twice_the_smaller_tail(data, rows, others):
    hits, others_hits = data.draw(st.integers(0, rows)), data.draw(st.integers(0, others))
    law = hypergeom(rows + others, hits + others_hits, rows)
    lower, upper = law.cdf(hits), law.sf(hits - 1)
    expected = min(1.0, 2 * min(lower, upper))

    assert exact_p_value(hits, rows, others_hits, others) == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_exact_p_value_keeps_its_level_far_in_the_tail():
    """A slice of 30 rows beside many: an ordinary test of shares passes one in a thousand three times too often."""
    random = np.random.default_rng(1)
    hits = random.binomial(30, 0.95, 20_000).tolist()
    p_values = {own: exact_p_value(own, 30, 9_500, 10_000) for own in set(hits)}

    assert np.mean([p_values[own] <= 0.001 for own in hits]) <= 0.001
