"""How long after the end of a partition its files came, as far as the archive shows.

In an archive that was copied, every file bears the time of the copy. So a delay of a day or more is believed only where
the files of the day before came well before. Files that came together with those were copied, or were held up by the
same stop, which the day before has already reported. Where no files came before, there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_mlmon.partition import DAY
from airflow_mlmon.storage import StoredObject

_HOUR = timedelta(hours=1)
# files of two days that lie no farther apart came together
_TOGETHER = DAY / 2
# days that are looked back for files: a model may rest at weekends
_FARTHEST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Hours from the end of a partition until all its files were there; None with a reason where nobody knows."""

    hours: float | None = None
    reason: str = "was not measured"


def measure_delay(
    listed: Sequence[StoredObject], end: datetime, before: Callable[[int], Sequence[StoredObject]]
) -> Delay:
    """The delay of the newest file; files that came before the partition's end give 0.

    Args:
        listed: the files of the partition.
        end: its end.
        before: lists the files of the day so many days before; asked only where files are a day late or more.
    """
    if not listed:
        return Delay(reason="no files have arrived")
    newest = _newest(listed)
    if newest is None:
        return Delay(reason="the store does not say when files came")
    doubt = _doubt(newest, before) if newest >= end + DAY else ""
    return Delay(reason=doubt) if doubt else Delay(hours=max((newest - end) / _HOUR, 0.0), reason="")


def _newest(listed: Sequence[StoredObject]) -> datetime | None:
    times = [item.modified for item in listed if item.modified is not None]
    return max(times) if len(times) == len(listed) else None


def _doubt(newest: datetime, before: Callable[[int], Sequence[StoredObject]]) -> str:
    """Why files that are late may be copies; empty where the last ones before them came well before."""
    for back in range(1, _FARTHEST + 1):
        if earlier := before(back):
            last = _newest(earlier)
            is_apart = last is not None and newest - last >= _TOGETHER
            return "" if is_apart else "the files came together with those of a day before"
    return f"a day late or more, and no files of the {_FARTHEST} days before to tell copies by"
