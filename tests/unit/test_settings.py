from __future__ import annotations

from airflow_mlmon.settings import read_environment_settings


def test_defaults_lie_below_airflow_home():
    settings = read_environment_settings({"AIRFLOW_HOME": "/srv/airflow"})

    assert settings.store == "sqlite:////srv/airflow/mlmon/store.db"
    assert settings.workspace == "/srv/airflow/mlmon/workspace"
    assert settings.reports == "/srv/airflow/mlmon/workspace/reports"
    assert settings.hash_key is None


def test_what_is_given_comes_before_the_environment():
    environment = {
        "AIRFLOW_HOME": "/a",
        "AIRFLOW__MLMON__STORE": "sqlite:///env.db",
        "AIRFLOW__MLMON__WORKSPACE": "s3://b/w/",
    }

    settings = read_environment_settings(environment, store="sqlite:///given.db")

    assert settings.store == "sqlite:///given.db"
    assert settings.reports == "s3://b/w/reports"


def test_secrets_are_not_shown():
    settings = read_environment_settings(
        {"AIRFLOW_HOME": "/a", "AIRFLOW__MLMON__HASH_KEY": "k3y", "AIRFLOW__MLMON__STORE": "postgresql://u:pw@h/d"}
    )

    assert settings.hash_key == b"k3y"
    assert "k3y" not in repr(settings)
    assert "pw" not in repr(settings)


def test_links_lead_to_the_api_server_where_its_address_is_known_else_to_the_files():
    home = {"AIRFLOW_HOME": "/a"}
    served = {**home, "AIRFLOW__API__BASE_URL": "https://airflow.example.com/sub/"}

    assert read_environment_settings(home).reports_url == "/a/mlmon/workspace/reports"
    assert read_environment_settings(served).reports_url == "https://airflow.example.com/sub/mlmon"
    given = {**served, "AIRFLOW__MLMON__REPORTS_URL": "https://reports.example.com/"}
    assert read_environment_settings(given).reports_url == "https://reports.example.com"
