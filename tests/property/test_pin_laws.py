"""A pin changes what holds from its first day on, and on no day before."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.baselines.in_force import EntryState, in_force, list_baselines
from airflow_mlmon.spec.baseline import Baseline
from tests.support.archive import Archive
from tests.support.published import pin

LINES = ("baselines: {term: {trailing: 6}}", "versions: {v2: {same_weekday: 8}}")
SPEC = parse_spec(Archive("archive", lambda *_: None).spec_text(extra=LINES), "loans.yaml")

days = st.integers(0, 12).map(lambda offset: date(2013, 3, 1) + timedelta(days=offset))
versions = st.sampled_from([None, "v1", "v2"])
columns = st.sampled_from([None, "term", "amount"])
baselines = st.integers(2, 400).map(lambda days: Baseline(trailing=days)) | st.just(Baseline())


@st.composite
def histories(draw, fewest: int = 0):
    given_pins = draw(st.lists(st.tuples(days, versions, baselines), min_size=fewest, max_size=8))
    return [
        pin(number, first=first, version=version, baseline=baseline)
        for number, (first, version, baseline) in enumerate(given_pins, 1)
    ]


@given(histories(fewest=1), days, versions, columns)
def test_a_new_pin_changes_no_day_before_its_first(pins, day, version, column):
    before = in_force(SPEC, pins[:-1], day, version, column)
    after = in_force(SPEC, pins, day, version, column)

    assert after == before or (after.pin == pins[-1] and day >= pins[-1].first)


@given(histories(fewest=1), days)
def test_a_new_pin_holds_from_its_first_day_on(pins, day):
    newest = pins[-1]

    assert in_force(SPEC, pins, max(day, newest.first), newest.version).pin == newest


@given(histories(), days, versions)
def test_the_order_in_which_pins_are_read_does_not_matter(pins, day, version):
    assert in_force(SPEC, pins[::-1], day, version) == in_force(SPEC, pins, day, version)


@given(histories(), days, versions)
def test_one_entry_of_the_list_is_what_holds(pins, day, version):
    held = in_force(SPEC, pins, day, version)
    entries = [entry for entry in list_baselines(SPEC, pins, day) if entry.column is None]

    holding = {entry.version: entry.baseline for entry in entries if entry.state is EntryState.IN_FORCE}
    assert holding.get(version, holding[None]) == held.baseline
    assert len(holding) == sum(entry.state is EntryState.IN_FORCE for entry in entries)
