"""No two public functions, classes or aliases of types share a name and mean different things."""

from __future__ import annotations

from tests.support.guards import PACKAGE, repeated_names

ALLOWED = {
    # alembic calls each migration by these names
    "downgrade",
    "upgrade",
}


def test_public_name_is_defined_in_one_module():
    assert {name: found for name, found in repeated_names(PACKAGE).items() if name not in ALLOWED} == {}
