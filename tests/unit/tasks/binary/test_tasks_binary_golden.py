"""Outcome profiles that the first release has stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import LABEL, SCHEMA
from airflow_mlmon.tasks.parts import profile_outcome_parts, read_outcome_parts
from tests.support.labelled import random_labels

STORED = Path(__file__).with_name("outcome_v1.bytes")
ORIGINS = SegmentSchema(columns=("origin",), values=("EWR", "JFK"))


def test_stored_outcomes_of_version_1_are_those_of_the_same_rows():
    rows = pa.table({"origin": ["EWR", "JFK", "LGA", "EWR", None, "JFK"] * 10})
    found = read_outcome_parts(Binary(), STORED.read_bytes())

    made = profile_outcome_parts(Binary(), random_labels(60, seed=12), rows, [ORIGINS], SCHEMA)
    # rows without labels had no cells then
    assert found.whole == replace(made.whole, scores=None)
    assert found.parts == {name: replace(part, scores=None) for name, part in made.parts.items()}
    assert {name: (part.rows, part.labelled, part.positive) for name, part in found.parts.items()} == {
        "origin=EWR": (20, 17, 6),
        "origin=JFK": (20, 19, 3),
        "origin (other)": (20, 18, 5),
    }


def test_label_of_stored_outcomes_is_profiled_as_any_column():
    found = read_outcome_parts(Binary(), STORED.read_bytes()).whole
    labels = pa.table({"label": [False] * (found.labelled - found.positive) + [True] * found.positive})
    column = profile_table(labels, ProfileSchema(model="", columns=(LABEL,))).columns["label"]

    assert found.label == column
    assert column.observed == found.labelled == 54
