"""Processes of docker-compose.yaml without docker: its commands, environment, files and health checks.

What differs from docker is here, and nothing else: each address of the file, as `s3:7070`, `0.0.0.0:7070` and
`127.0.0.1:7070`, becomes a free port on loopback, in commands, variables, health checks and single files that are
mounted; each path in a container becomes one below a folder; a variable that names a service which is not started is
left out; and an image is the program that is installed here.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.postgres import private_postgres
from tests.support.processes import require, start, stop

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yaml"
BIN = Path(sys.executable).parent
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<text>[^}]*))?\})")
_START_S = 240.0
_STOP_S = 2.0
# of another Airflow, or of AWS
_FOREIGN = ("AIRFLOW", "AWS_", "OTEL_", "MLMON_")


class ComposeError(Exception):
    """The file asks for what is not there, or a process of it failed."""


def read(secrets: Mapping[str, str]) -> dict[str, Any]:
    """Read the file with its variables replaced, as docker does.

    Raises:
        ComposeError: a variable that it needs has no value.
    """
    return yaml.safe_load(interpolate(FILE.read_text(), secrets))


def interpolate(text: str, values: Mapping[str, str]) -> str:
    """Replace the variables of a text."""

    def value(found: re.Match[str]) -> str:
        if found["name"] is None:
            return "$"
        if given := values.get(found["name"]):
            return given
        if found["how"] == "-":
            return str(found["text"])
        raise ComposeError(f"{found['name']} has no value: {found['text']}")

    return _VARIABLE.sub(value, text)


def made_secrets(folder: Path) -> dict[str, str]:
    """The secrets that the command for it makes."""
    file = folder / "env"
    subprocess.run([ROOT / "include" / "deploy" / "make-env", file], check=True)
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _installed(name: str, package: str, *folders: Path) -> Callable[[Sequence[str]], list[str]]:
    def program(arguments: Sequence[str]) -> list[str]:
        path = os.pathsep.join([os.environ["PATH"], *map(str, folders)])
        found = shutil.which(name, path=path)
        require(available=found is not None, what=f"{name} ({package})")
        return [str(found), *arguments]

    return program


def _airflow(arguments: Sequence[str]) -> list[str]:
    """As the image's entrypoint: subcommands of airflow, unless it is a shell or Python."""
    if arguments[0] in {"bash", "python"}:
        return [arguments[0] if arguments[0] == "bash" else sys.executable, *arguments[1:]]
    return [str(BIN / "airflow"), *arguments]


# the command line of each image, of the command in the file
IMAGES = {
    "airflow-mlmon": _airflow,
    "airflow-mlmon-demo": _airflow,
    "ghcr.io/versity/versitygw": _installed("versitygw", "make versitygw builds it with Go", ROOT / ".cache" / "bin"),
    "prom/prometheus": _installed("prometheus", "Debian's package of this name"),
    "prom/alertmanager": _installed("prometheus-alertmanager", "Debian's package of this name"),
    "otel/opentelemetry-collector-contrib": _installed("otelcol", "make otelcol", ROOT / ".cache" / "bin"),
}


class Composed:
    """Some services of the file, started in the order of `depends_on`."""

    def __init__(self, folder: Path, services: Sequence[str], secrets: Mapping[str, str]) -> None:
        self.folder = folder
        self.secrets = secrets
        self.file = read(secrets)
        self.services: dict[str, Any] = self.file["services"]
        self.names = list(services)
        self._ports: dict[tuple[str, int], int] = {}
        self._kept: list[socket.socket] = []
        self._published = {
            int(port.split(":")[-1]): name
            for name, service in self.services.items()
            for port in service.get("ports", [])
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._mount()
            # it ends last
            self._databases = stack.enter_context(ExitStack())
            stack.callback(self._stop)
            self._start(self.names)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def port(self, service: str, port: int) -> int:
        """The port on loopback of what listens on a port in a container."""
        if (service, port) not in self._ports:
            # kept, lest another process takes it first; who binds it to listen may, beside one that does not listen
            kept = socket.socket()
            kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.bind(("127.0.0.1", 0))
            self._kept.append(kept)
            self._ports[service, port] = int(kept.getsockname()[1])
        return self._ports[service, port]

    def run(self, name: str, *command: str, **variables: str) -> str:
        """Run a service, or another command in it, to its end, as `docker compose run`; its output."""
        arguments, environment = self._process(name, command or None)
        done = subprocess.run(
            arguments, env=environment | variables, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ComposeError(f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def log(self, name: str) -> str:
        """The last lines of a service's output."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]

    def check(self) -> None:
        """Fail when a process has ended that should not have."""
        for name, process in self._processes.items():
            if process.poll() is not None and self.services[name]["restart"] != "no":
                raise ComposeError(f"{name} ended with {process.returncode}:\n{self.log(name)}")

    def _start(self, names: Sequence[str]) -> None:
        waiting, ready = list(names), set[str]()
        deadline = time.monotonic() + _START_S
        while waiting or ready != set(names):
            for name in [name for name in waiting if self._may_start(name, ready)]:
                waiting.remove(name)
                self._launch(name)
            ready |= {name for name in names if name not in waiting and name not in ready and self._is_ready(name)}
            self.check()
            if time.monotonic() > deadline:
                missing = sorted(set(names) - ready)
                raise ComposeError(f"not healthy: {missing}\n" + "\n".join(map(self.log, missing)))
            time.sleep(0.5)

    def _may_start(self, name: str, ready: set[str]) -> bool:
        return ready >= set(self.services[name].get("depends_on", {})) & set(self.names)

    def _launch(self, name: str) -> None:
        if name == "postgres":
            self._start_postgres()
            return
        arguments, environment = self._process(name)
        self._processes[name] = start(arguments, self.folder / f"{name}.log", environment)

    def _is_ready(self, name: str) -> bool:
        """Whether it is healthy, or has ended well where it is to end."""
        service = self.services[name]
        if service["restart"] == "no":
            code = self._processes[name].poll()
            if code:
                raise ComposeError(f"{name} ended with {code}:\n{self.log(name)}")
            return code == 0
        if "healthcheck" not in service:
            return True
        kind, *test = self.at_loopback(service["healthcheck"]["test"], name)
        command = test if kind == "CMD" else ["sh", "-c", *test]
        return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0

    def _process(self, name: str, command: Sequence[str] | None = None) -> tuple[list[str], dict[str, str]]:
        """Command line and environment of a service."""
        service = self.services[name]
        program = IMAGES[service["image"].rpartition(":")[0]]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        own = {
            key: self.at_loopback(str(value), name)
            for key, value in service.get("environment", {}).items()
            if not self._names_absent(str(value))
        }
        # what Airflow's image sets, and where its API server listens
        own |= {
            "AIRFLOW_HOME": f"{self.folder}/opt/airflow",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port("api-server", 8080)),
        }
        paths = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
        return program(self.at_loopback(command or service["command"], name)), kept | own | paths

    def _names_absent(self, text: str) -> bool:
        absent = set(self.services) - set(self.names)
        return any(re.search(rf"//(?:[^/@]*@)?{name}:\d", text) for name in absent)

    def at_loopback(self, text: Any, service: str) -> Any:
        """Put this machine's addresses and paths into a text of the file, or into each of a list."""
        if not isinstance(text, str):
            return [self.at_loopback(each, service) for each in text]

        def address(found: re.Match[str]) -> str:
            name, port = found["name"], int(found["port"])
            if name in {"localhost", "127.0.0.1", "0.0.0.0"}:  # noqa: S104 - as it stands in the file
                name = self._published.get(port, service) if name == "localhost" else service
            return f"127.0.0.1:{self.port(name, port)}"

        names = "|".join(map(re.escape, [*self.services, "localhost", "127.0.0.1", "0.0.0.0"]))  # noqa: S104
        text = re.sub(rf"(?<![\w.-])(?P<name>{names}):(?P<port>\d+)", address, text)
        # as the collector has it
        text = re.sub(r"host: 0\.0\.0\.0, port: (\d+)", lambda found: self._listening(service, int(found[1])), text)
        return re.sub(rf"(?<![\w./])(?=(?:{self._targets})(?![\w-]))", str(self.folder), text)

    def _listening(self, service: str, port: int) -> str:
        return f"host: 127.0.0.1, port: {self.port(service, port)}"

    @property
    def _targets(self) -> str:
        """Pattern of the paths in containers that are not those of this machine."""
        volumes = (entry for service in self.services.values() for entry in service.get("volumes", []))
        return "|".join(["/opt/airflow", "/run/secrets", *{entry.split(":")[1] for entry in volumes}])

    def _mount(self) -> None:
        """Make the folder what the containers see: folders as links, files as copies with addresses of here."""
        for name in self.names:
            for source, target in self._mounts(name):
                here = self.folder / target.lstrip("/")
                here.parent.mkdir(parents=True, exist_ok=True)
                if here.exists():
                    continue
                if source.is_file():
                    here.write_text(self.at_loopback(source.read_text(), name))
                else:
                    here.symlink_to(source)
        secrets = self.folder / "run" / "secrets"
        secrets.mkdir(parents=True)
        for name, secret in self.file["secrets"].items():
            (secrets / name).write_text(self.secrets[secret["environment"]])

    def _mounts(self, name: str) -> Iterator[tuple[Path, str]]:
        """Source and target of each volume of a service; what is docker's is one folder for all of them."""
        for entry in self.services[name].get("volumes", []):
            source, target, *_ = entry.split(":")
            if not source.startswith("."):
                (self.folder / "volumes" / source).mkdir(parents=True, exist_ok=True)
                source = str(self.folder / "volumes" / source)
            yield ROOT / source, target

    def _start_postgres(self) -> None:
        """As the image's entrypoint: a server with the superuser's password, and the scripts of its folder."""
        service = self.services["postgres"]
        settings, port = service["environment"], self.port("postgres", 5432)
        (self.folder / "postgres.log").touch()
        self._databases.enter_context(
            private_postgres(user=settings["POSTGRES_USER"], password=settings["POSTGRES_PASSWORD"], port=port)
        )
        environment = {**os.environ, **settings, "PGHOST": "127.0.0.1", "PGPORT": str(port)}
        [script] = [source for source, target in self._mounts("postgres") if "initdb.d" in target]
        subprocess.run([str(script)], check=True, env=environment | {"PGPASSWORD": settings["POSTGRES_PASSWORD"]})

    def _stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        ends = time.monotonic() + _STOP_S
        for process in self._processes.values():
            stop(process, seconds=max(0.0, ends - time.monotonic()))
        for port in self._kept:
            port.close()
