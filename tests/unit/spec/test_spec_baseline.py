"""Baselines as a spec declares them."""

from __future__ import annotations

from datetime import date

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.spec.baseline import Baseline, BaselineKind
from tests.support.archive import Archive

FRIDAY = date(2013, 3, 8)


def spec_with(*lines: str):
    return parse_spec(Archive("archive", lambda *_: None).spec_text(extra=lines), "loans.yaml")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("baseline: reference", BaselineKind.REFERENCE),
        ("baseline: {reference: true}", BaselineKind.REFERENCE),
        ("baseline: previous", BaselineKind.PREVIOUS),
        ("baseline: {trailing: 28}", BaselineKind.TRAILING),
        ("baseline: {same_weekday: 4}", BaselineKind.SAME_WEEKDAY),
        ("baseline: {dates: {from: 2013-01-01, to: 2013-02-28}}", BaselineKind.DATES),
        ("drift: {method: psi}", BaselineKind.REFERENCE),
    ],
)
def test_each_form_is_read(line, kind):
    assert spec_with(line).baseline.kind is kind


def test_a_column_may_have_its_own():
    spec = spec_with("baselines: {amount: {trailing: 7}}")

    assert spec.baseline.kind is BaselineKind.REFERENCE
    assert spec.baselines["amount"].trailing == 7


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("baseline: trailin", r"loans.yaml:36: baseline: 'trailin' is not a baseline; give reference, previous"),
        ("baseline: {trailin: 3}", r"baseline.trailin: unknown key; did you mean trailing\?"),
        ("baseline: {trailing: 1}", r"baseline.trailing: .* greater than or equal to 2"),
        ("baseline: {trailing: 7, previous: true}", r"baseline: give one of reference, previous"),
        ("baseline: {dates: {from: 2013-03-02, to: 2013-03-01}}", r"ends \(2013-03-01\) before it begins"),
        ("versions: {v2: {trailin: 3}}", r"loans.yaml:36: versions.v2.trailin: unknown key; did you mean trailing\?"),
        ("baselines: {amout: previous}", r"'amout' is unknown; did you mean amount\?"),
    ],
)
def test_a_mistake_names_line_and_key(line, message):
    with pytest.raises(ConfigError, match=message):
        spec_with(line)


@pytest.mark.parametrize("name", ["v2", "1.10", "2026-03 (trial)", "<b>", "trailing"])
def test_a_version_may_have_its_own_whatever_its_name(name):
    spec = spec_with(f"versions: {{'{name}': {{same_weekday: 8}}}}")

    assert spec.versions == {name: Baseline(same_weekday=8)}


@pytest.mark.parametrize("name", ["1.10", "2", "''", "yes", "2026-03-01"])
def test_the_name_of_a_version_is_text(name):
    with pytest.raises(ConfigError, match=r"loans.yaml:36: versions: the name of a version must be text, .*in quotes"):
        spec_with(f"versions: {{{name}: previous}}")


def test_versions_need_a_column_of_that_role():
    archive = Archive("archive", lambda *_: None)
    text = archive.spec_text(("type: category, role: version", "type: category"), extra=["versions: {v2: previous}"])

    with pytest.raises(ConfigError, match=r"^loans.yaml:36: versions: no column .* has `role: version`$"):
        parse_spec(text, "loans.yaml")


@pytest.mark.parametrize(
    "content",
    [
        {"reference": True},
        {"previous": True},
        {"trailing": 28},
        {"same_weekday": 8},
        {"dates": {"from": "2013-01-01", "to": "2013-02-28"}},
    ],
)
def test_a_baseline_is_written_as_it_is_read(content):
    assert Baseline.model_validate(content).to_dict() == content


def test_the_days_are_those_before():
    assert Baseline(previous=True).days(FRIDAY) == (date(2013, 3, 7),)
    assert Baseline(reference=True).days(FRIDAY) == ()
    assert {day.weekday() for day in Baseline(same_weekday=6).days(FRIDAY)} == {FRIDAY.weekday()}
    assert len(Baseline(trailing=28).days(FRIDAY)) == 28


def test_a_day_is_never_compared_with_itself():
    baseline = Baseline.model_validate({"dates": {"from": "2013-03-07", "to": "2013-03-09"}})

    assert baseline.days(FRIDAY) == (date(2013, 3, 7), date(2013, 3, 9))
