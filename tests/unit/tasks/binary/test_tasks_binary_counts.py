"""An outcome profile of what was counted elsewhere is that of the rows, but for the losses."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from airflow_mlmon.profiles.columns.grid import to_cells
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import profile_outcomes
from airflow_mlmon.tasks.counting import CountedCell, CountedRows
from tests.support.labelled import labelled_table, random_labels


def counted(table):
    """The rows that are alike and the cells of their scores, as `Binary.counting` says."""
    counting, alike, cells = Binary.counting, Counter(), Counter()
    low, high = counting.bounds
    for row in table.to_pylist():
        label = None if row["excluded"] or row["label"] is None else int(row["label"])
        prediction = None if row["prediction"] is None else int(row["prediction"])
        score = row[counting.number]
        is_within = None if score is None else low <= score <= high
        alike[row["excluded"], label, prediction, is_within] += 1
        if label is not None and score is not None:
            is_mirrored = score >= counting.mirrored_from
            cell = int(to_cells(np.array([1 - score if is_mirrored else score]))[0])
            cells[label, cell, is_mirrored] += 1
    rows = [
        CountedRows(
            rows=n, is_excluded=excluded, classes={"label": label, "prediction": prediction}, is_within=is_within
        )
        for (excluded, label, prediction, is_within), n in alike.items()
    ]
    return rows, [
        CountedCell(rows=n, of=label, cell=cell, is_mirrored=mirrored) for (label, cell, mirrored), n in cells.items()
    ]


def test_counts_give_the_profile_of_the_rows_without_their_losses():
    table = random_labels(3_000, seed=4)

    profile = profile_outcomes(table)
    assert Binary().outcomes_of_counts(*counted(table)) == replace(profile, log_loss=0, brier=0, scores=None)


def test_scores_that_are_no_probabilities_are_counted():
    table = labelled_table(score=[-3.0, 2.5, 0.5, None], prediction=[True] * 4, label=[True, False, None, True])

    found = Binary().outcomes_of_counts(*counted(table))
    assert (found.improbable, found.scored, found.labelled) == (2, 2, 3)


def test_nothing_counted_is_the_profile_of_no_rows():
    assert Binary().outcomes_of_counts([], []) == Binary().empty_outcomes()
