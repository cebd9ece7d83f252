"""Everything that `make serve` starts: S3, the service, a Prometheus that scrapes it, load, and the nightly runs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import boto3

from include.demo.services import ServiceError, Services
from include.demo.settings import CHECKOUT, Settings, environment
from include.demo.window import Window

SPEC = CHECKOUT / "include" / "serving" / "flights_served.yaml"
BUCKET = "mlmon-serving"
REFERENCE = "flights/reference/training.parquet"
SERVING_PYTHON = CHECKOUT / ".cache" / "environments" / "serving" / "bin" / "python"
_LOCUSTFILE = CHECKOUT / "include" / "serving" / "locustfile.py"
_USERS = "4"
_SCRAPE_S = 15.0
_PROMETHEUS = """\
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: flights
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingStack:
    """Processes of the example service and of what surrounds it, in the folder of the settings.

    Attributes:
        settings: folder, and port of the S3 server.
        services: starter of the processes.
        port: port of the service.
        prometheus_port: port of Prometheus.
    """

    settings: Settings
    services: Services
    port: int
    prometheus_port: int

    @property
    def files(self) -> Path:
        """Folder of the model, of what it learns from, and of what the service is asked."""
        return self.settings.folder / "serving"

    @property
    def address(self) -> str:
        """URL of the service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def prometheus_address(self) -> str:
        """URL of Prometheus."""
        return f"http://127.0.0.1:{self.prometheus_port}"

    @property
    def is_scraped(self) -> bool:
        """Return whether Prometheus was started."""
        return self._prometheus.exists()

    @property
    def _prometheus(self) -> Path:
        return self.settings.folder / "prometheus"

    def start_archive(self) -> None:
        """Start the S3 server."""
        self.services.start("s3", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.settings.s3_port))

    def train(self, window: Window) -> None:
        """Train the model, put its reference data set into the archive, and prepare the traffic of some days."""
        prepare = ("-m", "include.serving.prepare", str(self.files), str(window.first), str(window.last))
        self.services.start("prepare", *prepare)
        self.services.finish("prepare")
        self.services.run("train", str(SERVING_PYTHON), "-m", "include.serving.train", str(self.files))
        self.services.finish("train")
        self.services.wait_for_port("s3", self.settings.s3_port)
        client = self.archive()
        client.create_bucket(Bucket=BUCKET)
        client.upload_file(str(self.files / "reference" / "training.parquet"), BUCKET, REFERENCE)

    def archive(self) -> Any:
        """Return a client of the S3 server."""
        known = environment(self.settings, {})
        return boto3.client(
            "s3",
            endpoint_url=known["AWS_ENDPOINT_URL"],
            aws_access_key_id=known["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=known["AWS_SECRET_ACCESS_KEY"],
            region_name=known["AWS_DEFAULT_REGION"],
        )

    def start_service(self) -> None:
        """Start the service with the model that was trained."""
        app = ("uvicorn", "--factory", "include.serving.app:open_app", "--no-access-log")
        self.services.run("service", str(SERVING_PYTHON), "-m", *app, "--host", "127.0.0.1", "--port", str(self.port))
        self.services.wait_for_port("service", self.port)

    def start_prometheus(self) -> bool:
        """Start a Prometheus that scrapes the service; return False if none is installed."""
        binary = shutil.which("prometheus")
        if binary is None:
            return False
        folder = self._prometheus
        folder.mkdir()
        (folder / "prometheus.yml").write_text(_PROMETHEUS % self.port)
        places = (f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}")
        self.services.run("prometheus", binary, *places, f"--web.listen-address=127.0.0.1:{self.prometheus_port}")
        self.services.wait_for_port("prometheus", self.prometheus_port)
        return True

    def stop_service(self) -> None:
        """End the service, which writes what waits."""
        self.services.end_in_order("service")

    def replay(self, day: date) -> None:
        """Send the flights of a day and the labels delivered on it, by Locust, and wait until they are archived.

        Raises:
            ServiceError: a request failed, or rows could not be written.
        """
        name = f"load-{day}"
        command = ("-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--users", _USERS, "--spawn-rate", _USERS)
        traffic = ("--traffic", str(self.files), "--days", str(day), "--host", self.address, "--only-summary")
        self.services.run(name, str(SERVING_PYTHON), *command, *traffic)
        self.services.finish(name)
        if not self.ask("/flush", method="POST"):
            raise ServiceError("The service could not write all its rows; they wait in its memory.")

    def run_night(self, day: date, *options: str) -> None:
        """Monitor a day as it is done at night, with options of `mlmon run`."""
        name = f"night-{day}"
        command = ("-m", "airflow_mlmon.cli.main", "run", str(SPEC), "--partition", str(day), *options)
        self.services.start(name, *command)
        self.services.finish(name)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Return what the service answers."""
        with urlopen(Request(self.address + path, method=method), timeout=60) as reply:  # noqa: S310 - loopback
            return json.load(reply)

    def query(self, expression: str) -> dict[str, float]:
        """Return the values of a Prometheus query, by the status that each is of, as of a scrape that is yet to come.

        Raises:
            ServiceError: Prometheus does not scrape.
        """
        asked = time.time()
        deadline = asked + _SCRAPE_S
        while self._query("timestamp(up)").get("", 0.0) < asked:
            if time.time() > deadline:
                raise ServiceError(f"Prometheus has not scraped the service for {_SCRAPE_S:.0f} s.")
            time.sleep(0.1)
        return self._query(expression)

    def _query(self, expression: str) -> dict[str, float]:
        address = f"{self.prometheus_address}/api/v1/query?{urlencode({'query': expression})}"
        with urlopen(address, timeout=5) as reply:  # noqa: S310 - loopback
            found = json.load(reply)["data"]["result"]
        return {series["metric"].get("status", ""): float(series["value"][1]) for series in found}


def serving_environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the service, and of what surrounds it."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("SERVING_")}
    return environment(settings, kept) | {
        # the capture library is not installed beside the service
        "PYTHONPATH": str(CHECKOUT),
        "SERVING_MODEL_FOLDER": str(settings.folder / "serving" / "model"),
        "SERVING_SPEC": str(SPEC),
        # not one that another run has left
        "SERVING_SPOOL": str(settings.folder / "serving" / "spool"),
    }


def check_environment() -> None:
    """Check that the environment of the service is installed.

    Raises:
        ServiceError: it is not.
    """
    if not SERVING_PYTHON.exists() or not os.access(SERVING_PYTHON, os.X_OK):
        raise ServiceError("The environment of the service is not installed: run `make environments` first.")
