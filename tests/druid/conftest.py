"""Real Druids for the tests of this folder: one at a time, each started once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.load import Load, load_partition
from airflow_mlmon.errors import MlmonError
from include.demo.services import ServiceError
from include.druid.cluster import MIDDLE_MANAGER, DruidCluster
from include.druid.jars import NEWEST, WITH_S3, WITH_SQL, UnavailableError
from tests.support.druid.bucket import DAY, QUICK, SIGNATURE, Bucket, datasource, handing_in, load_rows, rows_of
from tests.support.processes import require

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items):
    items.sort(key=_turn)


def _turn(item):
    """Each Druid starts once, the newest last, and what the faults do to it disturbs no other test.

    They take longest and cannot be divided: beside another process, which runs the others, they must begin first.
    """
    if FOLDER not in item.path.parents:
        return 5
    if item.path.name == "test_druid_run.py" or "s3_cluster" in item.fixturenames:
        return 1
    if "sql_cluster" in item.fixturenames:
        return 2
    return 4 if "faults" in item.path.name else 3


class Clusters:
    """At most one cluster runs: another one takes its place. One that failed is not tried again."""

    def __init__(self, factory):
        self._factory = factory
        self._running = None
        self._failed = []
        self.missing_source = None

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
def cluster(clusters, bucket, request):
    cluster = clusters.use(release=NEWEST)
    if clusters.missing_source is None and any("missing_source" in item.fixturenames for item in request.session.items):
        clusters.missing_source = load_what_is_not_there(DruidClient(cluster.url), bucket)
    return cluster


@pytest.fixture
def missing_source(cluster, clusters):
    """A load whose source answers 404, which Druid tries for some 200 s: begun early, seen late."""
    return clusters.missing_source


def load_what_is_not_there(client, bucket):
    load_rows(client, bucket, "missing", rows_of(DAY, 30))
    wanted = Load(datasource=datasource("missing"), partition=DAY, version="v2", rows=30)
    hand_in = handing_in(client, wanted, [f"{bucket.url}/nowhere.json.gz?{SIGNATURE}"])
    ended = Future()

    def load():
        try:
            ended.set_result(load_partition(client, wanted, hand_in, patience=QUICK))
        except MlmonError as error:
            ended.set_exception(error)

    threading.Thread(target=load, daemon=True).start()
    return ended


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
