"""Findings on the machine: versions of packages, room on its disks, and the workers of its Airflow."""

from __future__ import annotations

import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from airflow_mlmon.doctor.diagnosis import Diagnosis, doubtful, good, wrong
from airflow_mlmon.hooks.workers import AirflowWorkers
from airflow_mlmon.profiles.values.kernels import kernels

PACKAGE = "airflow-mlmon"
_NAMED = ("apache-airflow", "pandas", "pyarrow", "evidently", "great-expectations")
# a deployment needs neither
_OF_THE_CHECKOUT = frozenset({"test", "demo"})
_LITTLE, _TOO_LITTLE = 5 << 30, 200 << 20
_SHARED = ("CeleryExecutor", "KubernetesExecutor")
_FORKING = ("LocalExecutor", "CeleryExecutor")


def check_versions() -> Iterator[Diagnosis]:
    """Check Python and each installed package against what this release asks for."""
    part, about = "versions", metadata(PACKAGE)
    mistakes = [*_of_python(part, about["Requires-Python"] or ""), *_of_packages(part, _extras())]
    if not mistakes:
        named = ", ".join(f"{name} {version(name)}" for name in _NAMED)
        yield good(part, f"airflow-mlmon {about['Version']}, Python {platform.python_version()}, {named}")
    yield from mistakes
    if kernels is None:
        said = "the compiled kernels are missing: results are the same, profiles take several times as long"
        yield doubtful(part, said, "install a wheel, or have a C compiler where it is installed from source")


def _of_python(part: str, wanted: str) -> Iterator[Diagnosis]:
    if not SpecifierSet(wanted).contains(platform.python_version(), prereleases=True):
        yield wrong(part, f"Python {platform.python_version()} runs this, which needs {wanted}", "use another Python")


def _extras() -> list[str]:
    return ["", *(set(metadata(PACKAGE).get_all("Provides-Extra") or ()) - _OF_THE_CHECKOUT)]


def _of_packages(part: str, extras: list[str]) -> Iterator[Diagnosis]:
    told = set()
    for text in requires(PACKAGE) or ():
        wanted = Requirement(text)
        asked = [extra for extra in extras if wanted.marker is None or wanted.marker.evaluate({"extra": extra})]
        is_needed = "" in asked
        if not asked or wanted.name in told or wanted.name == PACKAGE:
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            if is_needed:
                yield wrong(part, f"{wanted.name} is not installed", f"pip install '{wanted.name}{wanted.specifier}'")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            told.add(wanted.name)
            said = f"{wanted.name} {found} is installed, but airflow-mlmon needs {wanted.specifier}"
            yield wrong(part, said, f"pip install '{wanted.name}{wanted.specifier}'")


def check_disk(places: dict[str, Path]) -> Iterator[Diagnosis]:
    """Check the room on the disks of temporary files and of other places, by their use."""
    for use, place in {"temporary files": Path(tempfile.gettempdir()), **places}.items():
        folder = next(one for one in (place, *place.parents) if one.exists())
        free = shutil.disk_usage(folder).free
        said = f"{free / (1 << 30):.1f} GiB free for {use} in {place}"
        hint = "free space there" + (", or let TMPDIR name a larger disk" if use == "temporary files" else "")
        if free < _TOO_LITTLE:
            yield wrong("disk", said, hint)
        elif free < _LITTLE:
            yield doubtful("disk", f"{said}: a large day takes the size of its rows", hint)
        else:
            yield good("disk", said)


def check_workers(found: AirflowWorkers | None, store: str) -> Iterator[Diagnosis]:
    """Check how the workers of an Airflow start their tasks; nothing where there is none."""
    if found is None:
        return
    part = "workers"
    if store.startswith("sqlite") and any(name in found.executor for name in _SHARED):
        said = f"the store is SQLite, a file of one machine, and {found.executor} runs tasks on several"
        yield wrong(part, said, "set [mlmon] store to PostgreSQL or MySQL")
    if not any(name in found.executor for name in _FORKING):
        yield good(part, f"{found.executor}: each task is a process of its own")
        return
    if found.starts_anew:
        said = "[core] execute_tasks_new_python_interpreter lets each task import everything anew"
        yield doubtful(part, said, "unset it, unless something else needs it: it costs three CPU seconds a task")
    elif not found.preloads:
        said = f"{found.executor} forks its tasks, and imports nothing before: three CPU seconds a task"
        yield doubtful(part, said, "call preload_tasks() in airflow_local_settings.py, as operating.md shows")
    else:
        yield good(part, f"{found.executor}, with what the tasks need imported before it forks them")
