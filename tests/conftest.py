"""Fixtures that tests of several folders share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

# before anything imports Airflow: its home would else be the user's own
_home = tempfile.TemporaryDirectory(prefix="mlmon-airflow-home-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.support.s3 import MotoServer, VersityServer  # noqa: E402 - after the environment


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="session")
def versity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VersityServer]:
    with VersityServer(tmp_path_factory.mktemp("versity")) as server:
        yield server
