"""Features of times: their age before the event, and their hour and weekday in a zone.

A time is read as it is, in microseconds, so a year of 9999 that stands for "no end" keeps its age.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy, to_text_array
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.spec.times import TimeFeature

_UTC = pa.timestamp("us", "UTC")
_MICROSECONDS = 1_000_000
_HOURS = tuple(f"{hour:02}" for hour in range(24))
# since 1973 the clocks of every zone change on a quarter of an hour, so that it has one hour and one weekday
_QUARTER_US = 900_000_000
_FIRST_US = (3 * 365 + 1) * 96 * _QUARTER_US
# quarters that are computed at once, nearly two years, and how many of these a column may need
_SPAN = 1 << 16
_SPAN_US = _SPAN * _QUARTER_US
_MOST_SPANS = 16
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
    codes = _look_up(feature, times, zone) if kernels else None
    if codes is None:
        codes = _local(feature, times, zone)
    return pa.DictionaryArray.from_arrays(codes, to_text_array(_HOURS if feature is TimeFeature.HOUR else _WEEKDAYS))


def _local(feature: TimeFeature, times: pa.Array, zone: str) -> pa.Array:
    local = times.cast(pa.timestamp("us", zone))
    return (pc.hour(local) if feature is TimeFeature.HOUR else pc.day_of_week(local)).cast(pa.int8())


def _look_up(feature: TimeFeature, times: pa.Array, zone: str) -> pa.Array | None:
    """Look the codes up by quarter of an hour; None where the times are too early, or too far apart."""
    found = pc.min_max(times)
    first, last = (found[end].value for end in ("min", "max"))
    if first is None or kernels is None:
        return None
    spans = range(first // _SPAN_US, last // _SPAN_US + 1)
    if first < _FIRST_US or len(spans) > _MOST_SPANS:
        return None
    known = np.concatenate([_codes_of_span(feature, span, zone) for span in spans])
    codes = np.empty(len(times), dtype=np.int8)
    moments = to_numpy(times.cast(pa.int64()).fill_null(first))
    kernels.look_up_units(moments, _QUARTER_US, spans[0] * _SPAN, known, codes)
    validity = pa.py_buffer(np.packbits(to_numpy(times.is_valid()), bitorder="little")) if times.null_count else None
    return pa.Array.from_buffers(pa.int8(), len(codes), [validity, pa.py_buffer(codes)])


@lru_cache(maxsize=64)
def _codes_of_span(feature: TimeFeature, span: int, zone: str) -> npt.NDArray[np.int8]:
    quarters = np.arange(span * _SPAN, (span + 1) * _SPAN)
    codes: npt.NDArray[np.int8] = to_numpy(_local(feature, to_number_array(quarters * _QUARTER_US).cast(_UTC), zone))
    return codes
