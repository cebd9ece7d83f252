"""The limits of a window come from windows of the reference, each scored against the others."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.drift.methods import score
from airflow_mlmon.drift.windows import window_limits, windows_of
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_layout
from airflow_mlmon.profiles.profile import sum_profiles
from tests.support.profiles import loan_spec, loan_table

TABLES = [loan_table(300, seed, shift=50.0 * (seed % 7)) for seed in range(20)]
LAYOUT = pin_layout(loan_spec(), pa.concat_tables(TABLES))
NIGHTS = [profile_table(table, LAYOUT) for table in TABLES]


def test_each_window_is_scored_against_all_other_nights():
    limit = window_limits(LAYOUT, NIGHTS, "ks", 0.9, 5)["amount"]

    scores = []
    for start in range(16):
        inside = sum_profiles(LAYOUT, NIGHTS[start : start + 5])
        outside = sum_profiles(LAYOUT, NIGHTS[:start] + NIGHTS[start + 5 :])
        scores.append(score("ks", outside.columns["amount"], inside.columns["amount"]))
    assert (limit.limit, limit.nights) == (pytest.approx(np.quantile(scores, 0.9)), 16)


def test_a_longer_window_has_a_narrower_limit():
    nights = [profile_table(loan_table(300, seed), LAYOUT) for seed in range(20)]

    assert window_limits(LAYOUT, nights, "psi", 0.95, 7)["amount"].limit < 0.5 * (
        window_limits(LAYOUT, nights, "psi", 0.95, 1)["amount"].limit
    )


def test_a_reference_without_two_windows_apart_gives_no_limit():
    assert windows_of(len(NIGHTS), 11) == 0
    assert window_limits(LAYOUT, NIGHTS, "psi", 0.95, 11) == {}


def test_each_column_has_the_limit_of_its_own_method():
    methods = {"amount": "ks", "score": "anderson"}
    mixed = window_limits(LAYOUT, NIGHTS, "psi", 0.95, 5, methods=methods)

    psi, ks = (window_limits(LAYOUT, NIGHTS, method, 0.95, 5) for method in ("psi", "ks"))
    assert mixed == {name: limit for name, limit in psi.items() if name != "score"} | {"amount": ks["amount"]}
