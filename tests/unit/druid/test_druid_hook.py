from __future__ import annotations

import base64
import json
from contextlib import ExitStack

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.connection import find_connection
from airflow_mlmon.hooks.druid import MlmonDruidHook
from airflow_mlmon.hooks.druid_connection import DRUID_CONNECTION
from tests.support.druid.scripted import Reply, as_json, scripted

STATUS = as_json({"version": "33.0.0", "modules": [{"name": "x.SketchModule", "artifact": "druid-datasketches"}]})


@pytest.fixture
def connect(monkeypatch):
    def _connect(**fields):
        value = json.dumps({"conn_type": "mlmon_druid"} | fields)
        monkeypatch.setenv("AIRFLOW_CONN_MLMON_DRUID_DEFAULT", value)

    return _connect


def test_a_connection_that_is_not_there_is_said_so():
    assert find_connection("mlmon_druid_default") is None
    with pytest.raises(ConfigError, match="Airflow connection 'mlmon_druid_default' does not exist"):
        MlmonDruidHook().get_client()


def test_a_connection_that_is_there_is_found(connect):
    connect(host="http://router:8888")

    assert find_connection("mlmon_druid_default") is not None


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "https://router:9088"}, "https://router:9088"),
        ({"host": "http://router/druid/"}, "http://router/druid"),
        ({"host": "router"}, "http://router:8888"),
        ({"host": "router", "port": 9088, "schema": "https"}, "https://router:9088"),
    ],
)
def test_the_url_is_made_of_the_connection(connect, fields, url):
    connect(**fields)

    assert MlmonDruidHook().get_client().base_url == url


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="no-host"),
        pytest.param({"host": "http://"}, id="no-url"),
        pytest.param({"host": "router", "extra": {"timeout_s": "soon"}}, id="time-out-of-words"),
        pytest.param({"host": "router", "extra": {"connect_timeout_s": -1}}, id="time-out-of-the-past"),
        pytest.param({"host": "router", "extra": {"ca_file": "/nowhere.pem"}}, id="no-ca"),
        pytest.param({"host": "router", "extra": {"client_cert_file": __file__}}, id="certificate-without-key"),
        pytest.param({"host": "router", "extra": {"client_key_file": __file__}}, id="key-without-certificate"),
    ],
)
def test_a_wrong_connection_is_a_config_error(connect, fields):
    connect(**fields)

    with pytest.raises(ConfigError):
        MlmonDruidHook().get_client()


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({"login": "mlmon", "password": "pw"}, "Basic " + base64.b64encode(b"mlmon:pw").decode()),
        ({"login": "mlmon", "password": "pw", "extra": {"token": "abc"}}, "Bearer abc"),
    ],
)
def test_the_credentials_of_the_connection_are_sent(connect, fields, header):
    with scripted(STATUS) as server:
        connect(host=server.url, **fields)
        assert MlmonDruidHook().test_connection()[0]

    assert server.requests[0].headers["Authorization"] == header


def test_a_working_connection_tells_version_and_extensions(connect):
    with scripted(STATUS) as server:
        connect(host=server.url)
        works, message = MlmonDruidHook().test_connection()

    assert works
    assert "33.0.0" in message
    assert "druid-datasketches" in message


def test_a_refusing_druid_is_told_without_the_password(connect):
    with scripted(Reply(status=401, body=b"no: hunter2!", kind="text/plain")) as server:
        connect(host=server.url, login="mlmon", password="hunter2!")
        works, message = MlmonDruidHook().test_connection()

    assert not works
    assert "401" in message
    assert "hunter2!" not in message


def test_a_redirect_to_a_host_of_the_connection_is_followed(connect):
    with ExitStack() as stack:
        leader = stack.enter_context(scripted(STATUS))
        server = stack.enter_context(scripted(Reply(status=307, headers={"Location": f"{leader.url}/status"})))
        connect(host=server.url, extra={"redirect_hosts": f"other:1, {leader.host}"})

        assert MlmonDruidHook().test_connection()[0]


def test_the_form_is_valid_for_airflow_and_names_this_hook():
    from airflow.providers_manager import _create_provider_info_schema_validator  # noqa: PLC0415 - loads much

    info = {"package-name": "x", "name": "x", "description": "x", "connection-types": [DRUID_CONNECTION]}
    _create_provider_info_schema_validator().validate(info)

    assert DRUID_CONNECTION["hook-class-name"] == f"{MlmonDruidHook.__module__}.{MlmonDruidHook.__qualname__}"
    assert DRUID_CONNECTION["connection-type"] == MlmonDruidHook.conn_type
    assert DRUID_CONNECTION["hook-name"] == MlmonDruidHook.hook_name
