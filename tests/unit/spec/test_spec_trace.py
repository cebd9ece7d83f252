"""Column of the trace of a request."""

import pytest

from airflow_mlmon.druid.ingestion import build_predictions_datasource
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import ModelSpec, Role

SPEC = """
model: fraud
start: 2026-03-01
predictions:
  path: archive/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    amount: {type: float}
    score: {type: float, role: score}
    traceparent: {type: string, role: trace}
reference: {path: reference/}
"""


def parse(*replaced: tuple[str, str]) -> ModelSpec:
    text = SPEC
    for old, new in replaced:
        text = text.replace(old, new)
    return parse_spec(text, "fraud.yaml")


def test_a_trace_is_kept_with_the_rows_and_is_no_feature():
    spec = parse()
    assert spec.column_of(Role.TRACE) == "traceparent"
    assert spec.features == ("amount",)
    [trace] = [one for one in build_predictions_datasource(spec).dimensions if one.name == "traceparent"]
    assert not trace.is_indexed


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (("traceparent: {type: string", "traceparent: {type: category"), "a column of role trace must be of type"),
        (("amount: {type: float}", "amount: {type: string, role: trace}"), "at most one column may have `role: trace`"),
        (("reference:", "segments: [traceparent]\nreference:"), "a segment must be"),
    ],
)
def test_a_trace_that_is_none_is_a_mistake(replaced: tuple[str, str], message: str):
    with pytest.raises(ConfigError, match=message):
        parse(replaced)
