"""Confusion matrix of a classifier as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from airflow_mlmon.statistics.arrays import Counts
from airflow_mlmon.tasks.outcome_table import OutcomeTable

NOTE = "Labels by row, predictions by column; shaded by the share of the label's rows."


def table_confusion(classes: Sequence[str], counts: Counts, note: str = NOTE) -> OutcomeTable:
    """Show how many rows of each label are predicted as each class."""
    shades = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return OutcomeTable(
        title="Confusion matrix",
        columns=("Label", *(f"Predicted {name}" for name in classes)),
        rows=tuple((name, *row) for name, row in zip(classes, counts.tolist(), strict=True)),
        note=note,
        shades=tuple(tuple(row) for row in shades.tolist()),
    )
