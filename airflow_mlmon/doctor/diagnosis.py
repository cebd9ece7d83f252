"""Findings: what was looked at, how it is, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from airflow_mlmon.errors import MlmonError, describe_unexpected

TellTime = Callable[[], datetime]
_A_MINUTE, _AN_HOUR = timedelta(minutes=1), timedelta(hours=1)


class Health(StrEnum):
    """Health of what was looked at; only a failure keeps a day from running as it should."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding: of which part, how it is, in words, and what to do about it."""

    part: str
    health: Health
    said: str
    hint: str = ""


def good(part: str, said: str) -> Diagnosis:
    """Return that a part is as it should be."""
    return Diagnosis(part=part, health=Health.OK, said=said)


def doubtful(part: str, said: str, hint: str) -> Diagnosis:
    """Return what of a part may become a failure, or costs something."""
    return Diagnosis(part=part, health=Health.WARNING, said=said, hint=hint)


def wrong(part: str, said: str, hint: str) -> Diagnosis:
    """Return what is wrong with a part."""
    return Diagnosis(part=part, health=Health.FAILURE, said=said, hint=hint)


def guarded(part: str, findings: Callable[[], Iterable[Diagnosis]]) -> Iterator[Diagnosis]:
    """Yield the findings on a part, whose errors are findings too and hide those of no other part."""
    try:
        yield from findings()
    except MlmonError as error:
        yield wrong(part, error.message, error.hint)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        yield wrong(part, describe_unexpected(error), "")


def compare_clocks(part: str, theirs: datetime, ours: datetime) -> Iterator[Diagnosis]:
    """Yield that the clock of a service and ours are apart, if they are by a minute or more."""
    apart = theirs - ours
    if abs(apart) < _A_MINUTE:
        return
    ahead = "ahead of" if apart > timedelta() else "behind"
    said = f"its clock is {_duration(abs(apart))} {ahead} that of this machine"
    hint = "synchronise both by NTP: signatures, leases of messages and the end of days rest on the time"
    yield wrong(part, said, hint) if abs(apart) >= _AN_HOUR else doubtful(part, said, hint)


def _duration(apart: timedelta) -> str:
    minutes = round(apart.total_seconds() / 60)
    return f"{minutes} minutes" if apart < _AN_HOUR else f"{minutes // 60} h {minutes % 60} min"
