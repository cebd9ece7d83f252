"""Sets of versions that airflow_mlmon is tested with, and what each environment of them holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
RESULTS = Path(__file__).with_name("results.json")
TEST = "test"
# of the tests that run there
_TOOLS = (
    "aiosmtpd",
    "apache-airflow-providers-smtp",
    "beautifulsoup4",
    "editables",
    "hatchling",
    "hypothesis",
    "playwright",
    "pytest",
    "pytest-timeout",
    "pytest-xdist",
)
# what Airflow asks for: beside the newest exporter there can be no lower version of OpenTelemetry's API
_LOWEST = ("opentelemetry-exporter-otlp==1.27.0",)
# with which its image is built, save those that need a compiler and headers (ldap, mysql)
_IMAGE = (
    "apache-airflow[aiobotocore,amazon,async,celery,cncf-kubernetes,common-io,common-messaging,docker,elasticsearch,fab,"
    "ftp,git,google,google-auth,graphviz,grpc,hashicorp,http,microsoft-azure,odbc,openlineage,pandas,postgres,redis,"
    "sendgrid,sftp,slack,snowflake,ssh,statsd]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSet:
    """Python, and how the versions of the packages are chosen."""

    name: str
    python: str
    chosen: Literal["lowest", "image", "newest"]
    about: str

    def requirements(self) -> list[str]:
        """Return what is resolved beside `pyproject.toml`; the tools of the tests are those of the lock."""
        beside = {"lowest": _LOWEST, "image": (f"{_IMAGE}=={locked_version('apache-airflow')}",)}
        return [*(f"{name}=={locked_version(name)}" for name in _TOOLS), *beside.get(self.chosen, ())]

    def resolution(self) -> str:
        """Return uv's word for it."""
        return "lowest-direct" if self.chosen == "lowest" else "highest"


SETS = (
    VersionSet(name="lowest-3.11", python="3.11", chosen="lowest", about="lowest of each that `pyproject.toml` takes"),
    VersionSet(
        name="image-3.12", python="3.12", chosen="image", about="with the providers of Airflow's image, resolved as one"
    ),
    VersionSet(name="newest-3.13", python="3.13", chosen="newest", about="newest of each on the registry"),
)


def project() -> dict[str, Any]:
    """Return the section `project` of `pyproject.toml`."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])


def extras() -> list[str]:
    """Return the extras that a user may ask for."""
    return [name for name in project()["optional-dependencies"] if name != TEST]


def direct_requirements() -> Iterator[Requirement]:
    """Yield what the package asks for, itself and in its extras."""
    declared = project()
    for lines in [declared["dependencies"], *(declared["optional-dependencies"][name] for name in extras())]:
        yield from map(Requirement, lines)


def locked_version(name: str) -> str:
    """Return the version of a package in the lock.

    Raises:
        ValueError: there is none, or one for each Python.
    """
    [found] = re.findall(rf"^{re.escape(name)}==(\S+)", LOCK.read_text(), flags=re.MULTILINE)
    return str(found)


def find_python(version: str) -> str | None:
    """Return a Python of this machine, on the PATH or of pyenv; nothing is downloaded."""
    on_path = filter(None, [shutil.which(f"python{version}")])
    ours = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    asked = (str(one) for one in [*ours, *on_path] if _runs(str(one)))
    return next(asked, None)


def _runs(python: str) -> bool:
    """Whether it starts: pyenv's links fail where the version is not chosen."""
    return subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0
