"""Ranked groups joined with labels, as the performance of a ranking is measured on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def random_groups(rows: int, seed: int, *, size: int = 20) -> pa.Table:
    """Groups of about as many rows, scored with some skill; labels missing here and there, some rows excluded."""
    random = np.random.default_rng(seed)
    group = np.sort(random.integers(0, max(rows // size, 1), rows))
    score = random.normal(size=rows).round(2)
    grade = np.clip(np.floor(score + random.normal(size=rows)), 0, 3)
    return pa.table(
        {
            "score": pa.array(score, mask=random.random(rows) < 0.02),
            "rank": pa.nulls(rows, pa.int64()),
            "group": pa.array([f"q{seed}-{number}" for number in group], pa.string()),
            "item": pa.array([f"i{number}" for number in random.integers(0, 50, rows)], pa.string()),
            "label": pa.array(grade, pa.float64(), mask=random.random(rows) < 0.05),
            "excluded": pa.array(random.random(rows) < 0.05),
        }
    )
