"""Installs the wheel beside each set of versions and runs a part of the suite there: `make test-versions`.

Each set has an environment of its own in `.cache/versions`. What was found is kept in `tests/versions/results.json`, of
which the docs make their table, and which says how low the bounds of `pyproject.toml` may be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from tests.versions.sets import RESULTS, ROOT, SETS, VersionSet, direct_requirements, extras, find_python

ENVIRONMENTS = ROOT / ".cache" / "versions"
# whole days, in a real Airflow and on real S3 servers and databases; what reads files; what the first release stored
PART = (
    "tests/airflow/test_dag_day.py",
    "tests/airflow/test_scheduler.py",
    "tests/contract/test_metric_store.py",
    "tests/contract/test_object_store.py",
    "tests/integration/test_columns_on_s3.py",
    "tests/integration/test_day.py",
    "tests/integration/test_day_on_s3.py",
    "tests/integration/test_evidently_reports.py",
    "tests/packaging/test_provider_info.py",
    "tests/unit/tables/test_tables_files.py",
    "tests/unit/tables/test_tables_readers.py",
    "tests/upgrade/test_first_release.py",
    "tests/web/test_metrics.py",
)
# without bytecode every process would compile what it imports
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_UV = str(Path(sys.executable).with_name("uv"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sets, all or those that `--only` names, and print what came of them; return 1 unless all passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions.run", description=(__doc__ or "").splitlines()[0])
    names = [one.name for one in SETS]
    parser.add_argument("--only", nargs="+", metavar="SET", default=names, choices=names)
    parser.add_argument("--tests", nargs="+", metavar="PATH", help="other tests; their outcome is not kept")
    asked = parser.parse_args(arguments)
    wheel = _build_wheel()
    passed = []
    for versions in (one for one in SETS if one.name in asked.only):
        found = run_set(versions, wheel, asked.tests or PART)
        sys.stdout.write(f"{versions.name:14} {_line(found)}\n")
        sys.stdout.flush()
        passed.append(found.get("failed") == 0 and found["passed"] > 0)
        if not asked.tests and "passed" in found:
            _keep(versions.name, found)
    return 0 if all(passed) else 1


def run_set(versions: VersionSet, wheel: Path, tests: Sequence[str]) -> dict[str, Any]:
    """Make the environment of a set, run the tests in it, and return versions and numbers of tests."""
    found = find_python(versions.python)
    if found is None:
        return {"missing": f"there is no Python {versions.python} on this machine"}
    python = _install(versions, found, wheel)
    began = time.monotonic()
    outcome = _test(python, ENVIRONMENTS / f"{versions.name}.xml", tests)
    return {
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "python": _say([str(python), "-c", "import platform; print(platform.python_version())"]).strip(),
        **outcome,
        "seconds": round(time.monotonic() - began),
        "packages": _packages(python),
    }


def _build_wheel() -> Path:
    folder = ENVIRONMENTS / "dist"
    for old in folder.glob("*.whl"):
        old.unlink()
    _say([sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)])
    [wheel] = folder.glob("*.whl")
    return wheel


def _install(versions: VersionSet, found: str, wheel: Path) -> Path:
    """Make the environment anew: its packages, and the wheel as a user has it."""
    folder = ENVIRONMENTS / versions.name
    python = folder / "bin" / "python"
    _uv("venv", "--clear", "--python", found, str(folder))
    _uv("pip", "sync", "--python", str(python), str(_resolve(versions, python)))
    _uv("pip", "install", "--python", str(python), "--no-deps", str(wheel))
    return python


def _resolve(versions: VersionSet, python: Path) -> Path:
    wanted, pins = ENVIRONMENTS / f"{versions.name}.in", ENVIRONMENTS / f"{versions.name}.txt"
    wanted.write_text("".join(f"{line}\n" for line in versions.requirements()))
    pins.unlink(missing_ok=True)
    chosen = [word for name in extras() for word in ("--extra", name)]
    how = ["--resolution", versions.resolution(), "--python", str(python), "--no-header", "--no-emit-index-url"]
    _uv("pip", "compile", "pyproject.toml", str(wanted), *chosen, *how, "--output-file", str(pins))
    return pins


def _test(python: Path, report: Path, tests: Sequence[str]) -> dict[str, int]:
    report.unlink(missing_ok=True)
    options = ["-n", "2", "--no-loadscope-reorder", "-p", "no:cacheprovider", "--junit-xml", str(report)]
    # other versions than those of the lock may warn of what is to come
    options += ["--timeout", "3600", "-W", "ignore::FutureWarning", "-W", "ignore::DeprecationWarning"]
    with report.with_suffix(".log").open("wb") as log:
        command = [python, "-m", "pytest", "-q", *options, *tests]
        subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, check=False, env=_ENVIRONMENT)
    if not report.exists():
        return {"passed": 0, "failed": 1, "skipped": 0}
    [suite] = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 - pytest has just written it
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    return {
        "passed": count["tests"] - failed - count["skipped"],
        "failed": failed,
        "skipped": count["skipped"],
    }


def _packages(python: Path) -> dict[str, str]:
    listed = json.loads(_say([_UV, "pip", "list", "--format", "json", "--python", str(python)]))
    installed = {one["name"]: one["version"] for one in listed}
    return {name: installed[name] for name in sorted({one.name for one in direct_requirements()} & installed.keys())}


def _keep(name: str, found: dict[str, Any]) -> None:
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[name] = found
    ordered = {one.name: kept[one.name] for one in SETS if one.name in kept}
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")


def _line(found: dict[str, Any]) -> str:
    if "missing" in found:
        return str(found["missing"])
    said = " · ".join(f"{name} {found['packages'][name]}" for name in ("apache-airflow", "pandas", "numpy", "pyarrow"))
    counts = f"{found['passed']} passed, {found['failed']} failed, {found['skipped']} skipped"
    return f"Python {found['python']} · {said}: {counts} in {found['seconds']} s"


def _uv(*words: str) -> None:
    _say([_UV, "--quiet", "--no-progress", "--system-certs", "--no-python-downloads", *words])


def _say(command: Sequence[str]) -> str:
    """Run a command and return what it printed.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=_ENVIRONMENT)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
