"""Time zones of a spec."""

from __future__ import annotations

import re
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from airflow_mlmon.errors import suggest_name
from airflow_mlmon.partition import DEFAULT_ZONE
from airflow_mlmon.spec.druid import Druid, DruidIngestion

_OFFSET = re.compile(r"[+-](0\d|1[0-4]):[0-5]\d")
_EXAMPLES = ["Europe/Berlin", "America/New_York"]


def check_zone(name: str) -> str:
    """Check that a name is in the time zone database.

    Raises:
        ValueError: it is not; the message names the nearest one.
    """
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = suggest_name(name, available_timezones())
        shown = near if near.startswith("did you mean") else suggest_name(name, _EXAMPLES)
        raise ValueError(f"{name!r} is not a time zone; {shown}") from None
    return name


def check_zone_or_offset(name: str) -> str:
    """Check that a name is in the time zone database, or an offset from UTC such as +01:00."""
    return name if _OFFSET.fullmatch(name) else check_zone(name)


Zone = Annotated[str, AfterValidator(check_zone)]
TimesZone = Annotated[str, AfterValidator(check_zone_or_offset)]


def check_days(zone: str, druid: Druid) -> None:
    """Check that Druid can keep the days of a zone apart.

    Raises:
        ValueError: it cannot, because SQL knows segments of days in UTC alone.
    """
    if zone != DEFAULT_ZONE and druid.ingestion is DruidIngestion.SQL:
        raise ValueError(f"druid.ingestion: sql makes segments of days in UTC, not in {zone} (day_zone); use native")
