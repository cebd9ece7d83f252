"""Outcome profiles of a day's rows in blocks are those of all rows at once, to the byte."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.profiles.engine.division import count_values
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.multiclass.description import Multiclass
from airflow_mlmon.tasks.parts import EXPECTED, LOSS, join_outcome_blocks, profile_outcome_parts
from airflow_mlmon.tasks.regression.description import Regression
from tests.support.labelled import CLASSES, random_classes, random_labels, random_numbers

ROWS = 900
# of the versions, no block has too many, and all together have; of the shops, no block has
SEGMENTS = (
    SegmentSchema(columns=("origin",), values=("EWR", "JFK")),
    SegmentSchema(columns=("version",), values=None),
    SegmentSchema(columns=("shop",), values=None),
)
DIVIDING = pa.table(
    {
        "origin": [("EWR", "JFK", "LGA", None)[row % 4] for row in range(ROWS)],
        "version": [str(row // 12) if row % 5 else None for row in range(ROWS)],
        "shop": [str(row // 400) for row in range(ROWS)],
    }
)


@pytest.mark.parametrize(
    ("task", "draw"),
    [
        (Binary(), random_labels),
        (Multiclass(CLASSES), random_classes),
        (Regression(levels=(0.1, 0.5, 0.9)), random_numbers),
    ],
)
@pytest.mark.parametrize("cuts", [(1, 450), (300, 300, 600)])
def test_blocks_join_to_the_whole(task, draw, cuts):
    joined = draw(ROWS, 1)
    schema = task.pin_outcomes({}, joined)
    random = np.random.default_rng(2)
    joined = joined.append_column(LOSS, pa.array(random.random(ROWS)))
    joined = joined.append_column(EXPECTED, pa.array(np.where(np.arange(ROWS) % 3, random.random(ROWS), np.nan)))
    whole = profile_outcome_parts(task, joined, DIVIDING, SEGMENTS, schema, exponent=-3)
    counted = [Counter(count_values(DIVIDING, segment)) for segment in SEGMENTS]

    blocks = [
        profile_outcome_parts(
            task, joined.slice(start, end - start), DIVIDING.slice(start, end - start), SEGMENTS, schema, exponent=-3
        )
        for start, end in pairwise((0, *cuts, ROWS))
    ]

    assert join_outcome_blocks(task, blocks, SEGMENTS, counted).to_bytes() == whole.to_bytes()
    assert {key.partition("=")[0] for key in whole.losses} >= {"origin", "shop"}
