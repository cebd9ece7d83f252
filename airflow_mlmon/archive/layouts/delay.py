"""Arrival delay of a partition's files, as far as the archive shows it.

In a copied archive every file has the time of the copy. A delay of a day or more is therefore accepted only if the
files of the previous day arrived well before. Files that arrived together with those were copied, or held up by the
same outage, which the previous day has already reported. Without earlier files there is nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_mlmon.partition import DAY
from airflow_mlmon.storage import StoredObject

_HOUR = timedelta(hours=1)
# files of two days no farther apart than this arrived together
_TOGETHER = DAY / 2
# days to look back for files: a model may not run at weekends
_FARTHEST = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Hours from the end of a partition until all its files had arrived; None with a reason where unknown."""

    hours: float | None = None
    reason: str = "not measured"


def measure_delay(
    listed: Sequence[StoredObject], end: datetime, before: Callable[[int], Sequence[StoredObject]]
) -> Delay:
    """Measure the delay of the newest file; files that arrived before the partition's end give 0.

    Args:
        listed: files of the partition.
        end: end of the partition.
        before: lists the files of the day the given number of days earlier; called only if files are a day late or
        more.
    """
    if not listed:
        return Delay(reason="no files")
    newest = _newest(listed)
    if newest is None:
        return Delay(reason="the store does not report when files were written")
    doubt = _doubt(newest, before) if newest >= end + DAY else ""
    return Delay(reason=doubt) if doubt else Delay(hours=max((newest - end) / _HOUR, 0.0), reason="")


def _newest(listed: Sequence[StoredObject]) -> datetime | None:
    times = [item.modified for item in listed if item.modified is not None]
    return max(times) if len(times) == len(listed) else None


def _doubt(newest: datetime, before: Callable[[int], Sequence[StoredObject]]) -> str:
    """Explain why late files may be copies; empty if the last files before them arrived well before."""
    for back in range(1, _FARTHEST + 1):
        if earlier := before(back):
            last = _newest(earlier)
            is_apart = last is not None and newest - last >= _TOGETHER
            return "" if is_apart else "the files arrived together with those of an earlier day"
    return f"at least a day late, and no files of the {_FARTHEST} days before to distinguish copies"
