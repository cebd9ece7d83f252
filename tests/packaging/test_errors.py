"""Every error of the tree survives a process border and says what to do."""

from __future__ import annotations

import pickle

import pytest

from airflow_mlmon import errors

TREE = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MlmonError)]


@pytest.mark.parametrize("kind", TREE)
def test_error_keeps_everything_when_it_is_pickled(kind):
    error = pickle.loads(pickle.dumps(kind("It broke.", hint="mend it", column="x")))  # noqa: S301 - our own bytes

    assert type(error) is kind
    assert str(error) == "It broke. Hint: mend it"
    assert error.facts == {"column": "x"}


@pytest.mark.parametrize("kind", TREE)
def test_error_is_drawn_in_the_tree(kind):
    line = next(line for line in errors.__doc__.splitlines() if kind.__name__ in line.split())

    assert (" R" in line) == kind.retryable
    assert kind.__doc__
