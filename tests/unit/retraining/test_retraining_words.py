"""What a person is asked about a retraining, and what is noted of its end."""

from __future__ import annotations

from typing import Any

import pytest

from include.retraining.words import canary_question, offline_question, refusal, summary

HOSTILE = "drift of <img src=x>|[a](javascript:b)\n# above"
VERDICT = {"partition": "2013-03-03", "alerts": [{"title": HOSTILE}]}
AREA = {"metric": "roc_auc", "old": 0.55, "new": 0.63, "low": 0.03, "high": 0.13}
TRAINED = {
    "rows": 1698,
    "days": ["2013-03-01", "2013-03-02"],
    "held_out": {"rows": 907, "days": ["2013-03-03"], "metrics": [AREA]},
}
COMPARISON = {
    "outcome": "worse",
    "champion": "1",
    "version": "2",
    "metric": "roc_auc",
    "days": ["2013-03-04", "2013-03-05"],
    "rows": [1200, 400],
    "metrics": [AREA, {"metric": "ks", "old": 0.1, "new": 0.2, "low": None, "high": None}],
}
APPROVED = {"chosen_options": ["Approve"], "responded_by_user": {"name": "ada"}}
REJECTED = {"chosen_options": ["Reject"], "responded_by_user": {"name": "ben"}}
NO_ANSWER = {"chosen_options": ["Reject"], "responded_by_user": None}


def test_question_has_the_metrics_and_no_markup_of_the_data():
    asked = offline_question(VERDICT, TRAINED, 0.2)

    assert r"2013\-03\-03: drift of \<img src=x\>\|\[a\]\(javascript:b\) \# above." in asked
    assert "| roc\\_auc | 0.5500 | 0.6300 | +0.0800 (+0.0300 to +0.1300) |" in asked
    assert asked.endswith("Approve to give it 20% of the traffic.")


def test_question_after_the_canary_shows_the_metrics_with_an_interval():
    asked = canary_question(COMPARISON)

    assert asked.startswith("Version 2 beside version 1 on 2013-03-04 to 2013-03-05: 400 and 1,200 rows.")
    assert "| ks |" not in asked


def test_question_without_labels_says_so():
    nothing = {"champion": None, "days": [], "rows": [0, 0], "metrics": [], "outcome": "undecided"}

    assert canary_question(COMPARISON | nothing).startswith("Version 2 was not compared: too few labels on no day.")


@pytest.mark.parametrize(
    ("answers", "comparison", "expected"),
    [
        pytest.param([REJECTED, None], None, ("ben", "rejected before the canary"), id="before"),
        pytest.param([APPROVED, REJECTED], COMPARISON, ("ben", "rejected after the canary"), id="after"),
        pytest.param([NO_ANSWER, None], None, ("the default answer", "rejected before the canary"), id="silence"),
        pytest.param([APPROVED, None], COMPARISON, ("the rule", summary(COMPARISON)), id="rule"),
    ],
)
def test_refusal_names_who_or_what_refused(answers: list[Any], comparison: Any, expected: tuple[str, str]):
    assert refusal(answers, comparison) == expected


def test_summary_has_the_deciding_metric_and_its_interval():
    assert summary(COMPARISON) == "roc_auc 0.5500 to 0.6300, +0.0800 (+0.0300 to +0.1300), on 2013-03-04 to 2013-03-05"
    assert summary(COMPARISON | {"metrics": [], "days": []}) == "too few labels on no day"
