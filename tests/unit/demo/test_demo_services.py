from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from include.demo.services import Running, ServiceError, Services, ask_to_end, end, is_running, read_running
from include.demo.settings import CHECKOUT

FORKS_A_DEAF_CHILD = """
import os, signal, time
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
time.sleep(60)
"""

LEAVES_ONE_RUNNING = f"""
import os, sys
from pathlib import Path
from include.demo.settings import CHECKOUT
from include.demo.services import Services
folder = Path(sys.argv[1])
with Services(os.environ, cwd=folder, logs=folder, record=folder / "running.json", outlive=True) as services:
    services.start("sleeper", "-c", {FORKS_A_DEAF_CHILD!r})
"""


@pytest.fixture
def services(tmp_path) -> Services:
    return Services(dict(os.environ), cwd=tmp_path, logs=tmp_path, record=tmp_path / "running.json")


def printed(tmp_path, name, lines) -> list[int]:
    for _ in range(200):
        numbers = (tmp_path / f"{name}.log").read_text().split()
        if len(numbers) == lines:
            return [int(number) for number in numbers]
        time.sleep(0.05)
    raise AssertionError(f"{name} did not print {lines} lines")


def is_alive(pid) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_context_ends_processes_and_what_they_forked(services, tmp_path):
    with services:
        services.start("sleeper", "-c", FORKS_A_DEAF_CHILD)
        pids = printed(tmp_path, "sleeper", 2)

    assert not [pid for pid in pids if is_alive(pid)]
    assert not (tmp_path / "running.json").exists()


def test_failure_is_told_with_the_last_line_and_the_log(services, tmp_path):
    with services:
        services.start("broken", "-c", "raise ValueError('on purpose')")
        with pytest.raises(ServiceError, match=r"broken exited with code 1: ValueError: on purpose") as failure:
            services.finish("broken")

    assert str(tmp_path / "broken.log") in str(failure.value)


def test_waiting_for_one_process_fails_when_another_has_failed(services):
    with services:
        services.start("sleeper", "-c", "import time; time.sleep(60)")
        services.start("broken", "-c", "raise SystemExit(3)")
        with pytest.raises(ServiceError, match="broken exited with code 3"):
            services.finish("sleeper")


def test_port_is_waited_for_until_it_answers(services):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with services:
        services.start("server", "-m", "http.server", "--bind", "127.0.0.1", str(port))
        services.wait_for_port("server", port)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_processes_that_outlived_their_starter_are_found_and_ended(tmp_path):
    subprocess.run([sys.executable, "-c", LEAVES_ONE_RUNNING, str(tmp_path)], cwd=CHECKOUT, check=True)
    pids = printed(tmp_path, "sleeper", 2)
    running = read_running(tmp_path / "running.json")

    ask_to_end(running)
    end(running, seconds=5)

    assert [service.name for service in running] == ["sleeper"]
    assert not [pid for pid in pids if is_alive(pid)]
    assert read_running(tmp_path / "running.json") == []


def test_process_that_took_over_a_number_is_left_alone():
    other = Running(name="old", pid=os.getpid(), started=1)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)

    ask_to_end([other])

    signal.signal(signal.SIGTERM, before)
    assert not is_running(other)
