"""What people have yet to be told of an alert on a channel, from its course and what the outbox holds.

What was told last is what they believe. Where that differs from the course they are told once: that it
opened, got worse, resolved, or is open again. So a repeat tells nothing new, and an alert that opened
while nobody was told, because a run was quiet or the alert muted, is told of on the next night that
breaches. Only episodes that the published nights lie in are told: what is over is not dug up again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.lifecycle.course import Course, Episode
from airflow_mlmon.records import AlertEvent, AlertState


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message about the alert in the outbox.

    Attributes:
        id: Its place in the outbox: a later one has a greater number.
        event: What it tells.
        day: The night whose message it is part of.
        breach: The night of the breach that it is about.
        is_out: Whether it was sent, or may be on its way.
    """

    id: int
    event: AlertEvent
    day: date
    breach: date
    is_out: bool

    @property
    def is_firing(self) -> bool:
        """Whether it leaves people with an alert that is open."""
        return self.event is not AlertEvent.RESOLVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A message to be written: what, in which night's message, about which night's breach."""

    event: AlertEvent
    day: date
    breach: date


def to_withdraw(course: Course, told: Sequence[Told]) -> list[Told]:
    """The messages that have not gone out and are no longer true, or that nobody wants any more."""
    return [row for row in told if not row.is_out and not _is_wanted(course, row, told)]


def to_tell(course: Course, told: Sequence[Told], published: Collection[date]) -> list[Telling]:
    """What is to be told now.

    Args:
        course: the alert.
        told: what the outbox holds of it on the channel, oldest first, without what was withdrawn.
        published: the nights whose results have just been written, or the day of what somebody did.
    """
    found: list[Telling] = []
    for episode in course.episodes:
        is_last = episode is course.episodes[-1]
        if is_last or any(episode.holds(day) for day in published):
            found += _of_episode(course, episode, [row for row in told if episode.holds(row.breach)], published)
    return found or _taken_back(course, told)


def _of_episode(course: Course, episode: Episode, told: Sequence[Told], published: Collection[date]) -> list[Telling]:
    found: list[Telling] = []
    believed_open = bool(told) and told[-1].is_firing
    if not believed_open and (episode.is_open or not told):
        found += _start(course, episode, published, again=bool(told))
    elif believed_open:
        found += _worsening(course, episode, told, published)
    if episode.resolved_on is not None and (believed_open or found) and not course.is_muted(episode.resolved_on):
        found.append(Telling(event=AlertEvent.RESOLVED, day=episode.resolved_on, breach=episode.days[-1]))
    return found


def _start(course: Course, episode: Episode, published: Collection[date], *, again: bool) -> list[Telling]:
    breaches = [day for day in published if day in episode.days]
    if not breaches or episode.acknowledged_on is not None:
        return []
    # a late night can complete a row of breaches whose last night was judged long ago
    day = max(*breaches, episode.opened)
    if course.is_muted(day):
        return []
    event = AlertEvent.REOPENED if again or episode.reopens else AlertEvent.OPENED
    return [Telling(event=event, day=day, breach=day)]


def _worsening(course: Course, episode: Episode, told: Sequence[Told], published: Collection[date]) -> list[Telling]:
    day = episode.worsened_on
    if day is None or any(row.day >= day and row.is_firing for row in told):
        return []
    if episode.acknowledged_on is not None or course.is_muted(day) or not any(map(episode.holds, published)):
        return []
    return [Telling(event=AlertEvent.WORSENED, day=day, breach=day)]


def _taken_back(course: Course, told: Sequence[Told]) -> list[Telling]:
    """The end of what was told, and is no breach any more."""
    is_open = bool(course.episodes) and course.episodes[-1].is_open
    if not told or is_open or course.episode_of(told[-1].breach) is not None:
        return []
    last = told[-1]
    if not last.is_firing or not last.is_out:
        return []
    return [Telling(event=AlertEvent.RESOLVED, day=last.day, breach=last.breach)]


def _is_wanted(course: Course, row: Told, told: Sequence[Told]) -> bool:
    episode = course.episode_of(row.breach)
    if not row.is_firing:
        # people who were told of it hear of its end, also when it turned out to be no breach
        was_told = any(other.is_out and other.is_firing and other.id < row.id for other in told)
        return was_told if episode is None else not episode.is_open
    if episode is None or row.day < episode.opened:
        return False
    if row.event is AlertEvent.WORSENED and episode.worsened_on is None:
        return False
    return episode.acknowledged_on is None and episode.state is not AlertState.MUTED
