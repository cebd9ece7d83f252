from __future__ import annotations

from airflow_mlmon.evaluation.incidents import group_breaches
from airflow_mlmon.records import Verdict
from tests.support.published import verdict


def empty(column: str, value: float) -> Verdict:
    return verdict("null_rate", column=column, value=value, effect=0.3, p_value=1e-9)


def test_columns_that_are_empty_on_as_many_rows_are_one_incident():
    breaches = [empty("temp", 0.07), empty("income", 0.3), empty("wind", 0.07)]

    incidents = group_breaches(breaches, {}, {}, [])

    assert sorted([breach.column for breach in incident.breaches] for incident in incidents) == [
        ["income"],
        ["temp", "wind"],
    ]
