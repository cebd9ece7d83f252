"""Pauses: before a failed request is retried, and between two polls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SHORTEST_S = 0.1
_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """At most `attempts` attempts; the pauses double from `first_pause_s` to `longest_pause_s` seconds."""

    attempts: int = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0

    def pauses(self, random: Callable[[], float]) -> Iterator[float]:
        """Yield the pause before each retry: half of it fixed, half drawn at random in [0, 1).

        >>> list(Retry(attempts=4, first_pause_s=1, longest_pause_s=3).pauses(lambda: 0.5))
        [0.75, 1.5, 2.25]
        """
        for attempt in range(self.attempts - 1):
            longest = min(self.first_pause_s * 2**attempt, self.longest_pause_s)
            yield longest * (0.5 + 0.5 * random())


def pause_s(waited_s: float, longest_s: float) -> float:
    """Compute the pause before the next poll: a twentieth of the time waited so far, within bounds.

    Short work is thus seen to end soon, and long work is not polled often.

    >>> [pause_s(waited, 5) for waited in (0, 20, 600)]
    [0.1, 1.0, 5]
    """
    return min(longest_s, max(_SHORTEST_S, waited_s * _SHARE))
