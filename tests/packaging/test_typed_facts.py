"""What steers the code are fields of records, and no keys of a mapping that a record carries."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "airflow_mlmon"
CARRIERS = {"detail", "details", "facts"}
OF_MAPPINGS = {"get", "pop", "items", "keys", "values", "setdefault"}


def lookups(code: str) -> list[str]:
    """Where a key of a carrier is looked up: `x.detail["k"]`, `x.facts.get("k")`, `"k" in x.detail`."""
    found = []
    for node in ast.walk(ast.parse(code)):
        read: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            read = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OF_MAPPINGS:
            read = [node.func.value]
        elif isinstance(node, ast.Compare):
            pairs = zip(node.ops, node.comparators, strict=True)
            read = [side for test, side in pairs if isinstance(test, ast.In | ast.NotIn)]
        found += [ast.unparse(node) for side in read if isinstance(side, ast.Attribute) and side.attr in CARRIERS]
    return found


@pytest.mark.parametrize(
    "code", ["value.detail['reason']", "error.facts.get('judged')", "'rests_on' in day.facts", "x.y.detail.pop('k')"]
)
def test_a_lookup_is_found(code):
    assert lookups(code) == [code]


def test_no_record_is_looked_up_by_key():
    found = {str(path.relative_to(PACKAGE)): lookups(path.read_text()) for path in PACKAGE.rglob("*.py")}

    assert len(found) > 300
    assert {path: lines for path, lines in found.items() if lines} == {}
