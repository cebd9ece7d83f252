"""P-values of the difference of a metric, exact where the metric is a share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from airflow_mlmon.performance.contrast import SliceMetric, contrast, exact_p_value, without
from airflow_mlmon.performance.labelled import LabelledProfile, profile_labels, sum_labelled
from tests.support.labelled import labelled_table, random_labels

SIZES = st.integers(0, 400)


@given(data=st.data(), rows=SIZES, others=SIZES)
def test_exact_p_value_is_twice_the_smaller_tail(data, rows, others):
    hits, others_hits = data.draw(st.integers(0, rows)), data.draw(st.integers(0, others))
    law = hypergeom(rows + others, hits + others_hits, rows)
    lower, upper = law.cdf(hits), law.sf(hits - 1)
    expected = min(1.0, 2 * min(lower, upper))

    assert exact_p_value(hits, rows, others_hits, others) == pytest.approx(expected, rel=1e-8, abs=1e-14)


def test_exact_p_value_keeps_its_level_far_in_the_tail():
    """A slice of 30 rows beside many: an ordinary test of shares passes one in a thousand three times too often."""
    random = np.random.default_rng(1)
    hits = random.binomial(30, 0.95, 20_000).tolist()
    p_values = {own: exact_p_value(own, 30, 9_500, 10_000) for own in set(hits)}

    assert np.mean([p_values[own] <= 0.001 for own in hits]) <= 0.001


def test_without_takes_a_part_from_its_whole():
    parts = [profile_labels(random_labels(rows, rows)) for rows in (50, 80, 200)]

    assert without(sum_labelled(parts), parts[1]) == sum_labelled([parts[0], parts[2]])
    assert without(parts[0], parts[0]) == LabelledProfile.empty()


def rows_of(rows: int, right: int) -> LabelledProfile:
    """Rows of both classes, of which so many are predicted right."""
    label = [row % 2 == 0 for row in range(rows)]
    prediction = [value == (row < right) for row, value in enumerate(label)]
    score = [0.9 if value else 0.2 for value in prediction]
    return profile_labels(labelled_table(score=score, prediction=prediction, label=label))


def test_contrast_of_accuracy():
    found = contrast(SliceMetric.ACCURACY, rows_of(100, 70), rows_of(1_000, 900), min_share=0.5, minimum_rows=30)

    assert (found.own, found.other) == (0.7, 0.9)
    assert found.difference == pytest.approx(-0.2)
    assert found.low < -0.2 < found.high < 0
    assert found.p_value == exact_p_value(70, 100, 900, 1_000)


def test_an_area_of_one_is_no_proof_by_itself():
    """Its own variance is none; that of both together is not."""
    found = contrast(SliceMetric.ROC_AUC, rows_of(60, 60), rows_of(1_000, 995), min_share=0.5, minimum_rows=30)

    assert found.own == 1.0
    assert found.p_value > 0.1


@pytest.mark.parametrize(
    ("metric", "rows", "note"),
    [
        pytest.param(
            SliceMetric.ACCURACY, 29, "the slice has 29 rows to measure accuracy on, fewer than 30", id="rows"
        ),
        pytest.param(SliceMetric.RECALL, 40, "the slice has 20 rows to measure recall on, fewer than 30", id="class"),
        pytest.param(SliceMetric.ROC_AUC, 38, "a side has 19 labels of a class, fewer than 20", id="auc"),
    ],
)
def test_too_few_rows_are_not_tested(metric, rows, note):
    found = contrast(metric, rows_of(rows, rows - 5), rows_of(1_000, 900), min_share=0.5, minimum_rows=30)

    assert (found.p_value, found.note) == (None, note)
    assert found.own is not None


def test_labels_that_have_not_come_are_waited_for():
    labelled = labelled_table(score=[0.5] * 100, prediction=[True] * 100, label=[True] * 40 + [None] * 60)
    found = contrast(SliceMetric.ACCURACY, profile_labels(labelled), rows_of(100, 50), min_share=0.5, minimum_rows=30)

    assert (found.own, found.low, found.p_value) == (None, None, None)
    assert found.note == "the slice: 40 of 100 labels have come, fewer than 50%"
