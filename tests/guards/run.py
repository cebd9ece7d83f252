"""Run of the mutations: `python -m tests.guards.run` takes out each guard in a copy, and expects its test to fail.

First the tests are run on the package as it is, because a test that fails or is skipped anyway proves nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

from tests.guards.marked import ROOT, Marked, find_marked
from tests.guards.mutations import MUTATIONS, Change

_COPIED = ("airflow_mlmon", "tests", "dags", "include")
_LINKED = (".cache", "build")
_LONGEST_S = 900
# seconds between the times of two versions of a file, by which Python knows that its bytecode is stale
_APART = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutations and print what became of each; return 1 if one survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.guards.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="KEY", default=list(MUTATIONS), choices=list(MUTATIONS))
    wanted = parser.parse_args(arguments).only
    tests = {marked.key: marked for marked in find_marked() if marked.key in wanted}
    with TemporaryDirectory(prefix="mlmon-guards-") as folder:
        copy = Copy(Path(folder))
        whole = copy.run(list(tests.values()))
        said = {}
        for key in wanted:
            before = outcome_of(tests[key], whole)
            said[key] = (
                f"{before} without it" if before != "passed" else copy.outcome_without(MUTATIONS[key], tests[key])
            )
            print(f"{key:18}{said[key]:24}{tests[key].file}::{tests[key].shown}", flush=True)  # noqa: T201 - for a person
    survived = [key for key in wanted if said[key] != "failed"]
    print(f"{len(wanted) - len(survived)} of {len(wanted)} mutations made their test fail")  # noqa: T201 - for a person
    return 1 if survived else 0


class Copy:
    """Copy of the package and its tests, in which one guard at a time is taken out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._version = 0
        for name in _COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _LINKED:
            if (ROOT / name).exists():
                (root / name).symlink_to(ROOT / name)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, root)

    def outcome_without(self, changes: Sequence[Change], test: Marked) -> str:
        """Return what becomes of a test after the changes, which are then undone."""
        files = {change.file: (self.root / "airflow_mlmon" / change.file).read_text() for change in changes}
        for change in changes:
            path = self.root / "airflow_mlmon" / change.file
            self._write(path, apply_change(path.read_text(), change))
        found = outcome_of(test, self.run([test]))
        for name, text in files.items():
            self._write(self.root / "airflow_mlmon" / name, text)
        return found

    def run(self, tests: Sequence[Marked]) -> ET.Element:
        """Run tests in the copy, and return pytest's report of them."""
        report = self.root / "report.xml"
        report.unlink(missing_ok=True)
        nodes = sorted({f"{test.file}::{test.name}" for test in tests})
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *nodes]
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, timeout=_LONGEST_S * len(nodes), check=False
        )
        return ET.parse(report).getroot() if report.exists() else ET.Element("nothing")  # noqa: S314 - pytest's own

    def _write(self, path: Path, text: str) -> None:
        self._version += _APART
        path.write_text(text)
        os.utime(path, (time.time() + self._version,) * 2)


def apply_change(text: str, change: Change) -> str:
    """Return the text of a file after a change.

    Raises:
        ValueError: what is to be replaced is not there exactly once.
    """
    if text.count(change.text) != 1:
        raise ValueError(f"{change.file} has {change.text!r} {text.count(change.text)} times instead of once")
    return text.replace(change.text, change.replacement)


def outcome_of(test: Marked, report: ET.Element) -> str:
    """Return what became of a test: failed if one of its cases did, passed if one did and none failed."""
    cases = [case for case in report.iter("testcase") if _is_of(test, case)]
    found = {child.tag for case in cases for child in case}
    if "failure" in found:
        return "failed"
    if "error" in found or not cases:
        return "broken"
    is_skipped = all(case.find("skipped") is not None for case in cases)
    return "skipped" if is_skipped else "passed"


def _is_of(test: Marked, case: ET.Element) -> bool:
    *within, name = test.name.split("::")
    module = ".".join([*Path(test.file).with_suffix("").parts, *within])
    found, _, parameters = case.attrib["name"].removesuffix("]").partition("[")
    is_one = parameters == test.parameter or parameters.startswith(f"{test.parameter}-")
    return case.attrib["classname"] == module and found == name and (not test.parameter or is_one)


if __name__ == "__main__":
    sys.exit(main())
