from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from airflow_mlmon.reports.evidently import DataDefinition, Dataset, Report
from airflow_mlmon.reports.evidently_pictures import ValueDrift, metrics

_IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|metric_[0-9a-f]{32}")

RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=900)
SIDES = {
    "normal": (NORMAL[:300], NORMAL[300:]),
    "shifted": (NORMAL[:300] + 3, NORMAL[300:]),
    "with-nulls": (np.where(NORMAL[:300] > 1, np.nan, NORMAL[:300]), NORMAL[300:]),
    "constant": ([1.0] * 300, [1.0] * 600),
    "of-few-rows": ([1.0, 2.0, np.nan], [3.0, 1.0, 2.0, 5.0]),
    "of-whole-numbers": (list(range(40)), list(range(60))),
    "of-categories": (["JFK", "LGA", None] * 100, ["JFK", "LGA", "EWR"] * 100),
}


def snapshot(metric, current, reference):
    is_number = not any(isinstance(value, str) for value in current)
    columns = {"numerical_columns": ["x"] if is_number else [], "categorical_columns": [] if is_number else ["x"]}
    definition = DataDefinition(**columns)
    sides = [
        Dataset.from_pandas(pd.DataFrame({"x": side}), data_definition=definition) for side in (current, reference)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Report([metric(column="x")], include_tests=True).run(*sides)


@pytest.mark.parametrize(("current", "reference"), SIDES.values(), ids=SIDES)
def test_page_and_data_are_those_of_evidently(current, reference):
    ours, theirs = (snapshot(metric, current, reference) for metric in (ValueDrift, metrics.ValueDrift))

    assert ours.dict() == theirs.dict()
    assert _IDS.sub("", ours.get_html_str(as_iframe=False)) == _IDS.sub("", theirs.get_html_str(as_iframe=False))


def test_metric_of_evidently_keeps_its_own_calculation():
    assert metrics.ValueDrift(column="x").to_calculation().__class__.__module__ == "evidently.metrics.column_statistics"
