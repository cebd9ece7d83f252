"""One real Druid for all the tests of this folder."""

from __future__ import annotations

import os

import pytest

from airflow_mlmon.druid.client import DruidClient
from tests.support.druid.cluster import DruidCluster
from tests.support.druid.jars import UnavailableError


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    druid = DruidCluster(home=tmp_path_factory.mktemp("druid"))
    try:
        druid.start()
    except UnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Druid here: {error}")
    yield druid
    druid.stop()


@pytest.fixture(scope="session")
def client(cluster):
    return DruidClient(cluster.url)
