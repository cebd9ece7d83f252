"""Guards of the package's structure that no linter has: doors, lengths of files, names."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_mlmon"
LONGEST = 400


def modules(folder: Path) -> list[Path]:
    """List the Python files of a folder."""
    return sorted(folder.rglob("*.py"))


def users_beside_the_door(package: Path, library: str, doors: tuple[str, ...]) -> set[str]:
    """Find the modules that import a library, other than its doors."""
    users = {path.relative_to(package).as_posix() for path in modules(package) if library in _imported(path)}
    return {user for user in users if not user.startswith(doors)}


def long_files(folder: Path) -> dict[str, int]:
    """Count the lines of the files that are too long."""
    counted = {str(path.relative_to(folder)): len(path.read_text().splitlines()) for path in modules(folder)}
    return {name: lines for name, lines in counted.items() if lines > LONGEST}


def repeated_names(package: Path) -> dict[str, set[str]]:
    """Find the public functions and classes of one name in several modules."""
    places: dict[str, set[str]] = defaultdict(set)
    for path in modules(package):
        for name in _public_names(path):
            places[name].add(path.relative_to(package).as_posix())
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def _public_names(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        if isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name) and _is_alias(name.id))


def _is_alias(name: str) -> bool:
    """Tell the alias of a type from a constant."""
    return name[0].isupper() and not name.isupper()


@cache
def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names
