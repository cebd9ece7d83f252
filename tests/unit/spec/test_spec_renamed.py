"""Old spellings are read for one release, with a warning that names file, line and new name."""

from __future__ import annotations

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec

SPEC = """\
model: loans
start: 2026-03-01
predictions:
  path: preds/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    amount: {type: float}
    score: {type: float, role: score}
reference: {path: reference}
labels: {path: "labels/dt={date}/", id: id, label: repaid, LABELS}
history: {HISTORY: 20}
alerts:
  ALERTS: {rate: 0.02}
  rules:
    - {metric: METRIC, max: 0.1}
"""
OLD = {
    "LABELS": "void: [cancelled], min_share: 0.5",
    "HISTORY": "nights",
    "ALERTS": "judgement",
    "METRIC": "null_share",
}
NEW = {
    "LABELS": "excluded: [cancelled], min_coverage: 0.5",
    "HISTORY": "days",
    "ALERTS": "evaluation",
    "METRIC": "null_rate",
}


def written(words: dict[str, str]) -> str:
    text = SPEC
    for place, word in words.items():
        text = text.replace(place, word)
    return text


def test_old_spellings_mean_what_the_new_ones_do():
    assert parse_spec(written(OLD), "loans.yaml") == parse_spec(written(NEW), "loans.yaml")


def test_each_old_spelling_is_named_with_its_line_and_its_new_name(caplog):
    parse_spec(written(OLD), "loans.yaml")

    assert caplog.messages == [
        "loans.yaml:14: alerts.judgement: is an old spelling, which the next release refuses; write evaluation",
        "loans.yaml:12: history.nights: is an old spelling, which the next release refuses; write days",
        "loans.yaml:11: labels.void: is an old spelling, which the next release refuses; write excluded",
        "loans.yaml:11: labels.min_share: is an old spelling, which the next release refuses; write min_coverage",
        "loans.yaml:16: alerts.rules.0.metric: is an old spelling, which the next release refuses; write null_rate",
    ]


def test_an_old_spelling_beside_its_new_one_is_refused():
    text = written(NEW).replace("history: {days: 20}", "history: {days: 20, nights: 20}")

    with pytest.raises(ConfigError, match=r"loans.yaml:12: history.nights: unknown key"):
        parse_spec(text, "loans.yaml")
