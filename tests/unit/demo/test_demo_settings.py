from __future__ import annotations

import json
import os
import subprocess

import pytest

from include.demo.settings import Settings, environment, fresh_settings, write_env_file


@pytest.fixture
def settings(tmp_path) -> Settings:
    return fresh_settings(tmp_path, idle_sleep_s=0.1)


def test_fresh_settings_remove_what_an_earlier_run_left(tmp_path):
    (tmp_path / "workspace" / "reports").mkdir(parents=True)
    (tmp_path / "mlmon.db").write_text("old")
    (tmp_path / "lock").write_text("")

    settings = fresh_settings(tmp_path, idle_sleep_s=1)

    assert not list(settings.workspace.iterdir())
    assert not (tmp_path / "mlmon.db").exists()
    assert (tmp_path / "lock").exists()


def test_ports_are_different(settings):
    assert settings.s3_port != settings.api_port


def test_environment_lets_neither_another_airflow_nor_real_keys_through(settings):
    inherited = {
        "PATH": "/bin",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production/airflow",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "a real key",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    env = environment(settings, inherited)

    assert env["PATH"] == "/bin"
    assert env["AIRFLOW_HOME"] == str(settings.airflow_home)
    assert env["AWS_ACCESS_KEY_ID"] == "mlmon-demo"
    assert not {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AWS_PROFILE", "PYTHONDONTWRITEBYTECODE"} & set(env)


def test_files_with_secrets_are_for_their_owner_only(settings):
    files = [write_env_file(settings), settings.airflow_home / "simple_auth_manager_passwords.json.generated"]

    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600", "0o600"]


def test_env_file_gives_a_shell_the_same_environment(settings):
    path = write_env_file(settings)

    shell = subprocess.run(
        ["/bin/sh", "-c", f'. "{path}" && printf %s "$AIRFLOW_CONN_AWS_DEFAULT"'],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
        text=True,
    )

    assert json.loads(shell.stdout)["extra"]["endpoint_url"] == f"http://127.0.0.1:{settings.s3_port}"
