"""`mlmon contract import`: what is printed, what is added to a spec, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_mlmon.cli.main import main
from airflow_mlmon.loading import load_spec, parse_spec
from tests.support.archive import Archive
from tests.support.runs import write_file

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: loans
version: 1.0.0
schema:
  - name: predictions
    properties:
      - name: amount
        logicalType: number
        required: true
        logicalTypeOptions: {minimum: 0}
      - name: term
        quality:
          - type: sql
            query: SELECT 1
            mustBe: 1
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONTRACT)
    text = Archive(str(tmp_path), write_file).spec_text(extra=["# the last line"])
    (tmp_path / "loans.yaml").write_text(text)

    def call(*arguments: str) -> tuple[int, str, str]:
        return main(["contract", "import", "c.yaml", *arguments]), *capsys.readouterr()

    return call


def test_section_is_printed_and_what_is_left_out_is_named(call, tmp_path):
    code, printed, said = call("--spec", "loans.yaml")

    assert code == 0
    assert said == "c.yaml:14: not carried: term: sql: it is a query\n"
    assert "# line 14, not carried: term: sql: it is a query" in printed
    spec = parse_spec((tmp_path / "loans.yaml").read_text() + printed, "loans.yaml")
    assert [(check.expectation, check.column) for check in spec.quality or ()] == [
        ("expect_column_values_to_not_be_null", "amount"),
        ("expect_column_values_to_be_between", "amount"),
    ]


def test_section_is_added_to_a_spec_whose_comments_stay(call, tmp_path):
    before = (tmp_path / "loans.yaml").read_text()

    assert call("--spec", "loans.yaml", "--write")[:2] == (0, "2 checks were added to loans.yaml\n")

    assert (tmp_path / "loans.yaml").read_text().startswith(before)
    assert len(load_spec("loans.yaml").quality or ()) == 2

    code, _, said = call("--spec", "loans.yaml", "--write")
    assert (code, "the spec has checks of its own" in said) == (2, True)


def test_answer_is_one_object_in_json(call):
    found = json.loads(call("--json")[1])
    assert [one["line"] for one in found["quality"]] == [10, 11]
    assert found["not_carried"] == [{"line": 14, "where": "term: sql", "reason": "it is a query"}]


def test_contract_of_which_nothing_is_carried_exits_with_1(call, tmp_path):
    (tmp_path / "c.yaml").write_text(CONTRACT.replace("amount", "other"))
    code, printed, said = call("--spec", "loans.yaml")
    assert (code, "quality: []" in printed) == (1, True)
    assert "'other' is no column of the spec" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--write",), "--write adds the checks to a spec"), (("--table", "prediction"), "did you mean 'predictions'?")],
    ids=["write without spec", "unknown table"],
)
def test_wrong_call_exits_with_2(call, arguments, said):
    code, printed, error = call(*arguments)
    assert (code, printed, said in error) == (2, "", True)
