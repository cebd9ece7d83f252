"""Each fault and attack of the catalogue is proved by one test, and the tests bear no other keys."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.guards.catalogue import ATTACKS, CATALOGUE, FAULTS
from tests.guards.marked import find_marked


def test_every_key_has_exactly_one_test():
    assert Counter(marked.key for marked in find_marked()) == Counter(list(CATALOGUE))


def test_the_catalogue_is_whole():
    assert list(FAULTS) == [f"fault-{number:02}" for number in range(1, 39)]
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
