"""Runs that a person starts in Airflow: the day that was meant is run, or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.dag_run import find_partition, find_timely_partition
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition, days_between
from airflow_mlmon.pipeline.resolve import check_timely

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
YESTERDAY = datetime(2026, 11, 27, tzinfo=UTC)
BERLIN = "Europe/Berlin"
SPEC = parse_spec(
    """\
model: m
start: 2026-03-01
end: 2026-11-29
predictions:
  path: /archive/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    score: {type: float, role: score}
reference:
  path: /archive/reference/
""",
    "m.yaml",
)


def by_hand(logical: datetime | None, start: datetime = YESTERDAY, **given: Any) -> dict[str, Any]:
    """The context of a run by hand, whose interval follows the moment of its start."""
    interval = {"data_interval_start": start, "data_interval_end": start + timedelta(days=1)}
    own = {"run_type": "manual", "logical_date": logical, "conf": {}} | interval | given
    return {"dag_run": SimpleNamespace(**own), "params": {"partition": None}}


@pytest.mark.parametrize(
    ("logical", "zone", "wanted"),
    [
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), "UTC", "2026-03-01", id="a day long ago"),
        pytest.param(datetime(2026, 11, 26, 12, tzinfo=UTC), "UTC", "2026-11-26", id="the day before"),
        pytest.param(datetime(2026, 11, 28, tzinfo=UTC), "UTC", "2026-11-28", id="midnight after it"),
        pytest.param(datetime(2026, 11, 30, 7, tzinfo=UTC), "UTC", "2026-11-30", id="a day to come"),
        pytest.param(datetime(2026, 2, 28, 23, tzinfo=UTC), BERLIN, "2026-03-01", id="local day"),
    ],
)
def test_logical_date_of_another_day_is_refused(logical, zone, wanted):
    """apache/airflow PR #54119, PR #64740, #46197: the interval of a run by hand follows now, not the typed date."""
    start = YESTERDAY if zone == "UTC" else YESTERDAY - timedelta(hours=1)
    with pytest.raises(ConfigError, match=r"logical date .* but its data interval is the day 2026-11-27") as refused:
        find_partition("m", by_hand(logical, start), zone=zone)
    assert f'{{"partition": "{wanted}"}}' in refused.value.hint


@pytest.mark.parametrize(
    "logical",
    [
        pytest.param(NOW, id="now"),
        pytest.param(None, id="none"),
        pytest.param(YESTERDAY, id="the day itself"),
        pytest.param(YESTERDAY + timedelta(hours=23), id="within the day"),
    ],
)
def test_run_by_hand_of_yesterday_is_run(logical):
    """apache/airflow #46197: started without typing a date, or with that of the interval."""
    assert find_partition("m", by_hand(logical)).key == "2026-11-27"


def test_parameter_names_the_day_whatever_the_logical_date():
    """apache/airflow PR #64740: what was said in the run's own parameter is meant."""
    logical = datetime(2026, 3, 1, tzinfo=UTC)
    assert find_partition("m", by_hand(logical, conf={"partition": "2026-03-05"})).key == "2026-03-05"


def test_scheduled_run_has_the_day_of_its_interval():
    """apache/airflow #46197: the logical date of a scheduled run may be either end of its interval."""
    for logical in (YESTERDAY, YESTERDAY + timedelta(days=1)):
        assert find_partition("m", by_hand(logical, run_type="scheduled")).key == "2026-11-27"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        pytest.param("2027-03-07", "is not over before 2027-03-08 00:00 UTC", id="mistyped year"),
        pytest.param("2026-11-28", "is not over before 2026-11-29 00:00 UTC", id="today"),
        pytest.param("2026-02-28", "is before 2026-03-01, the `start` of the spec", id="before start"),
    ],
)
def test_day_that_cannot_be_meant_is_refused_unless_forced(day, said):
    """The first hour of a new user: a mistyped day moved the baseline and the pages, and blocked muting."""
    spec = SPEC.model_copy(update={"end": None})
    with pytest.raises(ConfigError, match=f"m {day} is refused: .*{said}"):
        find_timely_partition(spec, by_hand(None, conf={"partition": day}), now=NOW)

    forced = by_hand(None, conf={"partition": day, "force": True})
    assert find_timely_partition(spec, forced, now=NOW).key == day
    forced = by_hand(None, conf={"partition": day}) | {"params": {"force": True}}
    assert find_timely_partition(spec, forced, now=NOW).key == day


def test_day_after_the_end_is_refused_by_hand_and_run_by_schedule():
    interval = {"start": datetime(2026, 11, 30, tzinfo=UTC)}
    late = datetime(2026, 12, 2, tzinfo=UTC)
    with pytest.raises(ConfigError, match="it is after 2026-11-29, the `end` of the spec"):
        find_timely_partition(SPEC, by_hand(None, **interval), now=late)

    for kind in ("scheduled", "backfill", "asset_triggered"):
        assert find_timely_partition(SPEC, by_hand(None, **interval, run_type=kind), now=late).key == "2026-11-30"


def test_scheduled_run_is_never_refused():
    early = by_hand(None, datetime(2026, 11, 28, tzinfo=UTC), run_type="scheduled")
    assert find_timely_partition(SPEC, early, now=NOW).key == "2026-11-28"


def test_day_that_a_task_names_itself_is_not_refused():
    """The DAG of the labels names yesterday, and labels come after the last day of the predictions."""
    late = datetime(2026, 12, 2, tzinfo=UTC)
    assert find_timely_partition(SPEC, by_hand(None), "2026-12-01", now=late).key == "2026-12-01"


def test_days_are_over_in_their_own_zone():
    at = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
    in_berlin = Partition.from_key("m", "2026-11-28", BERLIN)
    check_timely([in_berlin], start=SPEC.start, end=None, now=at)
    with pytest.raises(ConfigError, match="not over before 2026-11-29 00:00 UTC"):
        check_timely([Partition.from_key("m", "2026-11-28")], start=SPEC.start, end=None, now=at)


def test_several_days_that_are_refused_are_counted():
    days = list(days_between("m", datetime(2026, 2, 27, tzinfo=UTC).date(), datetime(2026, 3, 2, tzinfo=UTC).date()))
    with pytest.raises(ConfigError, match=r"m 2026-02-27 is refused: .* So are 1 more of the 4 days\."):
        check_timely(days, start=SPEC.start, end=None, now=NOW)
