"""Each outside library has one door; everything but a door is pure."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "airflow_mlmon"

DOORS = {
    "alembic": ("store/",),
    "boto3": ("hooks/s3.py",),
    "botocore": ("storage/s3.py", "hooks/s3.py"),
    "evidently": ("reports/evidently.py", "reports/evidently_drift.py"),
    "great_expectations": ("quality/great_expectations.py",),
    "jinja2": ("reports/page.py",),
    "matplotlib": ("reports/charts.py",),
    "redis": ("storage/redis.py",),
    "requests": ("druid/", "alerts/endpoint.py"),
    "rich": ("cli/",),
    "sklearn": ("drift/domain_classifier.py", "example_dags/"),
    "sqlalchemy": ("store/",),
    "threadpoolctl": ("drift/domain_classifier.py",),
}
# who may ask for the time, the environment or chance
IMPURE = {
    "os.environ": ("hooks/", "cli/arguments.py"),
    "datetime.now": ("hooks/", "operators/", "sensors/", "cli/"),
    "random": ("druid/",),
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("library", DOORS)
def test_library_is_imported_at_its_door_only(library):
    users = {str(path.relative_to(PACKAGE)) for path in modules() if library in imported(path)}

    assert {user for user in users if not user.startswith(DOORS[library])} == set()


@pytest.mark.parametrize("name", ["os.environ", "datetime.now"])
def test_clock_and_environment_are_asked_at_the_edge_only(name):
    users = {str(path.relative_to(PACKAGE)) for path in modules() if name in path.read_text()}

    assert {user for user in users if not user.startswith(IMPURE[name])} == set()


def test_chance_is_used_for_retries_only():
    users = {str(path.relative_to(PACKAGE)) for path in modules() if {"random", "secrets"} & imported(path)}

    assert {user for user in users if not user.startswith(IMPURE["random"])} == set()


def test_no_file_is_longer_than_400_lines():
    assert {str(path): lines for path in modules() if (lines := len(path.read_text().splitlines())) > 400} == {}


@pytest.mark.parametrize("banned", ["utils", "helpers", "common", "misc", "manager", "legacy"])
def test_no_file_has_a_name_that_says_nothing(banned):
    assert [path for path in modules() if path.stem == banned] == []
