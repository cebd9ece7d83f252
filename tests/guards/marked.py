"""Tests that bear a key of the catalogue, found in their source: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


class Marked(NamedTuple):
    """Test of a guard: its file, its name within it, and the parameter if it is one of several."""

    key: str
    file: str
    name: str
    parameter: str = ""

    @property
    def shown(self) -> str:
        """The name of the test alone."""
        name = self.name.rpartition("::")[2]
        return f"{name}[{self.parameter}]" if self.parameter else name


def find_marked(folder: Path = TESTS) -> list[Marked]:
    """Find the tests of all guards."""
    found = []
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text()
        if "mark.guards(" in text:
            file = path.relative_to(folder.parent).as_posix()
            found += [Marked(key, file, name, parameter) for key, name, parameter in _marks(ast.parse(text), "")]
    return found


def _marks(within: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, str, str]]:
    for node in within.body:
        if isinstance(node, ast.ClassDef):
            yield from _marks(node, f"{prefix}{node.name}::")
        elif isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                yield from ((key, f"{prefix}{node.name}", parameter) for key, parameter in _keys(decorator))


def _keys(decorator: ast.expr) -> Iterator[tuple[str, str]]:
    """Yield the keys of a decorator, those of the parameters in it with the id of each."""
    if key := _key(decorator):
        yield key, ""
        return
    for call in ast.walk(decorator):
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.param":
            given = {one.arg: one.value for one in call.keywords}
            if "marks" in given and (key := _key(given["marks"])):
                yield key, ast.literal_eval(given["id"])


def _key(mark: ast.expr) -> str:
    is_mark = isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.guards"
    return str(ast.literal_eval(mark.args[0])) if is_mark else ""
