"""A real Druid on loopback: ZooKeeper and five services, started and stopped by their own pids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.support.druid import jars, settings

READY_S = 180
_STOP_S = 3
_OPEN = [
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "sun.nio.ch", "jdk.internal.ref")),
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.io", "java.lang")),
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
]
_FLAGS = [
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:TieredStopAtLevel=1",
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
    "-Djava.io.tmpdir=var/tmp",
    "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
]
# heap and direct memory, MB
_MEMORY = {
    "coordinator": (384, 128),
    "broker": (512, 300),
    "historical": (512, 400),
    "indexer": (1024, 400),
    "router": (128, 128),
}
_PORTS = ("zookeeper", "derby", *_MEMORY)


class ClusterError(Exception):
    """Druid did not get ready; the message says which service, and the end of its log."""


@dataclass
class DruidCluster:
    """One Druid in `home`, all of it on loopback and free ports."""

    home: Path
    version: str = "33.0.0"
    ports: dict[str, int] = field(default_factory=dict)
    ready_s: float | None = None
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The router, which answers for all."""
        return self.url_of("router")

    def url_of(self, service: str) -> str:
        """One service's own address."""
        return f"http://localhost:{self.ports[service]}"

    def start(self) -> None:
        """Start all six and wait until they can work.

        Raises:
            jars.UnavailableError: Java or the jars cannot be had.
            ClusterError: it was not ready in time, or a service ended.
        """
        lib, java = jars.jars(self.version), jars.java()
        self.ports = self.ports or _free_ports()
        self._write_settings()
        began = time.monotonic()
        try:
            heap = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dzookeeper.jmx.log4j.disable=true"]
            main = ["org.apache.zookeeper.server.quorum.QuorumPeerMain", "conf/zookeeper/zoo.cfg"]
            self._spawn("zookeeper", [java, *heap, "-cp", f"conf/common:{lib}/*", *main])
            for name, (heap_mb, direct_mb) in _MEMORY.items():
                memory = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", f"-XX:MaxDirectMemorySize={direct_mb}m"]
                path = ["-cp", f"conf/{name}:conf/common:{lib}/*", "org.apache.druid.cli.Main", "server", name]
                self._spawn(name, [java, *_OPEN, *_FLAGS, *memory, *path])
            self._wait_until_ready(began + READY_S)
        except BaseException:
            self.stop()
            raise
        self.ready_s = time.monotonic() - began

    def stop(self) -> None:
        """Stop what was started here, and nothing else."""
        for process in self._processes.values():
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        self._processes.clear()

    def _write_settings(self) -> None:
        for folder in ("var/tmp", "var/zookeeper", "log"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for name, text in settings.files(self.ports).items():
            path = self.home / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _spawn(self, name: str, command: list[str]) -> None:
        with (self.home / "log" / f"{name}.log").open("wb") as output:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self, deadline: float) -> None:
        checks: list[tuple[str, Callable[[], bool]]] = [
            ("coordinator", lambda: self._answers("coordinator", "/druid/coordinator/v1/isLeader")),
            ("coordinator", lambda: self._answers("coordinator", "/druid/indexer/v1/isLeader")),
            ("historical", lambda: self._answers("historical", "/druid/historical/v1/readiness")),
            ("broker", lambda: self._answers("broker", "/druid/broker/v1/readiness")),
            ("router", lambda: self._answers("router", "/status/selfDiscovered")),
            ("indexer", lambda: bool(self._json("coordinator", "/druid/indexer/v1/workers"))),
            ("router", lambda: self._answers("router", "/druid/indexer/v1/workers")),
        ]
        for name, is_ready in checks:
            while not is_ready():
                if ended := [other for other, process in self._processes.items() if process.poll() is not None]:
                    raise ClusterError(f"Druid's {ended[0]} ended:\n{self._log_end(ended[0])}")
                if time.monotonic() > deadline:
                    raise ClusterError(f"Druid's {name} is not ready after {READY_S} s:\n{self._log_end(name)}")
                time.sleep(0.25)

    def _answers(self, service: str, path: str) -> bool:
        return self._json(service, path) is not None

    def _json(self, service: str, path: str) -> Any:
        try:
            answer = requests.get(self.url_of(service) + path, timeout=5)
        except requests.RequestException:
            return None
        if answer.status_code != requests.codes.ok:
            return None
        return answer.json() if answer.content else True

    def _log_end(self, name: str) -> str:
        return (self.home / "log" / f"{name}.log").read_text(errors="replace")[-2000:]


def _free_ports() -> dict[str, int]:
    """Ports that are free now; all are held until all are found, so that none comes twice."""
    held = [socket.socket() for _ in _PORTS]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(_PORTS, held, strict=True)}
    finally:
        for one in held:
            one.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
