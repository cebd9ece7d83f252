"""Evaluation of the causes of a status against their own past counts.

A cause alerts when it first occurs, and its alert stands while it occurs. That it has become much worse is told once
more, by the law of records: of n past counts whose tail falls like 1/x, the heaviest that occurs in practice, the next
one exceeds k times their largest with probability 1 / (k (n + 1)).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_mlmon.causes import Cause, CauseKind
from airflow_mlmon.records import PartitionState

PastCauses = Mapping[tuple[CauseKind, str], Sequence[int]]

_LEVEL = 0.01


def past_causes(states: Iterable[PartitionState]) -> dict[tuple[CauseKind, str], list[int]]:
    """Return the counts of each cause on the days on which it occurred."""
    found: dict[tuple[CauseKind, str], list[int]] = {}
    for state in states:
        for cause in state.causes:
            found.setdefault(cause.key, []).append(cause.count)
    return found


def has_worsened(cause: Cause, past: PastCauses) -> bool:
    """Return whether a cause that has occurred before is much worse than ever.

    >>> outside = Cause(kind=CauseKind.OUTSIDE, count=5_000, words="")
    >>> has_worsened(outside, {outside.key: [5, 6]}), has_worsened(outside, {outside.key: [500, 600]})
    (True, False)
    """
    counts = past.get(cause.key, ())
    return bool(counts) and max(counts) / (cause.count * (len(counts) + 1)) <= _LEVEL
