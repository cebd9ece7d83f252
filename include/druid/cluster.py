"""A real Druid on loopback: ZooKeeper and five services, started and stopped by their pids."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from include.demo.services import ServiceError, Services
from include.druid import jars, settings

READY_S = 180
_STOP_S = 3
# heap and direct memory, MB
_MEMORY = {
    "coordinator": (384, 128),
    "broker": (512, 300),
    "historical": (512, 400),
    "indexer": (1024, 400),
    "middleManager": (128, 64),
    "router": (128, 128),
}
INDEXER, MIDDLE_MANAGER = "indexer", "middleManager"
_READY_PATHS = (
    ("coordinator", "/druid/coordinator/v1/isLeader"),
    ("coordinator", "/druid/indexer/v1/isLeader"),
    ("historical", "/druid/historical/v1/readiness"),
    ("broker", "/druid/broker/v1/readiness"),
    ("router", "/status/selfDiscovered"),
)
_WORKERS = "/druid/indexer/v1/workers"


@dataclass(kw_only=True)
class DruidCluster:
    """Druid cluster in `home`, entirely on loopback.

    `ports` are free ones by default; `properties` are added to those of every service, and `environment` to this
    process's. With `outlive` the cluster survives this process, and `record` lists its processes.
    """

    home: Path
    release: jars.Release = jars.NEWEST
    worker: str = INDEXER
    ports: dict[str, int] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    record: Path | None = None
    outlive: bool = False
    ready_s: float | None = None

    @property
    def url(self) -> str:
        """URL of the router, which answers for all services."""
        return self.url_of("router")

    def url_of(self, service: str) -> str:
        """Return the URL of one service."""
        return f"http://localhost:{self.ports[service]}"

    def start(self) -> None:
        """Start all six and wait until they are ready.

        Raises:
            jars.UnavailableError: Java or the jars are not available.
            ServiceError: it was not ready in time, or a service ended; with the end of its log.
        """
        self._lib, self._java = jars.jars(self.release), jars.java()
        self.ports = _ports(["zookeeper", "derby", *self._names()], self.ports)
        self._write_settings()
        self._services = Services(
            {**os.environ, **self.environment},
            cwd=self.home,
            logs=self.home / "log",
            record=self.record or self.home / "running.json",
            outlive=self.outlive,
        )
        began = time.monotonic()
        try:
            self._start_zookeeper()
            for name in self._names():
                self.start_service(name)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.ready_s = time.monotonic() - began

    def stop(self) -> None:
        """Stop the processes started here."""
        self._services.stop(_STOP_S)

    def start_service(self, name: str) -> None:
        """Start one service, without waiting for it."""
        heap_mb, direct_mb = _MEMORY[name]
        memory = [f"-Xms{heap_mb}m", f"-Xmx{heap_mb}m", f"-XX:MaxDirectMemorySize={direct_mb}m"]
        path = ["-cp", f"conf/{name}:conf/common:{self._lib}/*", "org.apache.druid.cli.Main", "server", name]
        self._services.run(name, self._java, *settings.JAVA_FLAGS, *memory, *path)

    def kill_service(self, name: str) -> None:
        """End one service as a crash would."""
        self._services.kill(name)

    def wait_until_ready(self) -> None:
        """Wait until every service is ready.

        Raises:
            ServiceError: a service ended, or is not ready in time.
        """
        checks: list[tuple[str, Callable[[], bool]]] = [
            *((name, lambda name=name, path=path: self._json(name, path) is not None) for name, path in _READY_PATHS),
            (self.worker, lambda: bool(self._json("coordinator", _WORKERS))),
            ("router", lambda: self._json("router", _WORKERS) is not None),
        ]
        deadline = time.monotonic() + READY_S
        for name, is_ready in checks:
            while not is_ready():
                self._services.check()
                if time.monotonic() > deadline:
                    end = self._services.log_end(name)
                    raise ServiceError(f"Druid's {name} is not ready after {READY_S} s:\n{end}")
                time.sleep(0.25)

    def _names(self) -> list[str]:
        return ["coordinator", "broker", "historical", self.worker, "router"]

    def _start_zookeeper(self) -> None:
        heap = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dzookeeper.jmx.log4j.disable=true"]
        main = ["org.apache.zookeeper.server.quorum.QuorumPeerMain", "conf/zookeeper/zoo.cfg"]
        self._services.run("zookeeper", self._java, *heap, "-cp", f"conf/common:{self._lib}/*", *main)

    def _write_settings(self) -> None:
        for folder in ("var/tmp", "var/zookeeper", "log"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        for name, text in settings.files(self.ports, self.properties).items():
            path = self.home / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _json(self, service: str, path: str) -> Any:
        try:
            answer = requests.get(self.url_of(service) + path, timeout=5)
        except requests.RequestException:
            return None
        if answer.status_code != requests.codes.ok:
            return None
        return answer.json() if answer.content else True


def _ports(names: list[str], given: Mapping[str, int]) -> dict[str, int]:
    """Choose free ports, except for the given ones; all are held until all are found, so that none comes twice."""
    held = {name: socket.socket() for name in names if name not in given}
    try:
        for one in held.values():
            one.bind(("127.0.0.1", 0))
        return {**given, **{name: one.getsockname()[1] for name, one in held.items()}}
    finally:
        for one in held.values():
            one.close()
