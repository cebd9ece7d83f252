"""Unseen values: how many are still to come, by those that were seen once (Good and Turing; Good 1953).

By rows, a value was seen once if it has one row; by days, if it occurs on one day alone. Values that come in
clusters, many rows on their first day, are to be counted by days.
"""

from __future__ import annotations

FEWEST_DAYS = 7
# new values that a new day may be expected to bring to a closed vocabulary
_NEW_A_DAY = 0.002


def estimate_unseen(once: int, observed: int) -> float:
    """Estimate the share of unseen values in the next rows, or their number on the next day.

    Args:
        once: rows whose value occurs once, or values that occur on one day alone.
        observed: rows, or days.

    >>> estimate_unseen(3, 1_000), estimate_unseen(2, 8), estimate_unseen(0, 0)
    (0.003, 0.25, 0.0)
    """
    return once / observed if observed else 0.0


def is_closed(once: int, days: int) -> bool:
    """Return whether a vocabulary is closed: after a week, a new day is expected to bring no value.

    >>> is_closed(0, 7), is_closed(0, 6), is_closed(1, 30), is_closed(2, 1_000)
    (True, False, False, True)
    """
    return days >= FEWEST_DAYS and estimate_unseen(once, days) <= _NEW_A_DAY
