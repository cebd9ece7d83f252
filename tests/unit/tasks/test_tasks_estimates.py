"""Estimates of all rows and of segments beside those of the reference, and their gap."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.spec.metrics import ESTIMATION_GAP
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import SCHEMA
from airflow_mlmon.tasks.estimates import estimate_parts, estimation_gaps, withhold_unknown, without_part
from airflow_mlmon.tasks.parts import OutcomeParts, measure_parts, profile_outcome_parts, sum_outcome_parts
from tests.support.labelled import random_labels

TASK = Binary()
VERSIONS = SegmentSchema(columns=("version",))


def parts_of(seed: int, *versions: str, rows: int = 2_000) -> OutcomeParts:
    table = pa.table({"version": [versions[row % len(versions)] for row in range(rows)]})
    return profile_outcome_parts(TASK, random_labels(rows, seed), table, [VERSIONS], SCHEMA)


REFERENCE = sum_outcome_parts(TASK, [parts_of(seed, "v1") for seed in range(5)])


def test_segment_that_the_reference_lacks_has_no_estimate():
    found = {(value.metric, value.segment): value for value in estimate_parts(TASK, parts_of(9, "v1", "v2"), REFERENCE)}

    assert found["estimated_accuracy", None].value is not None
    assert found["estimated_accuracy", "version=v1"].value is not None
    assert found["estimated_accuracy", "version=v2"].value is None
    assert found["estimated_accuracy", "version=v2"].reason == "the reference has no rows of this segment"


@pytest.mark.parametrize(
    ("versions", "is_withheld"), [(("v1",), False), (("v1", "v2"), True), (("v1",) * 99 + ("v2",), False)]
)
def test_versions_that_the_reference_lacks_withhold_verdicts_on_all_rows(versions, is_withheld):
    day = parts_of(9, *versions)
    found = withhold_unknown(estimate_parts(TASK, day, REFERENCE), day, REFERENCE, "version")

    assert {value.withheld for value in found if value.segment is None} == {
        "the reference has no rows of version=v2" if is_withheld else ""
    }
    assert {value.withheld for value in found if value.segment} == {""}


@pytest.mark.parametrize("column", [None, "channel"])
def test_without_versions_nothing_is_withheld(column):
    day = parts_of(9, "v2")
    values = estimate_parts(TASK, day, REFERENCE)

    assert withhold_unknown(values, day, REFERENCE, column) == values


def test_gap_is_that_of_the_first_metric_that_labels_have():
    day = parts_of(9, "v1")
    estimates, measured = estimate_parts(TASK, day, REFERENCE), measure_parts(TASK, day, 0.5)
    by_name = {value.metric: value.value for value in measured if value.segment is None}
    [gap, of_version] = estimation_gaps(estimates, measured, TASK)
    others = [value for value in estimates if value.metric != "estimated_accuracy"]
    [of_precision, _] = estimation_gaps(others, measured, TASK)

    assert (gap.metric, gap.segment, of_version.segment) == (ESTIMATION_GAP, None, "version=v1")
    assert gap.value == pytest.approx(by_name["accuracy"] - estimates[0].value)
    assert gap.low < gap.value < gap.high
    assert of_precision.value == pytest.approx(by_name["precision"] - estimates[1].value)


def test_without_labels_the_gap_says_why():
    day = parts_of(9, "v1")
    [gap, *_] = estimation_gaps(estimate_parts(TASK, day, REFERENCE), measure_parts(TASK, day, 1.0), TASK)

    assert gap.value is None
    assert "labels received, fewer than 100%" in gap.reason


def test_without_labels_in_the_reference_only_all_rows_say_why():
    found = estimate_parts(TASK, parts_of(9, "v1", "v2"), None)

    assert {value.segment for value in found} == {None}
    assert all(value.value is None and value.reason for value in found)


def test_part_is_taken_from_every_segment():
    one, other = parts_of(1, "v1"), parts_of(2, "v1", "v2")

    assert without_part(sum_outcome_parts(TASK, [one, other]), other).whole == one.whole
    assert without_part(sum_outcome_parts(TASK, [one, other]), other).parts["version=v1"] == one.parts["version=v1"]
