"""Imports between which no garbage is collected, and after which what they loaded is not looked through."""

from __future__ import annotations

import gc
import sys

import pytest

from airflow_mlmon.garbage import importing


@pytest.fixture(autouse=True)
def unfrozen():
    yield
    gc.unfreeze()


def test_what_a_new_module_loads_is_left_out_of_collections(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    gc.unfreeze()
    with importing("this"):
        assert not gc.isenabled()

    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_module_that_is_loaded_changes_nothing():
    gc.unfreeze()
    before = gc.get_freeze_count()
    with importing("sys"):
        assert not gc.isenabled()

    assert gc.get_freeze_count() == before
