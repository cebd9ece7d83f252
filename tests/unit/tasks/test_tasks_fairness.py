"""How far groups are apart: which pair counts, what is too small, and what a spec may say of it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.spec.disparities import DISPARITIES
from airflow_mlmon.tasks.fairness import label_disparities, output_disparities
from airflow_mlmon.tasks.parts import OutcomeParts
from airflow_mlmon.tasks.registry import TASKS, task_of
from tests.support.labelled import labelled_table

SPEC = """\
model: loans
start: 2026-03-01
predictions:
  path: s3://bucket/predictions/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    sex: {type: category}
    email: {type: string, personal: drop}
    approved: {type: boolean, role: prediction}
labels: {path: "s3://bucket/labels/dt={date}/", id: id, label: repaid, min_coverage: 0.5}
reference: {path: s3://bucket/reference/, label: repaid}
fairness: {columns: [sex]}
"""


def parts(**groups: tuple[int, int]) -> OutcomeParts:
    """Rows of groups that are all positive, so many of them predicted so, of so many."""
    task = TASKS["binary"]
    found = {}
    for name, (hits, rows) in groups.items():
        table = labelled_table(score=[None] * rows, prediction=[row < hits for row in range(rows)], label=[True] * rows)
        found[f"sex={name}"] = task.profile_outcomes(table, task.pin_outcomes({}, None))
    return OutcomeParts(whole=task.sum_outcomes(found.values()), parts=found)


def measured(text: str = SPEC, **groups: tuple[int, int]):
    spec = parse_spec(text, "loans.yaml")
    values = label_disparities(task_of(spec), spec, parts(**groups))
    return {value.metric: value for value in values}


def test_the_largest_difference_of_all_pairs_is_measured_as_fairlearn_does():
    found = measured(a=(50, 100), b=(80, 100), c=(30, 60))["equal_opportunity_difference"]

    assert found.value == pytest.approx(0.3)
    assert found.reason == "true positive rate 50.0 % of sex=a, 80.0 % of sex=b"
    assert found.low < 0.3 < found.high
    assert (found.column, found.rows) == ("sex", 100)


def test_with_a_reference_group_only_pairs_with_it_count():
    text = SPEC.replace("{columns: [sex]}", "{columns: [sex], reference_group: {sex: c}, names: {c: others}}")
    found = measured(text, a=(40, 100), b=(80, 100), c=(36, 60))["equal_opportunity_difference"]

    assert found.value == pytest.approx(0.2)
    assert "of sex=others" in found.reason


def test_a_group_of_three_rows_is_not_enough_data():
    alone = measured(a=(50, 100), b=(0, 3))["equal_opportunity_difference"]
    beside = measured(a=(50, 100), b=(0, 3), c=(60, 100))["equal_opportunity_difference"]

    assert (alone.value, alone.reason) == (None, "fewer than two groups of 30 rows: sex=a 100, sex=b 3")
    assert beside.value == pytest.approx(0.1)


def test_without_groups_or_labels_the_reason_is_given():
    spec = parse_spec(SPEC, "loans.yaml")
    task = task_of(spec)
    [none, *_] = label_disparities(task, spec, OutcomeParts(whole=parts(a=(1, 40)).whole, parts={}))
    table = labelled_table(score=[None] * 40, prediction=[True] * 40)
    unlabelled = task.profile_outcomes(table, task.pin_outcomes({}, None))
    few = label_disparities(task, spec, OutcomeParts(whole=unlabelled, parts={"sex=a": unlabelled}))

    assert (none.value, none.reason) == (None, "no value of sex is a group")
    assert {value.reason for value in few} == {"0 of 40 labels received, fewer than 50%"}


def test_where_no_group_is_selected_there_is_no_ratio():
    spec = parse_spec(SPEC, "loans.yaml")
    table = pa.table({"sex": ["a", "b"] * 40, "approved": [False] * 80})
    values = output_disparities(task_of(spec), spec, profile_table(table, pin_schema(spec, table)))
    found = {value.metric: value for value in values}

    assert found["demographic_parity_difference"].value == 0
    assert found["demographic_parity_ratio"].value is None
    assert found["demographic_parity_ratio"].reason == "no group is ever selected"


def test_false_positives_of_no_negative_are_no_rate():
    found = measured(a=(50, 100), b=(80, 100))["equalized_odds_difference"]

    assert found.value == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[sex]", "[sexx]", "'sexx' is unknown; did you mean sex?"),
        ("[sex]", "[email]", "'email' is dropped as personal; use `personal: hash`"),
        ("[sex]", "[at]", "a segment must be a category, string, boolean or integer column"),
        ("[sex]", "[sex, sex]", "the same column is listed twice"),
        ("[sex]}", "[sex], reference_group: {age: old}}", "'age' is unknown"),
        ("[sex]}", "[sex], minimum: 1}", "greater than or equal to 2"),
    ],
)
def test_a_mistake_in_the_section_is_named(old, new, message):
    with pytest.raises(ConfigError, match="fairness") as caught:
        parse_spec(SPEC.replace(old, new), "loans.yaml")
    assert message in str(caught.value)


def test_protected_columns_divide_the_rows_once():
    assert parse_spec(SPEC, "loans.yaml").divisions == (("sex",),)
    assert parse_spec(f"{SPEC}segments: [sex]\n", "loans.yaml").divisions == (("sex",),)


def test_each_kind_compares_by_measures_that_are_known():
    for task in TASKS.values():
        assert set(task.disparities) <= set(DISPARITIES)
        assert bool(task.disparities) is ("fairness" in task.keys)
