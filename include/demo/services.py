"""Processes of the demo, started in sessions of their own, and stopped with all their forks."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

STOP_SECONDS = 20.0
HURRY_SECONDS = 4.0
_START_SECONDS = 180.0
_PAUSE_S = 0.05
_LOG_END = 2000
_PR_SET_PDEATHSIG = 1


class ServiceError(Exception):
    """A process of the demo failed or does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Process identified by pid and start time, because a pid may be reused."""

    name: str
    pid: int
    started: int


class Services:
    """Starter and supervisor of processes, which stops them when the context ends.

    Args:
        env: environment of the processes.
        cwd: working directory.
        logs: folder of their output.
        record: file that lists the running ones, for the command that stops them.
        outlive: leave them running when the context ends without a failure.
    """

    def __init__(self, env: Mapping[str, str], *, cwd: Path, logs: Path, record: Path, outlive: bool = False) -> None:
        self._env = env
        self._cwd = cwd
        self._logs = logs
        self._record = record
        self._outlive = outlive
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._asked = False

    def __enter__(self) -> Self:
        """Enter the context; nothing is started yet."""
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        """Stop everything, except processes that should stay after a success."""
        if failure is None and self._outlive:
            return
        # after a failure there may be tasks that the scheduler would wait for
        self.stop(STOP_SECONDS if failure is None else HURRY_SECONDS)

    def stop(self, seconds: float) -> None:
        """Stop everything; kill what has not ended after `seconds`."""
        # a second Ctrl-C must not leave anything behind
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.ask_to_stop()
        end(self._running(), seconds)
        kill_sessions(process.pid for process in self._processes.values())
        for process in self._processes.values():
            process.wait()
        self._record.unlink(missing_ok=True)
        signal.signal(signal.SIGINT, before)

    def start(self, name: str, *command: str) -> None:
        """Start a Python process; its output goes to a log of its own."""
        self.run(name, sys.executable, *command)

    def run(self, name: str, *command: str) -> None:
        """Start a process of any program."""
        with (self._logs / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=None if self._outlive else _end_with_parent,  # noqa: PLW1509 - it makes one system call
            )
        self._record.write_text(json.dumps([asdict(running) for running in self._running()], indent=1))

    def kill(self, name: str) -> None:
        """End a process as a crash would."""
        process = self._processes.pop(name)
        kill_sessions([process.pid])
        process.wait()

    def end_in_order(self, name: str) -> None:
        """End a process in order, and wait for it."""
        process = self._processes[name]
        running = [service for service in self._running() if service.pid == process.pid]
        ask_to_end(running)
        end(running, STOP_SECONDS)
        process.wait()
        del self._processes[name]

    def finish(self, name: str) -> None:
        """Wait for a process that ends by itself."""
        while self._processes[name].poll() is None:
            self.check(but=name)
            time.sleep(_PAUSE_S)
        if self._processes[name].returncode:
            raise self._failure(name)
        del self._processes[name]

    def log_end(self, name: str) -> str:
        """Return the last lines of a process's output."""
        return (self._logs / f"{name}.log").read_text(errors="replace")[-_LOG_END:]

    def wait_for_port(self, name: str, port: int) -> None:
        """Wait until a process accepts connections."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(_PAUSE_S)
        raise ServiceError(f"{name} did not answer within {_START_SECONDS:.0f} s; see {self._logs / name}.log")

    def check(self, *, but: str | None = None) -> None:
        """Raise an error if a process has failed."""
        for name, process in self._processes.items():
            if name != but and process.poll():
                raise self._failure(name)

    def ask_to_stop(self) -> None:
        """Send the first signal, once, without waiting."""
        if not self._asked:
            ask_to_end(self._running())
            self._asked = True

    def _running(self) -> list[Running]:
        return [
            Running(name=name, pid=process.pid, started=started)
            for name, process in self._processes.items()
            if process.poll() is None and (started := _start_of(process.pid)) is not None
        ]

    def _failure(self, name: str) -> ServiceError:
        log = self._logs / f"{name}.log"
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        code = self._processes[name].returncode
        return ServiceError(f"{name} exited with code {code}: {lines[-1].strip() if lines else ''}\n  log: {log}")


def ask_to_end(services: Iterable[Running]) -> None:
    """Send SIGTERM to processes that are still the same."""
    for service in services:
        if is_running(service):
            os.kill(service.pid, signal.SIGTERM)


def end(services: Sequence[Running], seconds: float) -> None:
    """Wait for processes to end, then kill what is left of them and all their forks."""
    deadline = time.monotonic() + seconds
    while any(map(is_running, services)) and time.monotonic() < deadline:
        time.sleep(_PAUSE_S)
    kill_sessions(service.pid for service in services)


def kill_sessions(leaders: Iterable[int]) -> None:
    """Kill every process of some sessions."""
    sessions = set(leaders)
    while left := _of_sessions(sessions):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE_S)


def is_running(service: Running) -> bool:
    """Return whether it is still the same process, and alive."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(service.pid, os.WNOHANG)
    return _start_of(service.pid) == service.started


def read_running(path: Path) -> list[Running]:
    """Read a list of processes and keep those alive; none if there is no list."""
    if not path.exists():
        return []
    return [service for item in json.loads(path.read_text()) if is_running(service := Running(**item))]


def _start_of(pid: int) -> int | None:
    """Return the start time of a living process, in kernel ticks."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state == "Z" else int(started)


def _of_sessions(sessions: set[int]) -> list[int]:
    """List the living processes of some sessions: a task has a process group of its own, but no session."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            pid = int(path.name)
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) in sessions and _start_of(pid) is not None:
                    found.append(pid)
    return found


def _end_with_parent() -> None:
    """Let the kernel end this child process when the demo itself is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
