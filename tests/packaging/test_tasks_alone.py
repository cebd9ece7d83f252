"""What only one kind of model knows is said in its own room, and nobody else asks which kind it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_mlmon.tasks.registry import TASKS

PACKAGE = Path(__file__).parents[2] / "airflow_mlmon"
KINDS = set(TASKS) - {"none"}
OF_BINARY = {"positive", "roc_auc", "accuracy", "precision", "recall", "f1", "brier", "log_loss"}
ALLOWED = {
    # a decimal of Arrow has a precision too
    ("tables/avro.py", "precision"),
    ("tables/schema.py", "precision"),
    ("tables/conversion/numbers.py", "precision"),
    ("profiles/engine/pinning.py", "precision"),
    # the key `positive_name` and its default
    ("spec/labels.py", "positive"),
}


def outside() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if PACKAGE / "tasks" not in path.parents]


def words_in(tree: ast.AST) -> Iterator[str]:
    """Every identifier and every string of a module, docstrings as a whole."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        for name in ("id", "attr", "arg", "name"):
            if isinstance(word := getattr(node, name, None), str):
                yield word


def asks_for_the_kind(tree: ast.AST) -> bool:
    """Whether a comparison, a pattern, an instance check or an import is about a kind of model."""
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    if any(module.startswith(f"airflow_mlmon.tasks.{kind}") for module in imported for kind in KINDS):
        return True
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.match_case)]
    checks = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
    ]
    kinds = {type(task).__name__ for task in TASKS.values()}
    return any(set(words_in(node)) & KINDS for node in compared) or any(set(words_in(node)) & kinds for node in checks)


@pytest.mark.parametrize("path", outside(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_its_own_room_knows_the_kind_of_model(path):
    tree = ast.parse(path.read_text())
    name = path.relative_to(PACKAGE).as_posix()

    assert {word for word in words_in(tree) if word in OF_BINARY and (name, word) not in ALLOWED} == set()
    assert not asks_for_the_kind(tree)


@pytest.mark.parametrize(
    "code",
    [
        "if spec.task == 'binary': pass",
        "x = task.name in ('regression', 'ranking')",
        "match spec.task:\n    case 'binary': pass",
        "isinstance(task, Binary)",
        "from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes",
    ],
)
def test_who_asks_for_the_kind_is_found(code):
    assert asks_for_the_kind(ast.parse(code))


def test_words_are_found_as_names_arguments_and_strings():
    found = set(words_in(ast.parse("def f(recall): return table.precision['accuracy'], f1")))

    assert found >= {"recall", "precision", "accuracy", "f1"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.j2")), ids=lambda path: path.name)
def test_no_template_names_what_only_one_kind_has(path):
    assert OF_BINARY.isdisjoint(re.findall(r"\w+", path.read_text()))
