"""Assembly of Druid's jars from a Maven repository, once per release."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from include.demo.settings import CHECKOUT

CACHE = CHECKOUT / ".cache" / "druid"
_POM = Path(__file__).parent / "pom.xml"
_JAVA = 17
_FETCH_S = 420
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Version of Druid, with the profiles of the POM that are assembled with it."""

    version: str
    profiles: tuple[str, ...]


# the newest with available jars; the newest with SQL-based ingestion; the newest that reads S3
NEWEST = Release(version="33.0.0", profiles=("datasketches",))
WITH_SQL = Release(version="27.0.0", profiles=("sql", "hadoop-28"))
WITH_S3 = Release(version="25.0.0", profiles=("datasketches", "s3"))


class UnavailableError(Exception):
    """Druid is not available on this machine; the message says what is missing."""


def java() -> str:
    """Find the java to run Druid with.

    Raises:
        UnavailableError: no java is installed, or its version does not fit.
    """
    found = shutil.which("java")
    if found is None:
        raise UnavailableError(f"no java on the PATH: Druid needs Java {_JAVA}")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    version = said.partition('version "')[2].partition(".")[0].partition('"')[0]
    if version != str(_JAVA):
        raise UnavailableError(f"Druid needs Java {_JAVA}; the java on the PATH is {version or 'of unknown version'}")
    return found


def jars(release: Release) -> Path:
    """Return the folder of the jars of a release: from the cache, else from Maven.

    Raises:
        UnavailableError: Maven is not installed, or a jar is not available.
    """
    lib = CACHE / release.version / "lib"
    if lib.is_dir():
        return lib
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("no mvn on the PATH, and no jars of Druid in the cache")
    lib.parent.mkdir(parents=True, exist_ok=True)
    fetched = Path(tempfile.mkdtemp(dir=lib.parent, prefix="fetching-"))
    try:
        _fetch(maven, release, fetched)
        _publish(fetched, lib)
    finally:
        shutil.rmtree(fetched, ignore_errors=True)
    return lib


def _fetch(maven: str, release: Release, folder: Path) -> None:
    version = release.version
    command = [maven, "-B", "-q", "-f", str(_POM), f"-Ddruid.version={version}", "-P", ",".join(release.profiles)]
    command += [_COPY, "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"Maven did not fetch the jars of Druid {version} within {_FETCH_S} s") from error
    if run.returncode != 0:
        raise UnavailableError(f"Maven cannot fetch the jars of Druid {version}: {run.stdout[-600:]}")


def _publish(fetched: Path, lib: Path) -> None:
    """Rename the folder, so that it appears as a whole; another run may have been faster."""
    fetched.chmod(0o755)
    try:
        fetched.rename(lib)
    except OSError:
        if not lib.is_dir():
            raise
