"""The state of an alert, as a fold over what was seen of it and what people did, by the days.

The order in which nights were judged plays no part, and no clock does: a night that was judged again, or
whose labels came late, gives what it would have given in its turn. A night without enough data says
nothing: it neither goes on with a row of breaches nor ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from airflow_mlmon.records import Action, ActionKind, AlertState
from airflow_mlmon.spec.choices import CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When an alert opens and closes, in judged nights.

    Attributes:
        opens_after: Breaching nights in a row after which it opens.
        clears_after: Quiet nights in a row after which it resolves.
        cooldown: Nights after it resolved in which one more breach opens the same alert again.
    """

    opens_after: int = 1
    clears_after: int = 2
    cooldown: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """An alert from its first breach until it resolved.

    Attributes:
        since: The first of the breaching nights.
        opened: The night on which it opened.
        days: The breaching nights.
        severity: The worst of them.
        reopens: Whether the one before had resolved only just.
        worsened_on: The night after `opened` on which it became critical.
        acknowledged_on: The day on which somebody took it on.
        acknowledged_by: Who did.
        resolved_on: The night on which it resolved.
        resolved_by: Who resolved it; nobody where nights were quiet.
        state: What it is after the last night.
        muted_until: The last day on which nobody is told.
    """

    since: date
    opened: date
    days: tuple[date, ...]
    severity: str
    reopens: bool = False
    worsened_on: date | None = None
    acknowledged_on: date | None = None
    acknowledged_by: str = ""
    resolved_on: date | None = None
    resolved_by: str = ""
    state: AlertState = AlertState.OPEN
    muted_until: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not resolved."""
        return self.resolved_on is None

    def holds(self, day: date) -> bool:
        """Whether a day lies within it."""
        return self.since <= day and (self.resolved_on is None or day <= self.resolved_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All that became of an alert.

    Attributes:
        episodes: In the order of the days.
        mutes: The days on which somebody muted it, each with the last day that is muted.
        settled_on: The night after which only a breach can change it; None when a quiet one can.
    """

    episodes: tuple[Episode, ...]
    mutes: tuple[tuple[date, date], ...] = ()
    settled_on: date | None = None

    def is_muted(self, day: date) -> bool:
        """Whether nobody is told of a day."""
        begun = [mute for mute in self.mutes if mute[0] <= day]
        # one that ends on the day from which it counts takes back those before
        return bool(begun) and begun[-1][0] < begun[-1][1] and day <= begun[-1][1]

    def episode_of(self, day: date) -> Episode | None:
        """The episode in which a day lies."""
        return next((episode for episode in self.episodes if episode.holds(day)), None)


def fold(seen: Mapping[date, str | None], actions: Iterable[Action], policy: Policy) -> Course:
    """The course of an alert.

    Args:
        seen: by the night, the severity of its breach, or None where it was judged and quiet. A night that
            was not judged, or had not enough data, is not there.
        actions: what people did; those of one day in the order in which they did it, after its night.
        policy: when it opens and closes.
    """
    folding = _Folding(policy)
    by_day: dict[date, list[Action]] = {}
    for action in actions:
        by_day.setdefault(action.day, []).append(action)
    days = sorted({*seen, *by_day})
    for day in days:
        if day in seen:
            folding.see(day, seen[day])
        for action in by_day.get(day, ()):
            folding.act(action)
    return folding.course(days[-1] if days else None)


class _Folding:
    """What is known of an alert after some days."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._closed: list[Episode] = []
        self._open: Episode | None = None
        self._row: list[tuple[date, str]] = []
        self._quiet = 0
        self._since_resolved = 0
        self._settled_on: date | None = None
        self._mutes: list[tuple[date, date]] = []

    def see(self, day: date, severity: str | None) -> None:
        if severity is None:
            self._see_quiet(day)
        elif self._open is not None:
            self._quiet = 0
            self._open = _with_breach(self._open, day, severity)
        else:
            self._see_first(day, severity)

    def act(self, action: Action) -> None:
        if action.kind is ActionKind.MUTE:
            self._mutes.append((action.day, action.until or action.day))
        elif self._open is None:
            return
        elif action.kind is ActionKind.ACKNOWLEDGE:
            self._open = replace(self._open, acknowledged_on=action.day, acknowledged_by=action.who)
        else:
            self._resolve(action.day, action.who)

    def course(self, last: date | None) -> Course:
        found = [*self._closed, *([self._open] if self._open else [])]
        course = Course(episodes=tuple(found), mutes=tuple(self._mutes), settled_on=self._settled_on)
        return replace(course, episodes=tuple(_with_state(course, episode, last) for episode in found))

    def _see_quiet(self, day: date) -> None:
        self._row = []
        if self._open is None:
            self._since_resolved += 1
        else:
            self._quiet += 1
            if self._quiet >= self._policy.clears_after:
                self._resolve(day, "")
        self._settle(day)

    def _see_first(self, day: date, severity: str) -> None:
        self._settled_on = None
        self._row.append((day, severity))
        reopens = bool(self._closed) and self._since_resolved < self._policy.cooldown
        self._since_resolved += 1
        if not reopens and len(self._row) < self._policy.opens_after:
            return
        self._open = Episode(
            since=self._row[0][0],
            opened=day,
            days=tuple(breach for breach, _ in self._row),
            severity=worst(severity for _, severity in self._row),
            reopens=reopens,
        )
        self._quiet = 0
        self._row = []

    def _resolve(self, day: date, who: str) -> None:
        if self._open is not None:
            self._closed.append(replace(self._open, resolved_on=day, resolved_by=who))
        self._open = None
        self._since_resolved = 0
        self._settle(day)

    def _settle(self, day: date) -> None:
        is_waiting = bool(self._closed) and self._since_resolved < self._policy.cooldown
        if self._open is None and not is_waiting and self._settled_on is None:
            self._settled_on = day


def _with_breach(episode: Episode, day: date, severity: str) -> Episode:
    worsens = severity == CRITICAL and episode.severity != CRITICAL
    return replace(
        episode,
        days=(*episode.days, day),
        severity=worst((episode.severity, severity)),
        worsened_on=day if worsens else episode.worsened_on,
    )


def _with_state(course: Course, episode: Episode, last: date | None) -> Episode:
    if not episode.is_open:
        return replace(episode, state=AlertState.RESOLVED)
    if last is not None and course.is_muted(last):
        return replace(episode, state=AlertState.MUTED, muted_until=course.mutes[-1][1])
    if episode.acknowledged_on is not None:
        return replace(episode, state=AlertState.ACKNOWLEDGED)
    return replace(episode, state=AlertState.REOPENED if episode.reopens else AlertState.OPEN)


def worst(severities: Iterable[str]) -> str:
    """The worst of the severities."""
    found = list(severities)
    return CRITICAL if CRITICAL in found else found[0]
