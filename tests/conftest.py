"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadFileScheduling

# before anything imports Airflow: its home would else be the user's own
_home = tempfile.TemporaryDirectory(prefix="mlmon-airflow-home-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ.setdefault("OMP_NUM_THREADS", "1")
# pytest-xdist sets it, and tables would be narrower in its processes
os.environ.pop("COLUMNS", None)
# nobody shall be asked for credentials over the network
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
# how long an example takes says nothing of it while other processes have the machine
settings.register_profile("mlmon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mlmon")

from tests.support.api_server import migrated_database  # noqa: E402 - after the environment
from tests.support.azure import AzuriteServer  # noqa: E402 - after the environment
from tests.support.dag import run_dag_file  # noqa: E402 - after the environment
from tests.support.mariadb import private_mariadb  # noqa: E402 - after the environment
from tests.support.postgres import private_postgres  # noqa: E402
from tests.support.s3 import MotoServer, VersityServer  # noqa: E402 - after the environment

# whose tests share a server
_TOGETHER = ("tests/druid", "tests/web")


class ByFile(LoadFileScheduling):
    """Keeps the tests of a file, which share servers and days, in one process, and those of some folders too."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if file.startswith(f"{folder}/")), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    # not by xdist's marks, which have no effect in pytest 9.2 (pytest-xdist issue 1386)
    return ByFile(config, log)


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="session")
def versity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersityServer]:
    with VersityServer(tmp_path_factory.mktemp("versity")) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzuriteServer]:
    with AzuriteServer(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="session")
def fake_gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from tests.support.gcs import GcsServer  # noqa: PLC0415 - a second that few tests need

    with GcsServer(tmp_path_factory.mktemp("gcs")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The maintenance database of a server, in which each test makes databases of its own."""
    with private_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """A server of MariaDB, in which each test makes databases of its own."""
    with private_mariadb() as url:
        yield url


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """The session's AIRFLOW_HOME, with a migrated database."""
    home = Path(os.environ["AIRFLOW_HOME"])
    shutil.copy(migrated_database(), home)
    return home


@pytest.fixture
def run_dag(airflow_home: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run an archive's DAG for a day by `dag.test()`; states and XComs by task."""
    return lambda *arguments, **environment: run_dag_file(tmp_path, *arguments, **environment)
