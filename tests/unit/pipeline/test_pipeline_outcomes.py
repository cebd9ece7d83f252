"""The label's distance, by the method of the spec or the one that stands in for it."""

from __future__ import annotations

import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.workspace.outcomes import compare_label
from airflow_mlmon.tasks.binary.description import Binary
from airflow_mlmon.tasks.binary.outcome import profile_outcomes
from tests.support.archive import Archive
from tests.support.labelled import labelled_table


def outcomes(negative: int, positive: int):
    labels = [False] * negative + [True] * positive
    return profile_outcomes(labelled_table(score=[0.5] * len(labels), prediction=labels, label=labels))


def found(method: str):
    text = Archive("archive", None).spec_text(("alerts:", f"drift: {{method: {method}}}\nalerts:"))
    reference = Binary().sum_outcomes(outcomes(60 + day, 40) for day in range(1, 9))
    return compare_label(parse_spec(text, "loans.yaml"), reference, outcomes(20, 80))


def test_label_is_measured_by_the_method_of_the_spec():
    assert (found("psi").method, found("psi").note, found("psi").column) == ("psi", "", "repaid")
    assert found("psi").score > 0.5
    assert (found("psi").rows_reference, found("psi").rows_current) == (836, 100)


@pytest.mark.parametrize("method", ["anderson", "fisher_exact"])
def test_label_has_another_method_where_the_spec_asks_for_rows(method):
    drift = found(method)

    assert drift.method == "jensenshannon"
    assert drift.score > 0.2
    assert drift.note == f"by jensenshannon, because {method} needs rows and labels are stored as counts"
