from __future__ import annotations

import numpy as np
import pytest

from airflow_mlmon.drift.limits import Limit
from airflow_mlmon.drift.methods import method_for, score
from airflow_mlmon.drift.windows import window_limits
from airflow_mlmon.errors import LayoutMismatchError
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_layout
from airflow_mlmon.profiles.profile import Profile, sum_profiles
from tests.support.profiles import loan_spec, loan_table, make_layout, numeric_layout

LAYOUT = pin_layout(loan_spec(), loan_table(3000, seed=1))
NIGHTS = [profile_table(loan_table(400, seed=seed, shift=100.0 * seed), LAYOUT) for seed in range(8)]


@pytest.mark.parametrize("method", ["psi", "jensenshannon", "wasserstein", "ks"])
def test_limit_is_the_quantile_of_each_night_against_the_others(method):
    limits = window_limits(LAYOUT, NIGHTS, method, 0.9)

    expected = {}
    for column in LAYOUT.columns:
        scores = []
        for at, night in enumerate(NIGHTS):
            others = sum_profiles(LAYOUT, NIGHTS[:at] + NIGHTS[at + 1 :])
            chosen = method_for(column.kind, method)
            scores.append(score(chosen, others.columns[column.name], night.columns[column.name]))
        expected[column.name] = Limit(limit=float(np.quantile(scores, 0.9)), nights=8, quantile=0.9)
    assert limits == expected


def test_night_with_too_few_rows_does_not_count():
    short = profile_table(loan_table(20, seed=9), LAYOUT)

    assert window_limits(LAYOUT, [*NIGHTS, short], "psi", 0.9)["term"].nights == 8


@pytest.mark.parametrize("nights", [[], NIGHTS[:1]], ids=["none", "one"])
def test_fewer_than_two_nights_give_no_limit(nights):
    assert window_limits(LAYOUT, nights, "psi", 0.9) == {}


def test_night_of_another_layout_is_refused():
    with pytest.raises(LayoutMismatchError, match=LAYOUT.id):
        window_limits(LAYOUT, [Profile.empty(make_layout(numeric_layout()))], "psi", 0.9)
