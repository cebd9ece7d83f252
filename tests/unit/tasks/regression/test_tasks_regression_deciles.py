"""Residuals by decile of the prediction, as a table with a picture."""

from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.tasks.regression.description import Regression
from airflow_mlmon.tasks.regression.outcome import unit_of_deciles
from tests.support.labelled import random_numbers

TASK = Regression(levels=(0.1, 0.5, 0.9))
SCHEMA = TASK.pin_outcomes({}, random_numbers(2_000, 1))


def test_deciles_of_the_reference_divide_the_residuals():
    rows = random_numbers(5_000, 2)
    frame = rows.to_pandas()
    frame = frame[~frame["excluded"]].dropna(subset=["label", "prediction"])
    places = np.searchsorted(SCHEMA.edges, frame["prediction"], side="right")
    expected = (frame["prediction"] - frame["label"]).groupby(places).agg(["size", "mean", "sem"])

    [table] = TASK.tables(TASK.profile_outcomes(rows, SCHEMA), TASK.profile_outcomes(random_numbers(2_000, 1), SCHEMA))

    assert [row[1] for row in table.rows] == expected["size"].tolist()
    assert [row[2] for row in table.rows] == pytest.approx(expected["mean"].tolist(), abs=unit_of_deciles(SCHEMA) / 2)
    widths = [(row[4] - row[3]) / 2 / 1.959964 for row in table.rows]
    assert widths == pytest.approx(expected["sem"].tolist(), rel=1e-5)
    assert table.rows[0][0].startswith("below ")
    assert all(row[5] is not None for row in table.rows)
    assert [point.value for point in table.points] == [row[2] for row in table.rows]


def test_decile_without_rows_has_a_count_and_no_mean():
    rows = random_numbers(400, 2)
    low = rows.filter(rows.column("prediction").to_numpy(zero_copy_only=False) < SCHEMA.edges[1])

    [table] = TASK.tables(TASK.profile_outcomes(low, SCHEMA), None)

    assert table.rows[-1][1:] == (0, None, None, None, None)
    assert table.rows[0][1] > 0


def test_profile_without_errors_has_no_table():
    assert TASK.tables(TASK.empty_outcomes(), None) == ()
    assert TASK.tables(TASK.profile_outcomes(random_numbers(0, 1), SCHEMA), None) == ()
