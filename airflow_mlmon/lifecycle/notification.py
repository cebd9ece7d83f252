"""Pending notifications of an alert on one channel, from its lifecycle and the outbox.

The last notification is what the recipients believe. Where it differs from the lifecycle, one notification is due: the
alert opened, worsened, resolved or reopened. A rerun therefore notifies of nothing new, and an alert that opened
unnoticed, because the run was silent or the alert muted, is notified on the next breaching day. Only episodes
that overlap the published days count, so that old alerts are not raised again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.lifecycle.states import Episode, Lifecycle
from airflow_mlmon.records import AlertEvent, AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """Notification of the alert in the outbox.

    Attributes:
        id: Position in the outbox; later ones are greater.
        event: Event of the notification.
        day: Day of the message that it is part of.
        breach: Day of the breach.
        is_out: Whether it was sent, or may be in flight.
    """

    id: int
    event: AlertEvent
    day: date
    breach: date
    is_out: bool

    @property
    def is_firing(self) -> bool:
        """Return whether it leaves recipients with an open alert."""
        return self.event is not AlertEvent.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Notification to be written: its event, the day of its message, and the day of its breach."""

    event: AlertEvent
    day: date
    breach: date


def to_withdraw(lifecycle: Lifecycle, told: Sequence[Notified]) -> list[Notified]:
    """Select the unsent notifications that are no longer true or no longer wanted."""
    return [row for row in told if not row.is_out and not _is_wanted(lifecycle, row, told)]


def to_notify(lifecycle: Lifecycle, told: Sequence[Notified], published: Collection[date]) -> list[Notification]:
    """Compute the notifications that are due.

    Args:
        lifecycle: lifecycle of the alert.
        told: its notifications in the channel's outbox, oldest first, without withdrawn ones.
        published: days whose results have just been written, or the day of an action.
    """
    found: list[Notification] = []
    for episode in lifecycle.episodes:
        is_last = episode is lifecycle.episodes[-1]
        if is_last or any(episode.holds(day) for day in published):
            found += _of_episode(lifecycle, episode, [row for row in told if episode.holds(row.breach)], published)
    return found or _taken_back(lifecycle, told)


def _of_episode(
    lifecycle: Lifecycle, episode: Episode, told: Sequence[Notified], published: Collection[date]
) -> list[Notification]:
    found: list[Notification] = []
    believed_open = bool(told) and told[-1].is_firing
    if not believed_open and (episode.is_open or not told):
        found += _start(lifecycle, episode, published, again=bool(told))
    elif believed_open:
        found += _worsening(lifecycle, episode, told, published)
    if episode.resolved_on is not None and (believed_open or found) and not lifecycle.is_muted(episode.resolved_on):
        found.append(Notification(event=AlertEvent.RESOLVED, day=episode.resolved_on, breach=episode.days[-1]))
    return found


def _start(lifecycle: Lifecycle, episode: Episode, published: Collection[date], *, again: bool) -> list[Notification]:
    breaches = [day for day in published if day in episode.days]
    if not breaches or episode.acknowledged_on is not None:
        return []
    # a late day can complete a sequence of breaches whose last day was evaluated long ago
    day = max(*breaches, episode.opened)
    if lifecycle.is_muted(day):
        return []
    event = AlertEvent.REOPENED if again or episode.reopens else AlertEvent.OPENED
    return [Notification(event=event, day=day, breach=day)]


def _worsening(
    lifecycle: Lifecycle, episode: Episode, told: Sequence[Notified], published: Collection[date]
) -> list[Notification]:
    day = episode.worsened_on
    if day is None or any(row.day >= day and row.is_firing for row in told):
        return []
    if episode.acknowledged_on is not None or lifecycle.is_muted(day) or not any(map(episode.holds, published)):
        return []
    return [Notification(event=AlertEvent.WORSENED, day=day, breach=day)]


def _taken_back(lifecycle: Lifecycle, told: Sequence[Notified]) -> list[Notification]:
    """Notify of the end of an alert whose breach no longer holds."""
    is_open = bool(lifecycle.episodes) and lifecycle.episodes[-1].is_open
    if not told or is_open or lifecycle.episode_of(told[-1].breach) is not None:
        return []
    last = told[-1]
    if not last.is_firing or not last.is_out:
        return []
    return [Notification(event=AlertEvent.RESOLVED, day=last.day, breach=last.breach)]


def _is_wanted(lifecycle: Lifecycle, row: Notified, told: Sequence[Notified]) -> bool:
    episode = lifecycle.episode_of(row.breach)
    if not row.is_firing:
        # recipients of an alert are notified of its end, even when it proved to be no breach
        was_told = any(other.is_out and other.is_firing and other.id < row.id for other in told)
        return was_told if episode is None else not episode.is_open
    if episode is None or row.day < episode.opened:
        return False
    if row.event is AlertEvent.WORSENED and episode.worsened_on is None:
        return False
    return episode.acknowledged_on is None and episode.state is not AlertState.MUTED
