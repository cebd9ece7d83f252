"""How long to pause: before a request that failed is tried again, and between two looks at what goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SHORTEST_S = 0.1
_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """At most `attempts` tries; the pauses double from `first_pause_s` to `longest_pause_s`."""

    attempts: int = 5
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0

    def pauses(self, random: Callable[[], float]) -> Iterator[float]:
        """The pause before each further try: half of it fixed, half at random in [0, 1).

        >>> list(Retry(attempts=4, first_pause_s=1, longest_pause_s=3).pauses(lambda: 0.5))
        [0.75, 1.5, 2.25]
        """
        for attempt in range(self.attempts - 1):
            longest = min(self.first_pause_s * 2**attempt, self.longest_pause_s)
            yield longest * (0.5 + 0.5 * random())


def pause_s(waited_s: float, longest_s: float) -> float:
    """The pause before the next look at something that has been waited for so long: a twentieth of that, within bounds.

    So short work is seen to be over soon, and long work is not asked for often.

    >>> [pause_s(waited, 5) for waited in (0, 20, 600)]
    [0.1, 1.0, 5]
    """
    return min(longest_s, max(_SHORTEST_S, waited_s * _SHARE))
