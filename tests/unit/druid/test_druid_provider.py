"""Connections of the Druid provider: as they are, for the tasks and for the queries."""

from __future__ import annotations

import base64
import json

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.druid import MlmonDruidHook
from tests.support.druid.certificates import Authority
from tests.support.druid.scripted import as_json, scripted

STATUS = as_json({"version": "33.0.0", "modules": []})
ROWS = as_json([{"n": 7}])
BASIC = "Basic " + base64.b64encode(b"ann:pw").decode()
TASKS = "druid/indexer/v1/task"


@pytest.fixture
def connections(monkeypatch):
    def _connections(**named):
        for name, fields in named.items():
            monkeypatch.setenv(
                f"AIRFLOW_CONN_DRUID_{name.upper()}_DEFAULT", json.dumps({"conn_type": "druid"} | fields)
            )

    return _connections


def place(server):
    host, port = server.host.split(":")
    return {"host": host, "port": int(port)}


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"extra": {"endpoint": TASKS}}, "http://overlord:8081"),
        ({"extra": {"endpoint": TASKS, "schema": "https"}}, "https://overlord:8081"),
        ({"schema": "https", "extra": {"endpoint": f"proxy/{TASKS}"}}, "https://overlord:8081/proxy"),
        ({}, "http://overlord:8081"),
        ({"port": None}, "http://overlord"),
    ],
)
def test_the_overlord_is_where_the_provider_finds_it(connections, fields, url):
    connections(ingest={"host": "overlord", "port": 8081} | fields)

    assert MlmonDruidHook("druid_ingest_default").get_client().base_url == url


@pytest.mark.parametrize(
    ("fields", "message"),
    [({}, "has no host"), ({"host": "overlord", "extra": {"endpoint": "v2/x"}}, "endpoint '/v2/x'")],
)
def test_a_connection_that_leads_nowhere_is_refused(connections, fields, message):
    connections(ingest=fields, broker=fields)

    with pytest.raises(ConfigError, match=message):
        MlmonDruidHook("druid_ingest_default").get_client()
    with pytest.raises(ConfigError, match=message):
        MlmonDruidHook("druid_ingest_default", "druid_broker_default").get_client()


def test_tasks_go_to_the_overlord_and_queries_to_the_broker_each_with_its_login(connections):
    with scripted(STATUS) as overlord, scripted(ROWS) as broker:
        connections(
            ingest=place(overlord) | {"login": "ann", "password": "pw", "extra": {"endpoint": TASKS}},
            broker=place(broker) | {"login": "bob", "password": "secret", "extra": {"endpoint": "/druid/v2/sql/"}},
        )
        client = MlmonDruidHook("druid_ingest_default", "druid_broker_default").get_client()

        assert client.status().version == "33.0.0"
        assert client.sql("SELECT COUNT(*) AS n FROM x") == [{"n": 7}]

    assert overlord.requests[0].headers["Authorization"] == BASIC
    assert broker.requests[0].headers["Authorization"] == "Basic " + base64.b64encode(b"bob:secret").decode()


def test_certificates_are_verified_against_the_bundle_of_the_connection(connections, tmp_path):
    authority = Authority(tmp_path, "authority")
    with scripted(STATUS, tls=authority.server_context(authority.issue("druid"), wants_client=False)) as overlord:
        bundle = {"endpoint": TASKS, "ca_bundle_path": str(authority.pair.certificate)}
        connections(ingest=place(overlord) | {"schema": "https", "extra": bundle})
        works, message = MlmonDruidHook("druid_ingest_default").test_connection()
        connections(ingest=place(overlord) | {"schema": "https", "extra": {"endpoint": TASKS}})
        trusts_anyone, _ = MlmonDruidHook("druid_ingest_default").test_connection()

    assert works, message
    assert not trusts_anyone
