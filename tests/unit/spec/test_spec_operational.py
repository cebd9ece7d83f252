"""Section `operational`: the columns that it adds, what an error is, and mistakes with their lines."""

from __future__ import annotations

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec import ColumnType, ModelSpec, Role
from airflow_mlmon.spec.operational import Operational
from tests.support.archive import SPEC

LINE = 17


def parse(section: str, *replacements: tuple[str, str]) -> ModelSpec:
    text = SPEC.format(root="s3://loans").replace("labels:\n", f"operational: {section}\nlabels:\n", 1)
    for old, new in replacements:
        text = text.replace(old, new)
    return parse_spec(text, "loans.yaml")


def test_section_adds_the_columns_that_are_not_declared():
    spec = parse("{latency_ms: latency, status: status, saturation: [queue, gpu]}")
    added = {name: column.type for name, column in spec.columns.items() if column.role is Role.OPERATIONAL}

    assert added == {
        "latency": ColumnType.FLOAT,
        "status": ColumnType.CATEGORY,
        "queue": ColumnType.FLOAT,
        "gpu": ColumnType.FLOAT,
    }
    assert spec.features == ("amount", "term", "channel")
    assert spec.outputs == ("score", "approved")


def test_declared_column_keeps_its_type_and_is_no_feature():
    spec = parse("{saturation: [term]}")

    assert (spec.columns["term"].type, spec.columns["term"].role) == (ColumnType.INTEGER, Role.OPERATIONAL)
    assert spec.features == ("amount", "channel")


@pytest.mark.parametrize(
    ("errors", "status", "is_error", "is_known"),
    [
        pytest.param(("5xx",), "503", True, True, id="pattern"),
        pytest.param(("5xx",), "404", False, True, id="another code"),
        pytest.param(("5xx",), "failed", False, False, id="text beside a pattern"),
        pytest.param(("5XX", "timeout"), "timeout", True, True, id="listed text"),
        pytest.param(("5xx",), "5000", False, False, id="no code"),
        pytest.param(("failed",), "done", False, True, id="text without patterns"),
        pytest.param((503, False), "503", True, True, id="number of YAML"),
        pytest.param((503, False), "false", True, True, id="truth of YAML"),
    ],
)
def test_status_is_an_error_or_unknown(errors, status, is_error, is_known):
    section = Operational.model_validate({"status": "status", "errors": errors})

    assert (section.is_error(status), section.is_known(status)) == (is_error, is_known)


@pytest.mark.parametrize(
    ("section", "line", "said"),
    [
        pytest.param("{errors: [5xx]}", LINE, "needs `status`", id="errors of nothing"),
        pytest.param("{}", LINE, "nothing to measure", id="empty"),
        pytest.param("{latency_ms: a, latency_s: b}", LINE, "give the latency once", id="two latencies"),
        pytest.param("{latency_ms: a, saturation: [a]}", LINE, "'a' is named twice", id="one column twice"),
        pytest.param("{latency_ms: score}", 15, "which cannot be score too", id="output"),
        pytest.param("{status: email}", 14, "its values appear on pages", id="personal"),
        pytest.param("{latency_ms: channel}", 13, "must be one of float, integer", id="text as latency"),
        pytest.param("{saturation: 3}", LINE, "tuple", id="no list"),
    ],
)
def test_mistake_is_refused_with_its_line(section, line, said):
    with pytest.raises(ConfigError, match=said) as raised:
        parse(section)

    assert str(raised.value).startswith(f"loans.yaml:{line}: ")


def test_role_operational_without_the_section_is_refused():
    with pytest.raises(ConfigError, match=r"loans.yaml:13: .*named in the section `operational`"):
        parse("{status: s}", ("channel: {type: category}", "channel: {type: category, role: operational}"))
