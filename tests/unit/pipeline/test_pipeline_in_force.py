"""Which baseline holds on a day, of the model, a version and a column."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.baselines.in_force import EntryState, in_force, list_baselines
from airflow_mlmon.spec.baseline import Baseline
from tests.support.archive import Archive
from tests.support.published import pin

LINES = ("baselines: {term: {trailing: 6}}", "versions: {v2: {same_weekday: 8}}")
SPEC = parse_spec(Archive("archive", lambda *_: None).spec_text(extra=LINES), "loans.yaml")
REFERENCE = Baseline()
PREVIOUS = Baseline(previous=True)
MODEL = pin(1, first=date(2013, 3, 10), baseline=Baseline(trailing=10))
VERSION = pin(2, first=date(2013, 3, 12), baseline=PREVIOUS, version="v2")


@pytest.mark.parametrize(
    ("day", "version", "column", "expected"),
    [
        pytest.param(9, None, None, REFERENCE, id="the-spec"),
        pytest.param(9, "v1", None, REFERENCE, id="the-spec-for-a-version-it-does-not-name"),
        pytest.param(9, "v2", None, Baseline(same_weekday=8), id="the-spec-for-a-version"),
        pytest.param(10, None, None, MODEL.baseline, id="the-pin-of-the-model"),
        pytest.param(10, "v1", None, MODEL.baseline, id="the-pin-of-the-model-for-another-version"),
        pytest.param(10, "v2", None, Baseline(same_weekday=8), id="the-spec-for-a-version-before-the-pin-of-the-model"),
        pytest.param(12, "v2", None, PREVIOUS, id="the-pin-of-the-version"),
        pytest.param(12, None, None, MODEL.baseline, id="a-pin-of-a-version-is-not-the-model's"),
        pytest.param(12, "v2", "term", Baseline(trailing=6), id="the-column-of-the-spec"),
        pytest.param(12, "v2", "amount", PREVIOUS, id="a-column-without-its-own"),
    ],
)
def test_the_baseline_that_holds_is(day, version, column, expected):
    assert in_force(SPEC, [MODEL, VERSION], date(2013, 3, day), version, column).baseline == expected


def test_of_two_pins_the_one_accepted_last_holds():
    later = pin(2, first=date(2013, 3, 5), baseline=PREVIOUS)

    assert in_force(SPEC, [MODEL, later], date(2013, 3, 11)).baseline == PREVIOUS


def test_the_list_has_what_the_spec_says_first_and_how_each_stands():
    to_come = pin(3, first=date(2013, 4, 1))
    never = pin(4, first=date(2013, 4, 2), version="v3")
    instead = pin(5, first=date(2013, 4, 1), version="v3")

    entries = list_baselines(SPEC, [MODEL, VERSION, to_come, never, instead], date(2013, 3, 11))

    assert [(entry.version, entry.column, entry.pin and entry.pin.number, entry.state) for entry in entries] == [
        (None, None, None, EntryState.REPLACED),
        ("v2", None, None, EntryState.IN_FORCE),
        (None, "term", None, EntryState.IN_FORCE),
        (None, None, 1, EntryState.IN_FORCE),
        ("v2", None, 2, EntryState.TO_COME),
        (None, None, 3, EntryState.TO_COME),
        ("v3", None, 4, EntryState.REPLACED),
        ("v3", None, 5, EntryState.TO_COME),
    ]
