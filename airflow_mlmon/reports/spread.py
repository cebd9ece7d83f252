"""Chart of a column's distribution over days: a bar for each range or value, a column for each day."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.reports.svg import CURRENT, REFERENCE, Plot, fill, stroke, write_texts

# a larger share is darker; the darkest is the largest of the picture
_SHADES = (0.08, 0.25, 0.45, 0.7, 1.0)
_ROW, _MOST_TEXTS, _LONGEST = 13, 6, 14
# the baseline stands apart from the days, and is as wide as two of them
_BASELINE = (-3.0, -1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySpread:
    """Shares of the values of one day by bar; None of a day without a profile."""

    day: date
    shares: tuple[float, ...] | None


def draw_spread(bins: Histogram, days: Sequence[DaySpread], title: str) -> Markup:
    """Draw the shares of the baseline (grey) and of each day (blue), from the lowest range or the first value up."""
    count = len(bins.labels)
    plot = Plot(
        width=720,
        height=_ROW * count + 26,
        margins=(104, 8, 6, 20),
        x=(_BASELINE[0] - 0.5, len(days) - 0.5),
        y=(-0.5, count - 0.5),
    )
    largest = max((share for shares in _all(bins, days) for share in shares), default=0.0)
    # values stand in their order from the top, ranges from the bottom
    places = list(range(count)) if bins.edges else list(range(count))[::-1]
    before = [(place, share) for place, share in zip(places, bins.reference, strict=True)]
    now = [
        (at, place, share)
        for at, one in enumerate(days)
        if one.shares is not None
        for place, share in zip(places, one.shares, strict=True)
    ]
    shapes: list[str] = []
    for shade in _SHADES:
        of_baseline = [
            plot.bar(*_BASELINE, place - 0.46, place + 0.46)
            for place, share in before
            if _shade(share, largest) == shade
        ]
        of_days = [
            plot.bar(at - 0.46, at + 0.46, place - 0.46, place + 0.46)
            for at, place, share in now
            if _shade(share, largest) == shade
        ]
        shapes += [fill(REFERENCE, "".join(of_baseline), opacity=shade), fill(CURRENT, "".join(of_days), opacity=shade)]
    gaps = [plot.line([(at - 0.46, y), (at + 0.46, y)]) for at, y in _gaps(days, plot)]
    return plot.write(
        title, *shapes, stroke(REFERENCE, 0.8, *gaps), *_names(plot, bins, places), *_dates(plot, days), plot.base()
    )


def _all(bins: Histogram, days: Sequence[DaySpread]) -> Iterator[Sequence[float]]:
    yield bins.reference
    yield from (one.shares for one in days if one.shares is not None)


def _shade(share: float, largest: float) -> float | None:
    """Return the shade of a share; None of no value. Roots keep small shares apart from none."""
    if not share or not largest:
        return None
    return next(shade for shade in _SHADES if math.sqrt(share / largest) <= shade or shade == _SHADES[-1])


def _gaps(days: Sequence[DaySpread], plot: Plot) -> Iterator[tuple[int, float]]:
    for at, one in enumerate(days):
        if one.shares is None:
            yield at, sum(plot.y) / 2


def _names(plot: Plot, bins: Histogram, places: Sequence[int]) -> Iterator[str]:
    """Write the names of the values, or the edges of some of the ranges, to the left."""
    if bins.edges:
        step = max(1, math.ceil(len(bins.edges) / _MOST_TEXTS))
        shown = [(rank - 0.5, f"{bins.edges[rank]:.4g}") for rank in range(0, len(bins.edges), step)]
    else:
        shown = [(float(place), _cut(label)) for place, label in zip(places, bins.labels, strict=True)]
    left = plot.margins[0] - 6
    yield write_texts([(left, plot.place(0, y)[1] + 3.6, text) for y, text in shown], "end")


def _dates(plot: Plot, days: Sequence[DaySpread]) -> Iterator[str]:
    step = max(1, math.ceil(len(days) / _MOST_TEXTS))
    shown = [(at, f"{days[at].day.day} {days[at].day:%b}") for at in range(0, len(days), step)]
    texts = [(plot.place(at, 0)[0], plot.height - 7.4, text) for at, text in shown]
    yield write_texts([(plot.place(sum(_BASELINE) / 2, 0)[0], plot.height - 7.4, "baseline"), *texts], "middle")


def _cut(label: str) -> str:
    return label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…"
