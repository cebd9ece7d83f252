"""Many days' profiles in one object."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.bundle import bundle, unbundle
from airflow_mlmon.profiles.engine.local import profile_table
from airflow_mlmon.profiles.engine.pinning import pin_schema
from tests.support.profiles import loan_spec, loan_table

TABLE = loan_table(50, 1)
SCHEMA = pin_schema(loan_spec(), TABLE)
PROFILES = {date(2026, 3, day): profile_table(TABLE.slice(day), SCHEMA) for day in (2, 1)}


def test_what_is_bundled_comes_back_in_the_order_of_the_days():
    found = unbundle(bundle(PROFILES))

    assert found == PROFILES
    assert list(found) == sorted(PROFILES)
    assert unbundle(bundle({})) == {}


def test_damage_is_noticed():
    data = bytearray(bundle(PROFILES))
    data[-1] ^= 1

    with pytest.raises(StateError, match="damaged"):
        unbundle(bytes(data))
