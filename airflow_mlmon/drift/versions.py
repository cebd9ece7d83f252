"""Model versions from day to day: comparable days, and marks of changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

CategoryCounts = Mapping[str, int]

# comparable days differ in at most this share of their rows
_ALIKE = 0.02
# fewer rows of a version are leftovers, such as a repeated request
_LEAST_SHARE = 0.001


def mix_distance(first: CategoryCounts, second: CategoryCounts) -> float:
    """Return the total variation distance of two mixes of versions: the share of rows by which they differ.

    >>> mix_distance({"v1": 75, "v2": 25}, {"v1": 1000})
    0.25
    """
    one, two = sum(first.values()), sum(second.values())
    versions = {*first, *second}
    return sum(abs(first.get(name, 0) / one - second.get(name, 0) / two) for name in versions) / 2


def days_alike(days: Mapping[date, CategoryCounts], now: CategoryCounts) -> set[date]:
    """Return the days with the same versions in the same shares, within 2 %.

    Outputs of a model are comparable only on such days. A day without versions is comparable with all.
    """
    if not any(now.values()):
        return set(days)
    return {day for day, counts in days.items() if not any(counts.values()) or mix_distance(counts, now) <= _ALIKE}


def predecessor_of(version: str, days: Mapping[date, CategoryCounts]) -> str | None:
    """Return the version that led when a version appeared, which is the one it replaces; None for the first.

    >>> predecessor_of("v2", {date(2026, 3, 1): {"v1": 100}, date(2026, 3, 2): {"v1": 95, "v2": 5}})
    'v1'
    """
    leader = None
    for day in sorted(days):
        if days[day].get(version):
            return leader
        if any(days[day].values()):
            leader = _leader(days[day])
    return None


def version_marks(days: Mapping[date, CategoryCounts]) -> dict[date, str]:
    """Describe the changes of versions by day.

    Marks are: a version appears or returns, takes the lead or leads again, or is withdrawn without having led. The
    gradual end of the old version is not marked.

    >>> days = {date(2026, 3, 1): {"v1": 100}, date(2026, 3, 2): {"v1": 95, "v2": 5}, date(2026, 3, 3): {"v1": 100}}
    >>> [mark for mark in version_marks(days).values()]
    ['v2 appears, 5 % of the rows', 'v2 is withdrawn']
    """
    marks: dict[date, str] = {}
    led: list[str] = []
    known: set[str] = set()
    before: set[str] = set()
    challengers: set[str] = set()
    for day in sorted(days):
        counts = _without_leftovers(days[day])
        if not counts:
            continue
        leader = _leader(counts)
        words = [] if led[-1:] == [leader] else [_says(leader, _lead(leader, led, known), counts)]
        arrived = set(counts) - before - {leader}
        words += [_says(name, "is back" if name in known else "appears", counts) for name in sorted(arrived)]
        words += [f"{name} is withdrawn" for name in sorted(challengers & (before - set(counts)))]
        challengers = ((challengers & set(counts)) | (arrived - set(led))) - {leader}
        if led and words:
            marks[day] = "; ".join(words)
        led.append(leader)
        known |= set(counts)
        before = set(counts)
    return marks


def _leader(counts: CategoryCounts) -> str:
    return max(counts, key=lambda name: (counts[name], name))


def _without_leftovers(counts: CategoryCounts) -> dict[str, int]:
    least = _LEAST_SHARE * sum(counts.values())
    return {name: count for name, count in counts.items() if count and count >= least}


def _lead(leader: str, led: Sequence[str], known: Collection[str]) -> str:
    if leader in led:
        return "leads again"
    return "takes the lead" if leader in known else "appears and takes the lead"


def _says(name: str, what: str, counts: CategoryCounts) -> str:
    return f"{name} {what}, {100 * counts[name] / sum(counts.values()):.3g} % of the rows"
