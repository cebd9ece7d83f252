"""`make druid` and `make druid-down`: what a user without docker starts and stops."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from airflow_mlmon.druid.client import DruidClient
from include.demo.services import read_running
from include.demo.settings import DRUID_RECORD
from include.druid import jars
from tests.support.processes import free_port, require

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def command(name, folder, port):
    return subprocess.run(
        [sys.executable, "-m", "include.druid.run", name, "--folder", str(folder), "--port", str(port)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path, clusters):
    try:
        jars.java(), jars.jars(jars.NEWEST)
    except jars.UnavailableError as error:
        require(available=False, what=f"Druid ({error})")
    clusters.stop()
    yield tmp_path / "druid"
    command("down", tmp_path / "druid", 0)


def test_druid_is_started_and_stopped(folder):
    port = free_port()
    up = command("up", folder, port)
    started = read_running(folder / DRUID_RECORD)
    status = DruidClient(f"http://localhost:{port}").status()
    again = command("up", folder, port)
    down = command("down", folder, port)

    assert up.returncode == 0, up.stderr
    assert f"http://localhost:{port}" in up.stdout
    assert len(started) == 6
    assert status.version == "33.0.0"
    assert "is already running" in again.stdout
    assert "stopped: zookeeper, coordinator" in down.stdout
    assert read_running(folder / DRUID_RECORD) == []


def test_a_port_that_is_taken_is_said_at_once(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        up = command("up", folder, port)

    assert up.returncode == 1
    assert up.stderr == f"druid up: port {port} is in use by another program\n"
