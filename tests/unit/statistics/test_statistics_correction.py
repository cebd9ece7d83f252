"""How often looking again and again at what comes in parts finds something where nothing is."""

from __future__ import annotations

import numpy as np
from scipy import special

from airflow_mlmon.statistics.correction import compute_look_rate

RATE = 0.05
LOOKS = 10


def test_many_looks_at_parts_of_the_rows_find_hardly_more_than_one_at_all():
    random = np.random.default_rng(1)
    parts = random.normal(size=(20_000, LOOKS))
    shares = np.arange(1, LOOKS + 1) / LOOKS
    z = parts.cumsum(axis=1) / np.sqrt(np.arange(1, LOOKS + 1))
    p_values = 2 * special.ndtr(-np.abs(z))

    found = (p_values <= [compute_look_rate(RATE, share) for share in shares]).any(axis=1).mean()
    assert RATE < found < 1.6 * RATE
    # each at the full rate, one day in five
    assert (p_values <= RATE).any(axis=1).mean() > 3.5 * RATE
