"""Features of times: their age before the event, and their hour and weekday in a zone.

A time is read as it is, in microseconds, so a year of 9999 that stands for "no end" keeps its age.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_text_array
from airflow_mlmon.spec.times import TimeFeature

_UTC = pa.timestamp("us", "UTC")
_MICROSECONDS = 1_000_000
_HOURS = tuple(f"{hour:02}" for hour in range(24))
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def derive_time(feature: TimeFeature, sources: Sequence[pa.Array], zone: str) -> pa.Array:
    """Derive a feature of a time; null stays null.

    Args:
        feature: The feature.
        sources: The times, and for an age the event times.
        zone: Time zone of the hour and the weekday.
    """
    times, *events = (source.cast(_UTC) for source in sources)
    if feature is TimeFeature.AGE:
        elapsed = pc.subtract(events[0].cast(pa.int64()), times.cast(pa.int64()))
        return pc.divide(elapsed.cast(pa.float64(), safe=False), float(_MICROSECONDS))
    local = times.cast(pa.timestamp("us", zone))
    if feature is TimeFeature.HOUR:
        return pa.DictionaryArray.from_arrays(pc.hour(local).cast(pa.int32()), to_text_array(_HOURS))
    return pa.DictionaryArray.from_arrays(pc.day_of_week(local).cast(pa.int32()), to_text_array(_WEEKDAYS))
