"""State machine of an alert, folded over its daily evaluations and the actions on it.

The result depends neither on the order in which days were evaluated nor on a clock: a day that was evaluated again,
or whose labels came late, gives what it would have given in sequence. A day without enough data neither
continues nor ends a sequence of breaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from airflow_mlmon.records import Action, ActionKind, AlertState
from airflow_mlmon.spec.choices import CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds for opening and closing an alert, in evaluated days.

    Attributes:
        opens_after: Consecutive breaching days after which it opens.
        clears_after: Consecutive healthy days after which it resolves.
        cooldown: Days after its resolution in which a new breach reopens the same alert.
    """

    opens_after: int = 1
    clears_after: int = 2
    cooldown: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """Alert from its first breach until it resolved.

    Attributes:
        since: First breaching day.
        opened: Day on which it opened.
        days: Breaching days.
        severity: Worst severity of them.
        reopens: Whether the previous episode resolved within the cooldown.
        worsened_on: Day after `opened` on which it became critical.
        acknowledged_on: Day on which somebody acknowledged it.
        acknowledged_by: Person who acknowledged it.
        resolved_on: Day on which it resolved.
        resolved_by: Person who resolved it; empty where healthy days did.
        state: State after the last day.
        muted_until: Last muted day.
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
        """Return whether it has not resolved."""
        return self.resolved_on is None

    def holds(self, day: date) -> bool:
        """Return whether a day lies within it."""
        return self.since <= day and (self.resolved_on is None or day <= self.resolved_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Complete lifecycle of an alert.

    Attributes:
        episodes: Episodes in the order of the days.
        mutes: Days of the mutes, each with the last muted day.
        settled_on: Day after which only a breach can change it; None if a healthy day can.
    """

    episodes: tuple[Episode, ...]
    mutes: tuple[tuple[date, date], ...] = ()
    settled_on: date | None = None

    def is_muted(self, day: date) -> bool:
        """Return whether notifications of a day are muted."""
        begun = [mute for mute in self.mutes if mute[0] <= day]
        # a mute that ends on the day it takes effect cancels the earlier ones
        return bool(begun) and begun[-1][0] < begun[-1][1] and day <= begun[-1][1]

    def episode_of(self, day: date) -> Episode | None:
        """Find the episode in which a day lies."""
        return next((episode for episode in self.episodes if episode.holds(day)), None)


def fold(seen: Mapping[date, str | None], actions: Iterable[Action], policy: Policy) -> Lifecycle:
    """Fold the evaluations and actions of an alert into its lifecycle.

    Args:
        seen: severity of the breach by day, or None where the day was evaluated and healthy. Days that were not
            evaluated, or had not enough data, are absent.
        actions: actions of people; those of one day in the order in which they were taken, after its evaluation.
        policy: thresholds for opening and closing.
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
    return folding.lifecycle(days[-1] if days else None)


class _Folding:
    """State of an alert while days are folded in."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._closed: list[Episode] = []
        self._open: Episode | None = None
        self._row: list[tuple[date, str]] = []
        self._healthy = 0
        self._since_resolved = 0
        self._settled_on: date | None = None
        self._mutes: list[tuple[date, date]] = []

    def see(self, day: date, severity: str | None) -> None:
        if severity is None:
            self._see_healthy(day)
        elif self._open is not None:
            self._healthy = 0
            self._open = _with_breach(self._open, day, severity)
        else:
            self._see_first(day, severity)

    def act(self, action: Action) -> None:
        if action.kind is ActionKind.MUTE:
            self._mutes.append((action.day, action.until or action.day))
        elif self._open is None:
            if action.kind is ActionKind.ACCEPT:
                # breaches that were too few to open it are normal too
                self._row = []
        elif action.kind is ActionKind.ACKNOWLEDGE:
            self._open = replace(self._open, acknowledged_on=action.day, acknowledged_by=action.who)
        else:
            self._resolve(action.day, action.who)

    def lifecycle(self, last: date | None) -> Lifecycle:
        found = [*self._closed, *([self._open] if self._open else [])]
        lifecycle = Lifecycle(episodes=tuple(found), mutes=tuple(self._mutes), settled_on=self._settled_on)
        return replace(lifecycle, episodes=tuple(_with_state(lifecycle, episode, last) for episode in found))

    def _see_healthy(self, day: date) -> None:
        self._row = []
        if self._open is None:
            self._since_resolved += 1
        else:
            self._healthy += 1
            if self._healthy >= self._policy.clears_after:
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
        self._healthy = 0
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


def _with_state(lifecycle: Lifecycle, episode: Episode, last: date | None) -> Episode:
    if not episode.is_open:
        return replace(episode, state=AlertState.RESOLVED)
    if last is not None and lifecycle.is_muted(last):
        return replace(episode, state=AlertState.MUTED, muted_until=lifecycle.mutes[-1][1])
    if episode.acknowledged_on is not None:
        return replace(episode, state=AlertState.ACKNOWLEDGED)
    return replace(episode, state=AlertState.REOPENED if episode.reopens else AlertState.OPEN)


def worst(severities: Iterable[str]) -> str:
    """Return the worst of the severities."""
    found = list(severities)
    return CRITICAL if CRITICAL in found else found[0]
