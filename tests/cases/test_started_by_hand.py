"""Runs that a person starts in Airflow: the day that was meant is run, or none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.dag_run import find_partition

NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
YESTERDAY = datetime(2026, 11, 27, tzinfo=UTC)
BERLIN = "Europe/Berlin"


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
