from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.resolve import resolve_partition

NINTH, TENTH = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("says", "day"),
    [
        pytest.param({"interval_start": NINTH, "interval_end": TENTH}, "2026-03-09", id="data-interval"),
        pytest.param({"partition_key": "2026-03-08"}, "2026-03-08", id="partition-key"),
        pytest.param({"partition_key": "2026-03-08T00:00:00"}, "2026-03-08", id="partition-key-with-time"),
        pytest.param(
            {"given": "2026-03-07", "partition_key": "2026-03-08", "interval_start": NINTH, "interval_end": TENTH},
            "2026-03-07",
            id="what-was-given-comes-first",
        ),
        pytest.param(
            {"partition_key": "2026-03-08", "interval_start": NINTH, "interval_end": TENTH},
            "2026-03-08",
            id="key-before-interval",
        ),
    ],
)
def test_resolve_partition_takes_the_first_that_says_it(says, day):
    assert resolve_partition("m", **says).key == day


@pytest.mark.parametrize(
    "says",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"interval_start": NINTH, "interval_end": NINTH}, id="empty-interval"),
    ],
)
def test_resolve_partition_refuses_to_guess(says):
    with pytest.raises(ConfigError, match=r'parameter \{"partition": "YYYY-MM-DD"\}'):
        resolve_partition("m", **says)


def test_resolve_partition_refuses_what_is_no_day():
    with pytest.raises(ConfigError, match=r"'\.\./x' is not a day"):
        resolve_partition("m", given="../x")
