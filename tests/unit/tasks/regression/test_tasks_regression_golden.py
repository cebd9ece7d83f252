"""An outcome profile as the release that first had regressions has stored it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from airflow_mlmon.tasks.regression.description import Regression
from tests.support.labelled import random_numbers

STORED = Path(__file__).with_name("outcome_v1.bytes")
TASK = Regression(levels=(0.1, 0.5, 0.9))


def test_stored_outcomes_are_read_and_say_what_the_rows_do():
    rows = random_numbers(60, seed=12)
    frame = rows.to_pandas()
    held = frame[~frame["excluded"]].dropna(subset=["label", "prediction"])
    residual = held["prediction"] - held["label"]

    found = TASK.read_outcomes(STORED.read_bytes())

    values = {value.metric: value.value for value in TASK.measure(found, 0.0)}
    assert (found.rows, found.excluded) == (60, int(frame["excluded"].sum()))
    assert values["mean_error"] == pytest.approx(residual.mean(), rel=1e-6)
    assert values["rmse"] == pytest.approx(np.sqrt((residual**2).mean()), rel=1e-6)
    assert values["r2"] == pytest.approx(1 - (residual**2).mean() / held["label"].var(ddof=0), rel=1e-6)
    assert values["max_error"] == residual.abs().max()


def test_stored_outcomes_add_up_with_those_of_today():
    found = TASK.read_outcomes(STORED.read_bytes())
    today = TASK.profile_outcomes(random_numbers(500, seed=3), found.schema)

    assert (found + today).rows == 560
    assert (found + today - today).sums == found.sums
