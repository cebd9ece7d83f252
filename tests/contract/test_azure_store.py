"""What Azure's store does beyond the suite of every store."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable

import pytest

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.hooks.azure import azure_options
from airflow_mlmon.storage import ObjectStore, Storage, azure
from airflow_mlmon.storage.azure import AzureStore
from tests.support.fault_proxy import FaultProxy, cut, drop, refuse
from tests.support.processes import free_port


@pytest.mark.service
def test_azure_container_may_name_its_account(azurite):
    container = azurite.container(f"test-{uuid.uuid4().hex[:12]}")
    store = AzureStore({name: value for name, value in azurite.options().items() if name != "account_name"})
    uri = f"abfss://{container}@{azurite.account}.dfs.core.windows.net/a/dt=2026-03-01/x"

    store.write(uri, b"content")

    assert [found.uri for found in store.list(uri.removesuffix("x"))] == [uri]
    assert store.read(uri) == b"content"


@pytest.mark.service
def test_azure_listing_has_what_begins_with_the_name(azurite):
    container = azurite.container(f"test-{uuid.uuid4().hex[:12]}")
    store = AzureStore(azurite.options())
    for name in ("2026-03-01/x", "2026-03-10/x", "2026-04-01/x"):
        store.write(f"abfs://{container}/a/dt={name}", b"")

    found = [found.uri.rpartition("dt=")[2] for found in store.list(f"abfs://{container}/a/dt=2026-03")]

    assert found == ["2026-03-01/x", "2026-03-10/x"]


@pytest.mark.service
def test_azure_wrong_key_is_refused_with_what_to_do(azurite):
    store = AzureStore(azurite.options(account_key="d3Jvbmc="))

    with pytest.raises(ServiceRejectedError, match=r"AuthorizationFailure \(403\).*check the connection's account"):
        store.list("abfs://any/a/")


@pytest.mark.service
@pytest.mark.parametrize("act", [lambda s: s.list("abfs://nowhere/a/"), lambda s: s.write("abfs://nowhere/a", b"")])
def test_azure_absent_container_is_named(azurite, act: Callable[[ObjectStore], object]):
    with pytest.raises(ServiceRejectedError, match="Azure container 'nowhere' does not exist"):
        act(AzureStore(azurite.options()))


def test_azure_that_does_not_answer_is_worth_another_try_and_no_signature_is_shown(monkeypatch):
    monkeypatch.setattr(azure, "_RETRIES", {"max_retries": 0})
    options = {"account_name": "a", "sas_key": "sig=secret", "endpoint": f"http://127.0.0.1:{free_port()}/a"}

    with pytest.raises(ServiceUnavailableError, match="did not answer") as caught:
        AzureStore(options).list("abfs://any/a/")

    assert "secret" not in f"{caught.value!r}{caught.value.__cause__!r}"


@pytest.mark.parametrize(
    ("given", "options"),
    [
        pytest.param(
            {"login": "acme", "password": "key", "extra": {"endpoint": "http://here", "other": "x"}},
            {"account_name": "acme", "account_key": "key", "endpoint": "http://here"},
            id="account-and-key",
        ),
        pytest.param(
            {"login": "client", "password": "secret", "extra": {"tenant_id": "t", "account_name": "acme"}},
            {"client_id": "client", "client_secret": "secret", "tenant_id": "t", "account_name": "acme"},
            id="client-and-secret",
        ),
        pytest.param(
            {"login": "acme", "extra": {"sas_token": "?sv=1&sig=s"}},
            {"account_name": "acme", "sas_key": "sv=1&sig=s"},
            id="shared-access-signature",
        ),
    ],
)
def test_azure_connection_gives_account_and_credentials(monkeypatch, given, options):
    monkeypatch.setenv("AIRFLOW_CONN_BLOBS", json.dumps({"conn_type": "wasb"} | given))

    assert azure_options("blobs") == options


def test_azure_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.delitem(sys.modules, "airflow_mlmon.storage.azure")

    with pytest.raises(ConfigError, match=r"airflow-mlmon\[azure\]"):
        Storage(azure_options=azure_options).at("abfs://any/a/")


@pytest.mark.service
@pytest.mark.parametrize(
    "fault",
    [pytest.param(refuse(503, "ServerBusy"), id="503"), pytest.param(drop, id="dropped"), pytest.param(cut, id="cut")],
)
def test_azure_faults_that_pass_cost_nothing(azurite, fault):
    uri = f"abfs://{azurite.container(f'test-{uuid.uuid4().hex[:12]}')}/a/x"
    content = bytes(range(256)) * (3 << 12)
    AzureStore(azurite.options()).write(uri, content)
    [listed] = AzureStore(azurite.options()).list(uri)
    with FaultProxy(azurite.port, lambda asked: fault if asked.number % 2 else None) as proxy:
        store = AzureStore(azurite.options(endpoint=f"{proxy.endpoint}/{azurite.account}"))
        with store.local_copy(uri, etag=listed.etag) as path:
            copied = path.read_bytes()

    assert copied == content


@pytest.mark.service
def test_azure_body_that_never_comes_whole_is_worth_another_try(azurite, monkeypatch):
    monkeypatch.setattr(azure, "_RETRIES", {"max_retries": 1})
    uri = f"abfs://{azurite.container(f'test-{uuid.uuid4().hex[:12]}')}/a/x"
    AzureStore(azurite.options()).write(uri, bytes(3 << 20))
    with FaultProxy(azurite.port, lambda _: cut) as proxy:
        store = AzureStore(azurite.options(endpoint=f"{proxy.endpoint}/{azurite.account}"))

        with pytest.raises(ServiceUnavailableError, match="Azure did not answer"), store.local_copy(uri):
            pass
