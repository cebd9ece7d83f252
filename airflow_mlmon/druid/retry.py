"""How often, and after which pauses, a request that failed is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


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
