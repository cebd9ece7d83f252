"""Prometheus, its Alertmanager and its push gateway on loopback: Debian's packages."""

from __future__ import annotations

import json
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.support.processes import PATIENCE_S, await_ready, free_port, require, start, stop

_ALERTMANAGER = """\
route: {receiver: nobody, group_by: [model], group_wait: 1s, group_interval: 1s}
receivers: [{name: nobody}]
"""
_OF_GATEWAY = """\
global: {scrape_interval: 200ms}
scrape_configs:
  - job_name: pushed
    honor_labels: true
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""
# with the pages of Airflow below /sub
_OF_AIRFLOW = """\
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: mlmon
    metrics_path: /sub/mlmon/metrics
    authorization: {credentials: %s}
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


class _Server(ABC):
    """A process that answers HTTP; a test may kill it and hold it still."""

    binary: str
    ready = "/-/ready"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def arguments(self) -> list[str]:
        """What it is started with, besides its address."""

    def __enter__(self) -> Self:
        require(available=shutil.which(self.binary) is not None, what=f"{self.binary} (Debian's package of this name)")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        stop(self._process)

    def get(self, path: str, **query: Any) -> Any:
        """What it answers, from JSON."""
        with urlopen(f"{self.url}{path}?{urlencode(query, doseq=True)}", timeout=5) as reply:  # noqa: S310 - loopback
            return json.load(reply)

    def restart(self) -> None:
        """Kill it, and start it again at the same address."""
        self.kill()
        self._start()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._process.kill()
        self._process.wait()

    def _start(self) -> None:
        log = self.folder / f"{self.binary}.log"
        address = f"--web.listen-address=127.0.0.1:{self.port}"
        self._process = start([self.binary, address, *self.arguments()], log)
        await_ready(self._process, self._answers, log)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}{self.ready}", timeout=1) as reply:  # noqa: S310 - loopback
                return bool(reply.status == 200)
        except OSError:
            return False


class Alertmanager(_Server):
    """An Alertmanager that tells nobody."""

    binary = "prometheus-alertmanager"

    def arguments(self) -> list[str]:
        (self.folder / "am.yml").write_text(_ALERTMANAGER)
        place = [f"--config.file={self.folder / 'am.yml'}", f"--storage.path={self.folder / 'am'}"]
        # no gossip with others
        return [*place, "--cluster.listen-address="]

    def firing(self) -> list[dict[str, Any]]:
        """The alerts that fire now."""
        return list(self.get("/api/v2/alerts"))


class PushGateway(_Server):
    """A push gateway."""

    binary = "prometheus-pushgateway"

    def arguments(self) -> list[str]:
        return []


class Prometheus(_Server):
    """A Prometheus by a configuration."""

    binary = "prometheus"

    def __init__(self, folder: Path, configuration: str) -> None:
        super().__init__(folder)
        self.configuration = configuration

    @classmethod
    def of_gateway(cls, folder: Path, port: int) -> Self:
        """One that scrapes the push gateway of a port five times a second."""
        return cls(folder, _OF_GATEWAY % port)

    @classmethod
    def of_airflow(cls, folder: Path, port: int, token: str) -> Self:
        """One that scrapes the models of an Airflow every other second."""
        return cls(folder, _OF_AIRFLOW % (token, port))

    def arguments(self) -> list[str]:
        (self.folder / "prometheus.yml").write_text(self.configuration)
        return [
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            # what a test puts there is of another year
            "--storage.tsdb.retention.time=100y",
        ]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of each series that the expression gives now."""
        found = self.get("/api/v1/query", query=expression)["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in found]


def eventually(question: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """The first answer that is true, or the last one."""
    deadline = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer
