"""Each fault and attack of the catalogue is proved by one test, and the tests bear no other keys."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from tests.guards.catalogue import ATTACKS, CATALOGUE, FAULTS
from tests.guards.marked import Marked, find_marked
from tests.guards.mutations import MUTATIONS
from tests.guards.run import apply_change, outcome_of
from tests.support.guards import PACKAGE


def test_every_key_has_exactly_one_test():
    assert Counter(marked.key for marked in find_marked()) == Counter(list(CATALOGUE))


def test_the_catalogue_is_whole():
    assert list(FAULTS) == [f"fault-{number:02}" for number in range(1, 52)]
    assert len(ATTACKS) >= 13


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("@pytest.mark.guards('a')\ndef test_x(): ...\n", [("a", "test_x", "")]),
        ("class TestX:\n    @pytest.mark.guards('a')\n    def test_x(self): ...\n", [("a", "TestX::test_x", "")]),
        (
            "@pytest.mark.parametrize('', [pytest.param(1, id='b', marks=pytest.mark.guards('a'))])\ndef test_x(): ...",
            [("a", "test_x", "b")],
        ),
        ("@pytest.mark.service\ndef test_guards(): 'mark.guards('\n", []),
    ],
)
def test_marks_are_found_wherever_they_stand(tmp_path, source, found):
    (tmp_path / "test_planted.py").write_text(source)

    assert [(marked.key, marked.name, marked.parameter) for marked in find_marked(tmp_path)] == found


def test_every_guard_can_be_taken_out():
    assert list(MUTATIONS) == list(CATALOGUE)


@pytest.mark.parametrize("key", MUTATIONS)
def test_what_a_mutation_replaces_is_there_once(key):
    files = {change.file: (PACKAGE / change.file).read_text() for change in MUTATIONS[key]}

    for change in MUTATIONS[key]:
        files[change.file] = apply_change(files[change.file], change)

    for name, text in files.items():
        compile(text, name, "exec")


@pytest.mark.parametrize(
    ("cases", "outcome"),
    [
        ('<testcase classname="tests.test_x.TestY" name="test_z[a-b]"/>', "passed"),
        ('<testcase classname="tests.test_x.TestY" name="test_z[a]"><failure/></testcase>', "failed"),
        ('<testcase classname="tests.test_x.TestY" name="test_z[a]"><skipped/></testcase>', "skipped"),
        ('<testcase classname="tests.test_x.TestY" name="test_z[a]"><error/></testcase>', "broken"),
        ('<testcase classname="tests.test_x.TestY" name="test_z[ab]"/>', "broken"),
        ('<testcase classname="tests.test_x" name="test_z[a]"/>', "broken"),
    ],
)
def test_outcome_is_that_of_the_marked_case(cases, outcome):
    marked = Marked(key="k", file="tests/test_x.py", name="TestY::test_z", parameter="a")

    assert outcome_of(marked, ET.fromstring(f"<suite>{cases}</suite>")) == outcome  # noqa: S314 - our own
