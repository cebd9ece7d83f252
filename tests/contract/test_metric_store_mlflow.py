"""What MLflow said, in the metric store: an alias is recorded once a day, and a source with each accepted digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from airflow_mlmon.store.mlflow_store import NamedVersion, ReferenceSource
from tests.support.hostile import HOSTILE

AT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = date(2026, 3, 1)
ALIAS = "models:/fraud@champion"
SOURCE = ReferenceSource(source="models:/fraud/7", version="7", run="0a1b", dataset="", digest="ff")


def named(version: str) -> NamedVersion:
    return NamedVersion(version=version, run=f"run of {version}")


def test_alias_of_a_day_is_recorded_once(store):
    store.record_aliases("m", DAY, {ALIAS: named("7")}, AT)
    store.record_aliases("m", DAY, {ALIAS: named("8")}, AT)
    assert store.alias_on("m", ALIAS, DAY) == named("7")
    assert store.alias_on("other", ALIAS, DAY) is None
    assert store.alias_on("m", ALIAS.upper(), DAY) is None


def test_day_without_a_record_has_that_of_the_last_day_before_or_else_of_the_first(store):
    for offset, version in ((0, "7"), (4, "8")):
        store.record_aliases("m", DAY + timedelta(offset), {ALIAS: named(version)}, AT)
    found = [store.alias_on("m", ALIAS, DAY + timedelta(offset)).version for offset in (-9, 0, 3, 4, 99)]
    assert found == ["7", "7", "7", "8", "8"]
    assert store.last_alias_day("m", ALIAS) == DAY + timedelta(4)
    assert store.last_alias_day("m", "models:/other@champion") is None


def test_source_is_recorded_with_each_digest(store):
    changed = replace(SOURCE, digest="ee", dataset=next(iter(HOSTILE.values())))
    for source in (SOURCE, SOURCE, changed):
        store.record_source("m", source, AT)
    assert store.reference_source("m", SOURCE.source) == changed
    assert store.reference_source("m", "models:/fraud/8") is None
    store.record_source("m", SOURCE, AT)
    assert store.reference_source("m", SOURCE.source) == SOURCE


def test_acceptance_is_written_back_once(store):
    assert store.written_back("m") == set()
    store.mark_written_back("m", "baseline", 1, "", AT)
    store.mark_written_back("m", "baseline", 1, "again", AT)
    store.mark_written_back("m", "change", 1, "no such run", AT)
    assert store.written_back("m") == {("baseline", 1), ("change", 1)}
    assert store.accepted_changes("m") == []
