"""Real Druids for the tests of this folder: one at a time, each started once."""

from __future__ import annotations

import pytest

from airflow_mlmon.druid.client import DruidClient
from include.demo.services import ServiceError
from include.druid.cluster import MIDDLE_MANAGER, DruidCluster
from include.druid.jars import NEWEST, WITH_S3, WITH_SQL, UnavailableError
from tests.support.druid.bucket import Bucket
from tests.support.processes import require


def pytest_collection_modifyitems(items):
    # what the faults do to the cluster shall disturb no other test
    items.sort(key=lambda item: "faults" in item.path.name)


class Clusters:
    """At most one cluster runs: another one takes its place. One that failed is not tried again."""

    def __init__(self, factory):
        self._factory = factory
        self._running = None
        self._failed = []

    def use(self, **kind):
        if failure := next((error for failed, error in self._failed if failed == kind), None):
            raise failure
        if self._running is None or self._running[0] != kind:
            self.stop()
            self._running = kind, self._start(kind)
        return self._running[1]

    def stop(self):
        if self._running is not None:
            self._running[1].stop()
            self._running = None

    def _start(self, kind):
        cluster = DruidCluster(home=self._factory.mktemp("druid"), **kind)
        try:
            cluster.start()
        except UnavailableError as error:
            require(available=False, what=f"Druid ({error})")
        except ServiceError as error:
            self._failed.append((kind, error))
            raise
        return cluster


@pytest.fixture(scope="session")
def clusters(tmp_path_factory):
    clusters = Clusters(tmp_path_factory)
    yield clusters
    clusters.stop()


@pytest.fixture
def cluster(clusters):
    return clusters.use(release=NEWEST)


@pytest.fixture
def sql_cluster(clusters):
    return clusters.use(release=WITH_SQL)


@pytest.fixture
def s3_cluster(clusters, moto):
    properties = {
        "druid.s3.accessKey": moto.access_key,
        "druid.s3.secretKey": moto.secret_key,
        "druid.s3.protocol": "http",
        "druid.s3.enablePathStyleAccess": "true",
        "druid.s3.endpoint.url": moto.endpoint,
        "druid.s3.endpoint.signingRegion": "us-east-1",
    }
    return clusters.use(release=WITH_S3, worker=MIDDLE_MANAGER, properties=properties)


@pytest.fixture
def client(cluster):
    return DruidClient(cluster.url)


@pytest.fixture(scope="session")
def bucket():
    with Bucket.serving() as bucket:
        yield bucket
