"""Starts real components on loopback and stops exactly what was started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

# what is late only because the machine is busy is waited for so long
PATIENCE_S = 120.0


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def require(*, available: bool, what: str) -> None:
    """Skip the test where a component cannot be had; in CI that is a failure."""
    if not available:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{what} is missing, and CI must run every real component")
        pytest.skip(f"{what} is not installed on this machine")


def start(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output in `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )


def await_ready(process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path) -> None:
    """Wait until the process answers; fail with its log when it ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        if is_ready():
            return
        time.sleep(0.05)
    stop(process)
    raise RuntimeError(f"{process.args} was not ready within {PATIENCE_S:g} s:\n{log.read_text()[-2000:]}")


def stop(process: subprocess.Popen[bytes], seconds: float = 10) -> None:
    """Ask the process to end, then end its whole group."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(port: int) -> bool:
    """Whether something listens on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
