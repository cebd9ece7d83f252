"""Strip of the last days of a model as a small picture, with its words for those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from markupsafe import Markup

from airflow_mlmon.records import Status
from airflow_mlmon.reports.tone import Tone, day_tone

_STEP, _HEIGHT = 5, 18
# the worse a day, the higher its bar: the colour is not the only sign
_TOPS = {Tone.HEALTHY: 10, Tone.NOTICE: 5, Tone.ALERTING: 0}
_MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StripDay:
    """Day of a strip; without a status it was not evaluated."""

    day: date
    status: Status | None = None
    alerts: int = 0

    @property
    def kind(self) -> str:
        """Return its tone, or that it is missing."""
        return _MISSING if self.status is None else day_tone(self.status, alerts=self.alerts)


def draw_strip(days: Sequence[StripDay | None]) -> Markup:
    """Draw days, oldest first, as bars; a missing day is a dot, and None, a day that is not monitored, leaves a gap."""
    paths: dict[str, str] = {}
    for at, day in enumerate(days):
        if day is not None:
            top = _TOPS[Tone(day.kind)] if day.status is not None else _HEIGHT - 3
            paths[day.kind] = f"{paths.get(day.kind, '')}M{at * _STEP + _STEP // 2} {_HEIGHT}V{top}"
    shapes = Markup().join(Markup('<path class="{}" d="{}"/>').format(kind, path) for kind, path in paths.items())
    return Markup('<svg class="bars" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img">{2}{3}</svg>').format(
        _STEP * len(days), _HEIGHT, Markup("<title>{}</title>").format(strip_text(days)), shapes
    )


def strip_text(days: Iterable[StripDay | None]) -> str:
    """Say what a strip shows, such as "26 days healthy; alerting: 2026-11-08, 2026-11-10 to 2026-11-11"."""
    found = [day for day in days if day is not None]
    if not found:
        return "No days."
    healthy = sum(day.kind == Tone.HEALTHY for day in found)
    ranges = {
        kind: _ranges([day.day for day in found if day.kind == kind]) for kind in (Tone.ALERTING, Tone.NOTICE, _MISSING)
    }
    parts = [f"{kind}: {days}" for kind, days in ranges.items() if days]
    return "; ".join([f"{healthy} of {len(found)} days healthy", *parts])


def _ranges(days: Sequence[date]) -> str:
    """Join consecutive days.

    >>> _ranges([date(2013, 3, 1), date(2013, 3, 2), date(2013, 3, 4)])
    '2013-03-01 to 2013-03-02, 2013-03-04'
    """
    runs = [
        [day for _, day in run] for _, run in groupby(enumerate(days), key=lambda item: item[1] - timedelta(item[0]))
    ]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
