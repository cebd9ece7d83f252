"""Each outside library has one door, and no file is long or has a name that says nothing."""

from __future__ import annotations

import pytest

from tests.support.guards import PACKAGE, ROOT, long_files, modules, users_beside_the_door

DOORS = {
    "alembic": ("store/",),
    "boto3": ("hooks/s3.py",),
    "botocore": ("storage/s3.py", "hooks/s3.py"),
    "datasketches": ("profiles/columns/sketch.py",),
    "deltalake": ("archive/layouts/delta_log.py",),
    "evidently": ("reports/evidently.py", "reports/evidently_drift.py", "reports/evidently_pictures.py"),
    "fastavro": ("tables/avro.py",),
    "google": ("storage/gcs.py",),
    "great_expectations": ("quality/great_expectations.py",),
    "isal": ("druid/json_lines.py",),
    "jinja2": ("reports/page.py",),
    "matplotlib": ("reports/png.py",),
    "mlflow": ("mlflow/door.py",),
    "obstore": ("storage/azure.py",),
    "redis": ("storage/redis.py",),
    "requests": ("druid/", "alerts/endpoint.py"),
    "rich": ("cli/",),
    "scipy": ("statistics/", "evaluation/", "drift/shift.py", "quality/infer.py"),
    "sklearn": (
        "drift/domain_classifier.py",
        "drift/expected_loss.py",
        "drift/isolation_forest.py",
        "example_dags/",
    ),
    "sqlalchemy": ("store/",),
    "threadpoolctl": ("drift/domain_classifier.py", "drift/expected_loss.py", "drift/isolation_forest.py"),
}


@pytest.mark.parametrize("library", DOORS)
def test_library_is_imported_at_its_door_only(library):
    assert users_beside_the_door(PACKAGE, library, DOORS[library]) == set()


@pytest.mark.parametrize("folder", ["airflow_mlmon", "tests", "include", "dags"])
def test_no_file_is_longer_than_400_lines(folder):
    assert long_files(ROOT / folder) == {}


@pytest.mark.parametrize("banned", ["utils", "helpers", "common", "misc", "manager", "legacy"])
def test_no_file_has_a_name_that_says_nothing(banned):
    assert [path for path in modules(PACKAGE) if path.stem == banned] == []
