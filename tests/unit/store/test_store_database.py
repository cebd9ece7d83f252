from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys

import pytest

from airflow_mlmon.errors import ConfigError, ServiceRejectedError, ServiceUnavailableError
from airflow_mlmon.store.database import Database, masked_url
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.published import partition_state


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        pytest.param("sqlite:////var/mlmon.db", "sqlite:////var/mlmon.db", id="nothing-to-hide"),
        pytest.param("postgresql://u:p%40ss@h/d", "postgresql://u:***@h/d", id="password"),
        pytest.param("postgresql://h/d?password=p&user=u", "postgresql://h/d?password=%2A%2A%2A&user=u", id="option"),
        pytest.param("mysql://u:p@h/d?ssl_ca=/ca.pem", "mysql://u:***@h/d?ssl_ca=%2Fca.pem", id="mysql"),
        pytest.param("postgresql://u:p@h:port/d", "postgresql://***@h:port/d", id="not-a-url"),
    ],
)
def test_masked_url_hides_the_password(url, masked):
    assert masked_url(url) == masked


@pytest.mark.parametrize(
    "url",
    ["", "mlmon.db", "sqlite://", "sqlite:///:memory:", "oracle://u:s3cret@h/d", "postgresql://u:s3cret@h:port/d"],
)
def test_a_wrong_url_is_a_config_error_without_its_password(url):
    with pytest.raises(ConfigError) as caught:
        Database(url)

    assert "s3cret" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ServiceRejectedError, match="Cannot create folder"):
        Database(f"sqlite:///{tmp_path}/file/store.db")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "store.db").write_text("not a database " * 100)

    with pytest.raises(ServiceRejectedError, match="not a database") as caught:
        MetricStore(f"sqlite:///{tmp_path}/store.db")

    assert pickle.loads(pickle.dumps(caught.value)).message == caught.value.message  # noqa: S301 - our own bytes


@pytest.mark.guards("fault-32")
def test_a_locked_store_is_unavailable(tmp_path, monkeypatch):
    monkeypatch.setattr("airflow_mlmon.store.database.LOCK_WAIT_S", 0.05)
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        with pytest.raises(ServiceUnavailableError, match="locked"):
            store.publish(partition_state(), [], supersedes=None)

        holder.close()


def test_readers_do_not_wait_for_a_writer(tmp_path):
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(partition_state(), [], supersedes=None)
        holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        assert store.models() == ["flights"]

        holder.close()


def test_a_current_store_opens_without_alembic(tmp_path):
    url = f"sqlite:///{tmp_path}/store.db"
    MetricStore(url).close()
    code = (
        "import sys; from airflow_mlmon.store.metric_store import MetricStore; "
        f"MetricStore({url!r}).close(); print('alembic' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_a_store_names_itself_without_its_password(tmp_path):
    with MetricStore(f"sqlite:///{tmp_path}/store.db") as store:
        assert repr(store) == f"MetricStore('sqlite:///{tmp_path}/store.db')"
