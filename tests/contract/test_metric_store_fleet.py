"""Models and their audit trail in the metric store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from airflow_mlmon.fleet import AuditEntry, AuditKind, RegisteredModel
from tests.support.hostile import HOSTILE

FLIGHTS = RegisteredModel(
    model="flights",
    task="binary",
    owner="ops",
    team="delays",
    tags=("prod", "eu"),
    description="Late flights.",
    start=date(2013, 1, 1),
    end=date(2013, 12, 31),
    zone="America/New_York",
    spec="/specs/flights.yaml",
)
ENTRY = AuditEntry(
    kind=AuditKind.FORGET,
    day=date(2013, 3, 1),
    who="ann",
    why="run by mistake",
    detail="1 day",
    at=datetime(2013, 3, 4, 5, 6, tzinfo=UTC),
)


def test_a_model_comes_back_as_its_spec_described_it_last(store):
    store.register(FLIGHTS)
    store.register(replace(FLIGHTS, owner="ml"))
    store.register(RegisteredModel(model="bikes"))

    assert store.registered() == [RegisteredModel(model="bikes"), replace(FLIGHTS, owner="ml")]


def test_the_key_of_the_last_run_stays_until_another_run_has_one(store):
    assert store.register(replace(FLIGHTS, hash_key="0a1b2c3d")) is None
    assert store.register(replace(FLIGHTS, owner="ml")) == replace(FLIGHTS, hash_key="0a1b2c3d")
    assert store.registered() == [replace(FLIGHTS, owner="ml", hash_key="0a1b2c3d")]

    store.register(replace(FLIGHTS, hash_key="4e5f6a7b"))

    assert store.registered() == [replace(FLIGHTS, hash_key="4e5f6a7b")]


def test_a_spec_that_cannot_be_loaded_leaves_what_was_known(store):
    store.register(FLIGHTS)
    store.register_error("flights", "/specs/flights.yaml", "line 3: `ownr` is unknown")
    store.register_error("new", "/specs/new.yaml", "empty")

    assert store.registered() == [
        replace(FLIGHTS, error="line 3: `ownr` is unknown"),
        RegisteredModel(model="new", spec="/specs/new.yaml", error="empty"),
    ]


def test_the_audit_trail_keeps_every_entry_of_its_model(store):
    again = replace(ENTRY, kind=AuditKind.RUN_AGAIN, who="bob")
    for entry in (ENTRY, again, ENTRY):
        store.add_to_audit("flights", entry)
    store.add_to_audit("bikes", ENTRY)

    assert store.audit("flights") == [ENTRY, again, ENTRY]
    assert store.audit("bikes") == [ENTRY]


def test_texts_of_any_kind_are_kept(store):
    for text in HOSTILE:
        kept = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
        store.register(replace(FLIGHTS, owner=text, description=text))
        store.add_to_audit("flights", replace(ENTRY, who=text, why=text))

        assert store.registered() == [replace(FLIGHTS, owner=kept, description=kept)]
        assert store.audit("flights")[-1] == replace(ENTRY, who=kept, why=kept)
