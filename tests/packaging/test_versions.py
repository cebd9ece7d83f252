"""What the package asks for are versions that it was tested with: `make test-versions` keeps what it found."""

from __future__ import annotations

import json

import pytest
from packaging.version import Version

from tests.versions.sets import RESULTS, SETS, direct_requirements, project

FOUND = json.loads(RESULTS.read_text())
LOWEST = FOUND["lowest-3.11"]["packages"]


@pytest.mark.parametrize("name", [one.name for one in SETS])
def test_the_part_of_the_suite_passed_with_each_set(name):
    assert FOUND[name]["failed"] == 0
    assert FOUND[name]["passed"] > 200


def test_each_lower_bound_is_a_version_that_was_installed_and_tested():
    bounds = {
        one.name: Version(bound.version)
        for one in direct_requirements()
        for bound in one.specifier
        if bound.operator in {">=", "=="}
    }

    assert {name: Version(LOWEST[name]) for name in bounds} == bounds


def test_each_python_that_is_named_was_tested():
    named = {line.rpartition(" ")[2] for line in project()["classifiers"] if line.startswith("Programming Language")}

    assert {one.python for one in SETS} == named
