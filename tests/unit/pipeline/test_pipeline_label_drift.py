"""The label's distance, by the method of the spec or the one that stands in for it."""

from __future__ import annotations

import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.workspace.label_drift import LabelCounts, compare_labels
from tests.support.archive import Archive

NIGHTS = [LabelCounts(60 + day, 40) for day in range(1, 9)]


def found(method: str):
    text = Archive("archive", None).spec_text(("alerts:", f"drift: {{method: {method}}}\nalerts:"))
    return compare_labels(parse_spec(text, "loans.yaml"), NIGHTS, LabelCounts(20, 80)).drift


def test_label_is_measured_by_the_method_of_the_spec():
    assert (found("psi").method, found("psi").note) == ("psi", "")
    assert found("psi").score > 0.5


@pytest.mark.parametrize("method", ["anderson", "fisher_exact"])
def test_label_has_another_method_where_the_spec_asks_for_rows(method):
    drift = found(method)

    assert drift.method == "jensenshannon"
    assert drift.score > 0.2
    assert drift.note == f"by jensenshannon, because {method} needs rows and labels are stored as counts"
