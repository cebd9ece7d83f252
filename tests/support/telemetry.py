"""The real collector on its very configuration, and a receiver of OTLP in the place of Tempo and Loki."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.request import urlopen

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.support.druid.scripted import Received, Reply, serving
from tests.support.environments import ROOT
from tests.support.processes import await_ready, free_port, require, start, stop
from tests.support.spans import ReceivedSpan, spans_of

OTELCOL = ROOT / ".cache" / "bin" / "otelcol"
CONFIGURATION = ROOT / "include" / "deploy" / "opentelemetry" / "collector.yaml"


@dataclass(frozen=True, kw_only=True)
class ReceivedLine:
    """A line of a log as OTLP carries it; the ids are in hexadecimal digits, the time in nanoseconds since 1970."""

    text: str
    trace: str
    span: str
    at: int
    severity: str
    resource: dict[str, str]
    attributes: dict[str, str]


class Backends:
    """Takes spans as Tempo does, and lines as Loki does, while it is willing; else it answers 503."""

    def __init__(self) -> None:
        self.is_willing = True
        self.refused = 0
        self._taken: list[Received] = []

    def answer(self, request: Received) -> Reply:
        """Take a request, or refuse it."""
        if not self.is_willing:
            self.refused += 1
            return Reply(status=503)
        is_packed = request.headers.get("Content-Encoding") == "gzip"
        self._taken.append(replace(request, body=gzip.decompress(request.body)) if is_packed else request)
        return Reply(body=b"", kind="application/x-protobuf")

    @property
    def spans(self) -> list[ReceivedSpan]:
        """What Tempo would have."""
        return [span for request in list(self._taken) if request.path == "/v1/traces" for span in spans_of(request)]

    @property
    def lines(self) -> list[ReceivedLine]:
        """What Loki would have."""
        return [line for request in list(self._taken) if request.path == "/otlp/v1/logs" for line in _lines(request)]


class Collector:
    """The collector by include/deploy/opentelemetry/collector.yaml, its addresses, folders and patience replaced."""

    # or lines that were read a tenth of a second before a crash would be lost
    ARGUMENTS: ClassVar = ["--feature-gates=stanza.synchronousLogEmitter"]
    # what Airflow is told besides the address
    ENVIRONMENT: ClassVar = {
        "AIRFLOW__TRACES__OTEL_ON": "True",
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__METRICS__LEGACY_NAMES_ON": "False",
        "OTEL_SERVICE_NAME": "airflow",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        # for its spans Airflow asks for the name of an exporter instead
        "OTEL_TRACES_EXPORTER": "otlp_proto_http",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
    }

    def __init__(self, folder: Path, *, backends: str, logs: Path) -> None:
        self.folder = folder
        self._ports = {port: free_port() for port in (4317, 4318, 8888, 8889, 13133)}
        replaced = {
            "http://tempo:4318": backends,
            "http://loki:3100": backends,
            "/var/log/airflow": str(logs),
            "/var/lib/otelcol": str(folder / "otelcol"),
            "poll_interval: 10s": "poll_interval: 1s",
            # of its own metrics
            "host: 0.0.0.0, port: 8888": f"host: 127.0.0.1, port: {self._ports[8888]}",
            **{f"0.0.0.0:{port}": f"127.0.0.1:{own}" for port, own in self._ports.items() if port != 8888},
        }
        configuration = CONFIGURATION.read_text()
        for theirs, ours in replaced.items():
            assert theirs in configuration, theirs
            configuration = configuration.replace(theirs, ours)
        (folder / "collector.yaml").write_text(configuration)

    def __enter__(self) -> Self:
        require(available=OTELCOL.exists(), what="otelcol (make otelcol)")
        log = self.folder / "otelcol.log"
        command = [str(OTELCOL), "--config", str(self.folder / "collector.yaml"), *self.ARGUMENTS]
        self._process = start(command, log)
        await_ready(self._process, self._is_healthy, log)
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    @property
    def environment(self) -> dict[str, str]:
        """What Airflow needs to send its traces and metrics."""
        return {**self.ENVIRONMENT, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self._ports[4318]}"}

    def restart(self) -> None:
        """Kill it as a crash does, and start it again."""
        self._process.kill()
        self._process.wait()
        self.__enter__()

    def scrape(self, port: int) -> str:
        """The metrics that Prometheus reads: 8889 those that were sent, 8888 its own."""
        with urlopen(f"http://127.0.0.1:{self._ports[port]}/metrics", timeout=5) as reply:
            return str(reply.read().decode())

    def _is_healthy(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._ports[13133]}", timeout=1) as reply:
                return bool(json.load(reply)["status"] == "Server available")
        except OSError:
            return False


@contextmanager
def collecting(folder: Path, logs: Path) -> Iterator[tuple[Collector, Backends]]:
    """A collector of the logs in a folder, and what takes them from it."""
    backends = Backends()
    with serving(backends.answer) as server, Collector(folder, backends=server.url, logs=logs) as collector:
        yield collector, backends


def _lines(request: Received) -> list[ReceivedLine]:
    return [
        ReceivedLine(
            text=line.body.string_value,
            trace=line.trace_id.hex(),
            span=line.span_id.hex(),
            at=line.time_unix_nano,
            severity=line.severity_text,
            resource=_plain(resource.resource.attributes),
            attributes=_plain(line.attributes),
        )
        for resource in ExportLogsServiceRequest.FromString(request.body).resource_logs
        for scope in resource.scope_logs
        for line in scope.log_records
    ]


def _plain(attributes: Any) -> dict[str, str]:
    """Attributes of texts as a dictionary."""
    return {one.key: one.value.string_value for one in attributes}
