"""Keys that coarsen a column are checked at their line."""

from __future__ import annotations

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec

SPEC = """
model: m
start: 2026-03-01
predictions:
  path: s3://bucket/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    amount: {{type: float}}
    x: {column}
reference: {{path: s3://bucket/reference/}}
"""


def load(column: str):
    return parse_spec(SPEC.format(column=column), "m.yaml").columns["x"]


@pytest.mark.parametrize(
    ("column", "key", "value"),
    [
        ("{type: category, truncate: 3}", "truncate", 3),
        ("{type: integer, generalise: 10}", "generalise", 10),
        ("{type: float, generalise: 0.5}", "generalise", 0.5),
        ("{type: timestamp, role: ignored, generalise: day}", "generalise", "day"),
        ("{type: timestamp, unit: ms}", "unit", "ms"),
    ],
)
def test_coarse_column_is_declared(column, key, value):
    assert getattr(load(column), key) == value
    assert load(column).personal is None


@pytest.mark.parametrize(
    ("column", "mistake"),
    [
        ("{type: float, truncate: 3}", "truncate: only for type string or category, not float; use generalise"),
        ("{type: string, truncate: 0}", "x.truncate: input should be greater than or equal to 1"),
        ("{type: string, truncate: 3, personal: hash}", "truncate: the column is personal: hash already"),
        ("{type: string, truncate: 3, role: version}", "truncate: only for a feature or an ignored column"),
        ("{type: category, generalise: 10}", "generalise: only for type integer, float or timestamp"),
        ("{type: integer, generalise: 0}", "generalise: must be a number above 0, or one of hour, day, month, year"),
        ("{type: integer, generalise: 2.5}", "generalise: the step of type integer must be a whole number"),
        ("{type: integer, generalise: day}", "generalise: the step of type integer must be a number"),
        ("{type: timestamp, generalise: 5}", "generalise: the step of type timestamp must be hour, day"),
        ("{type: timestamp, generalise: week}", "generalise: must be a number above 0, or one of hour, day"),
        ("{type: integer, unit: ms}", "unit: only for type timestamp, not integer"),
    ],
)
def test_coarse_column_that_cannot_be_is_refused_at_its_line(column, mistake):
    with pytest.raises(ConfigError) as caught:
        load(column)

    assert mistake in str(caught.value)
    assert str(caught.value).startswith("m.yaml:10: ")


def test_labels_are_not_joined_on_a_coarse_column():
    labels = "labels: {path: 's3://bucket/labels/dt={date}/', id: {x: customer}, label: churned}\n"
    text = SPEC.format(column="{type: string, truncate: 3}") + labels

    with pytest.raises(ConfigError, match=r"labels.id.x: is truncated or generalised; labels are joined on whole"):
        parse_spec(text.replace("    amount: {type: float}", "    amount: {type: float, role: score}"), "m.yaml")
