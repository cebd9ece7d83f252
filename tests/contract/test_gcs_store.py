"""What the store of Google Cloud does beyond the suite of every store."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable

import pytest

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.hooks.gcs import gcs_options
from airflow_mlmon.storage import ObjectStore, Storage, gcs
from airflow_mlmon.storage.gcs import GcsStore
from tests.support.fault_proxy import Asked, Fault, FaultProxy, cut, drop, refuse

# Google's client leaves the socket of a broken connection to the collector
LEFT_OPEN = pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def bucket(fake_gcs) -> str:
    return fake_gcs.bucket(f"test-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def _impatient(monkeypatch):
    """Google's client tries for a second, and not for a minute."""
    monkeypatch.setattr(gcs, "_RETRY", gcs.DEFAULT_RETRY.with_timeout(1))


@pytest.mark.service
@pytest.mark.parametrize(
    "act", [lambda s: s.list("gs://no-such-bucket/a/"), lambda s: s.write("gs://no-such-bucket/a", b"")]
)
def test_gcs_absent_bucket_is_named(fake_gcs, act: Callable[[ObjectStore], object]):
    with pytest.raises(ServiceRejectedError, match="has no bucket 'no-such-bucket'"):
        act(GcsStore(fake_gcs.options()))


@LEFT_OPEN
@pytest.mark.service
@pytest.mark.parametrize(
    "fault",
    [pytest.param(refuse(503, "Busy"), id="503"), pytest.param(drop, id="dropped"), pytest.param(cut, id="cut")],
)
def test_gcs_faults_that_pass_cost_nothing(fake_gcs, bucket, fault):
    uri = f"gs://{bucket}/a/x"
    content = bytes(range(256)) * (3 << 12)
    GcsStore(fake_gcs.options()).write(uri, content)
    [listed] = GcsStore(fake_gcs.options()).list(uri)
    readings: list[Asked] = []

    def first(asked: Asked) -> Fault | None:
        if "/o/" in asked.path:
            readings.append(asked)
        return fault if readings == [asked] else None

    with (
        FaultProxy(fake_gcs.port, first) as proxy,
        GcsStore(fake_gcs.options(proxy.endpoint)).local_copy(uri, etag=listed.etag) as path,
    ):
        copied = path.read_bytes()

    assert len(readings) == 2
    assert copied == content


@LEFT_OPEN
@pytest.mark.service
@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        pytest.param(refuse(503, "Busy"), ServiceUnavailableError, "did not answer", id="503"),
        pytest.param(drop, ServiceUnavailableError, "did not answer", id="dropped"),
        pytest.param(cut, ServiceUnavailableError, "did not answer", id="cut"),
        pytest.param(refuse(403, "No"), ServiceRejectedError, r"Forbidden \(403\).*permissions", id="denied"),
    ],
)
def test_gcs_faults_that_stay_are_named(fake_gcs, bucket, fault, kind, said):
    uri = f"gs://{bucket}/a/x"
    GcsStore(fake_gcs.options()).write(uri, bytes(1 << 20))
    with FaultProxy(fake_gcs.port, lambda _: fault) as proxy:
        store = GcsStore(fake_gcs.options(proxy.endpoint))

        with pytest.raises(kind, match=said), store.local_copy(uri):
            pass


def test_gcs_without_credentials_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    with pytest.raises(ServiceRejectedError, match="No Google credentials"):
        GcsStore({})


@pytest.mark.parametrize("written", ["text", "object", "path"])
def test_gcs_connection_gives_project_and_key_file(monkeypatch, tmp_path, written):
    keyfile = {"type": "service_account", "private_key": "k"}
    (tmp_path / "key.json").write_text(json.dumps(keyfile))
    extra = {
        "text": {"keyfile_dict": json.dumps(keyfile)},
        "object": {"keyfile_dict": keyfile},
        "path": {"key_path": str(tmp_path / "key.json")},
    }[written]
    given = {"conn_type": "google_cloud_platform", "extra": extra | {"project": "acme", "other": "x"}}
    monkeypatch.setenv("AIRFLOW_CONN_BLOBS", json.dumps(given))

    assert gcs_options("blobs") == {"project": "acme", "keyfile": keyfile}


def test_gcs_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    monkeypatch.delitem(sys.modules, "airflow_mlmon.storage.gcs")

    with pytest.raises(ConfigError, match=r"airflow-mlmon\[gcs\]"):
        Storage(gcs_options=gcs_options).at("gs://any/a/")
