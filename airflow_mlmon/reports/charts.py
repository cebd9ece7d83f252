"""Small charts as inline SVG, written without a plotting library: a page has hundreds of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise

from markupsafe import Markup

from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.reports.svg import (
    BREACH,
    CURRENT,
    LIMIT,
    REFERENCE,
    Pair,
    Plot,
    fill,
    path,
    stroke,
    ticks,
    write_texts,
)
from airflow_mlmon.tasks.outcome_table import OutcomePoint

# baseline of a text below the plot area, from the lower edge of the chart, and width of a letter
_BELOW, _LETTER = 7.4, 6.0
# characters that fit below a small chart, and the shortest cut of a name
_ROOM = 38
_SHORTEST_NAME = 5
_MOST_TICKS = 5
_DIGITS = range(4, 17)
_EXPONENT = re.compile(r"e\+?(-?)0*")
_TEN_THOUSAND, _MILLION = 1e4, 1e6
# a scale reaches so far beyond its values, and its lowest tick keeps a distance from the texts below
_MARGIN, _CLEARANCE = 0.12, 0.06
_SQUARE, _SMALL_SQUARE, _DIAMOND = 2.5, 1.5, 4.2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """Value of a metric on one day with its limits or its expected value; None where there is none.

    `mark` names an event of the model on that day.
    """

    day: date
    value: float | None
    low: float | None = None
    high: float | None = None
    breach: bool = False
    mark: str = ""
    expected: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Metric over consecutive days, oldest first."""

    title: str
    unit: str = ""
    points: tuple[TrendPoint, ...]


def before_after(bins: Histogram, title: str) -> Markup:
    """Draw a column in the reference (grey) and on the day (blue), as shares of their rows."""
    edges = bins.edges or (-0.6, max(len(bins.labels), 2) - 0.4)
    plot = Plot(
        width=220,
        height=68,
        margins=(4, 4, 4, 16),
        x=(edges[0], edges[-1]),
        y=(0, 1.05 * max(*bins.reference, *bins.current, 0.0, 1e-9)),
    )
    return plot.write(title, *(_steps if bins.edges else _bars)(plot, bins), plot.base())


def by_hour(counts: Sequence[int], counted: str, expected: Sequence[float] = ()) -> Markup:
    """Draw a bar for each hour of the day (blue), over a step at what is expected of it (grey)."""
    plot = Plot(
        width=340,
        height=100,
        margins=(40, 8, 8, 18),
        x=(-0.6, len(counts) - 0.4),
        y=(0, 1.05 * max(*counts, *expected, 1)),
    )
    bars = [plot.bar(hour - 0.4, hour + 0.4, 0, count) for hour, count in enumerate(counts) if count]
    hours = [(plot.place(hour, 0)[0], plot.height - _BELOW, f"{hour:02}") for hour in range(0, len(counts), 6)]
    return plot.write(
        f"{counted} by hour: {max(counts):,} in the busiest",
        write_texts(hours, "middle"),
        *_scale(plot, percent=False, whole=True),
        fill(CURRENT, *bars),
        stroke(REFERENCE, 2.0, *_held(plot, expected)),
        plot.base(),
    )


def intervals(points: Sequence[OutcomePoint], title: str, *, percent: bool) -> Markup:
    """Draw each value with its interval (blue), and where it should be (grey), in the order of the points."""
    numbers = [number for one in points for number in (one.value, one.low, one.high, one.expected)]
    plot = Plot(width=340, height=130, margins=(48, 8, 8, 8), x=(-0.6, len(points) - 0.4), y=_range_of(numbers))
    should = [
        plot.line([(x - 0.3, one.expected), (x + 0.3, one.expected)])
        for x, one in enumerate(points)
        if one.expected is not None
    ]
    spans = [
        plot.line([(x, one.low), (x, one.high)])
        for x, one in enumerate(points)
        if one.low is not None and one.high is not None
    ]
    values = [_square(plot.place(x, one.value), _SQUARE) for x, one in enumerate(points) if one.value is not None]
    return plot.write(
        title,
        *_scale(plot, percent=percent),
        stroke(REFERENCE, 2.0, *should),
        stroke(CURRENT, 1.2, *spans),
        fill(CURRENT, *values),
        plot.base(),
    )


def trend(series: Trend) -> Markup:
    """Draw a line over the days, the band between the limits, and a mark at each breach."""
    points = series.points
    numbers = [number for one in points for number in (one.value, one.low, one.high, one.expected)]
    plot = Plot(
        width=340,
        height=120,
        margins=(40, 8, 8, 18),
        x=(-0.5, max(len(points) - 0.5, 0.5)),
        y=_range_of(numbers),
    )
    days = [(plot.place(x, 0)[0], plot.height - _BELOW, text) for x, text in date_texts(points)]
    runs = list(_runs([one.value for one in points]))
    alone = [_square(plot.place(*run[0]), _SMALL_SQUARE) for run in runs if len(run) == 1]
    breaches = [
        _diamond(plot.place(x, one.value)) for x, one in enumerate(points) if one.breach and one.value is not None
    ]
    marks = [plot.line([(x, plot.y[0]), (x, plot.y[1])]) for x, one in enumerate(points) if one.mark]
    return plot.write(
        _trend_title(series),
        write_texts(days, "middle"),
        *_scale(plot, percent=series.unit == "%"),
        *_limits(plot, points),
        stroke(REFERENCE, 1.0, *marks, dashes="1,2"),
        stroke(CURRENT, 1.6, "".join(plot.line(run) for run in runs if len(run) > 1)),
        fill(CURRENT, "".join(alone)),
        fill(BREACH, *breaches),
        plot.base(),
    )


def date_texts(points: Sequence[TrendPoint]) -> list[tuple[int, str]]:
    """Return the positions of the days that are named below a trend, with their names."""
    shown = range(0, len(points), max(1, math.ceil(len(points) / 6)))
    return [(x, f"{points[x].day.day} {points[x].day:%b}") for x in shown]


def tick_texts(values: Sequence[float], *, percent: bool) -> list[str]:
    """Format the values of a scale, with as many digits as tell them apart.

    >>> tick_texts([0.125, 0.25], percent=True), tick_texts([12_500, 2.5e6], percent=False)
    (['12.5 %', '25 %'], ['12,500', '2.5e6'])
    """
    return _apart(values, lambda value, digits: f"{100 * value:.{digits}g} %" if percent else _number(value, digits))


def _steps(plot: Plot, bins: Histogram) -> Iterator[str]:
    """Draw the reference as an area, and the day as a line of steps over it, with some of the edges below."""
    sides = [
        [(edge, share) for share, ends in zip(found, pairwise(bins.edges), strict=True) for edge in ends]
        for found in (bins.reference, bins.current)
    ]
    low, high = bins.edges[0], bins.edges[-1]
    area = [plot.place(low, 0), *(plot.place(*point) for point in sides[0]), plot.place(high, 0)]
    yield fill(REFERENCE, path(area), opacity=0.55)
    yield stroke(CURRENT, 1.5, plot.line(sides[1]))
    for most in range(_MOST_TICKS, 0, -1):
        found = ticks(low, high, most)
        texts = _apart(found, lambda value, digits: f"{value:.{digits}g}")
        places = [plot.place(tick, 0)[0] for tick in found]
        # the outer texts are moved inwards by half of their length at most
        room = min((right - left for left, right in pairwise(places)), default=math.inf)
        if all(1.5 * len(text) * _LETTER < room for text in texts):
            break
    yield write_texts([_within(plot, tick, text) for tick, text in zip(found, texts, strict=True)], "middle")


def _apart(values: Sequence[float], write: Callable[[float, int], str]) -> list[str]:
    """Format different values with the fewest digits that tell them apart."""
    texts: list[str] = []
    for digits in _DIGITS:
        texts = [_EXPONENT.sub(r"e\1", write(value, digits)) for value in values]
        if len(set(texts)) == len(values):
            break
    return texts


def _number(value: float, digits: int) -> str:
    is_long_count = float(value).is_integer() and _TEN_THOUSAND <= abs(value) < _MILLION
    return f"{value:,.0f}" if is_long_count else f"{value:,.{digits}g}"


def _within(plot: Plot, x: float, text: str) -> tuple[float, float, str]:
    """Pair a text below a value, or as near to it as the chart is wide."""
    half = len(text) * _LETTER / 2
    place = min(max(plot.place(x, 0)[0], half), plot.width - half)
    return place, plot.height - _BELOW + 2, text


def _bars(plot: Plot, bins: Histogram) -> Iterator[str]:
    """Draw pairs of bars, with as many of their names below as fit."""
    pairs = list(enumerate(zip(bins.reference, bins.current, strict=True)))
    yield fill(REFERENCE, *(plot.bar(x - 0.39, x - 0.01, 0, before) for x, (before, _) in pairs), opacity=0.8)
    yield fill(CURRENT, *(plot.bar(x + 0.01, x + 0.39, 0, after) for x, (_, after) in pairs))
    length = max(_SHORTEST_NAME, _ROOM // max(len(bins.labels), 1) - 1)
    names = [name if len(name) <= length else f"{name[: length - 1]}…" for name in bins.labels]
    step = max(1, math.ceil(sum(len(name) + 1 for name in names) / _ROOM))
    yield write_texts([_within(plot, x, name) for x, name in list(enumerate(names))[::step]], "middle")


def _scale(plot: Plot, *, percent: bool, whole: bool = False) -> Iterator[str]:
    """Draw lines at round values, with their texts to the left."""
    low, high = plot.y
    found = [
        tick
        for tick in ticks(low, high, _MOST_TICKS)
        if tick >= low + _CLEARANCE * (high - low) and (tick.is_integer() or not whole)
    ]
    yield plot.grid(found)
    left = plot.margins[0] - 3
    texts = zip(found, tick_texts(found, percent=percent), strict=True)
    yield write_texts([(left, plot.place(0, tick)[1] + 3.8, text) for tick, text in texts], "end")


def _limits(plot: Plot, points: Sequence[TrendPoint]) -> Iterator[str]:
    """Draw the band between the limits; a single limit, or an expected value without limits, is a line."""
    lows, highs = [one.low for one in points], [one.high for one in points]
    pairs = [None if low is None or high is None else (low, high) for low, high in zip(lows, highs, strict=True)]
    bands = []
    for known, found in groupby(enumerate(pairs), key=lambda place: place[1] is not None):
        if known:
            run = [(at, *pair) for at, pair in found if pair is not None]
            upper = [plot.place(x, high) for at, _, high in run for x in (at - 0.5, at + 0.5)]
            lower = [plot.place(x, low) for at, low, _ in reversed(run) for x in (at + 0.5, at - 0.5)]
            bands.append(path([*upper, *lower], closed=True))
    yield fill(LIMIT, *bands)
    yield stroke(REFERENCE, 1.2, *_held(plot, [one.expected for one in points]))
    yield stroke(REFERENCE, 0.8, *_held(plot, lows), *_held(plot, highs), dashes="2.4,1.6")


def _held(plot: Plot, values: Sequence[float | None]) -> list[str]:
    """Return the paths of values that hold from one middle between two positions to the next."""
    return [plot.line([(x + side, y) for x, y in run for side in (-0.5, 0.5)]) for run in _runs(values)]


def _runs(values: Sequence[float | None]) -> list[list[Pair]]:
    """Return the values with their positions, divided at each gap."""
    known = [(x, value) for x, value in enumerate(values) if value is not None and math.isfinite(value)]
    # adjacent values have the same difference of position and rank
    grouped = groupby(enumerate(known), key=lambda ranked: ranked[1][0] - ranked[0])
    return [[place for _, place in found] for _, found in grouped]


def _range_of(numbers: Sequence[float | None]) -> tuple[float, float]:
    """Return the ends of a scale that holds all numbers, with a margin."""
    known = [number for number in numbers if number is not None and math.isfinite(number)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    span = high - low or abs(high) / 2 or 1.0
    return low - _MARGIN * span, high + _MARGIN * span


def _square(centre: Pair, half: float) -> str:
    x, y = centre
    corners = [(x - half, y + half), (x + half, y + half), (x + half, y - half), (x - half, y - half)]
    return path(corners, closed=True)


def _diamond(centre: Pair) -> str:
    x, y = centre
    return path([(x, y + _DIAMOND), (x + _DIAMOND, y), (x, y - _DIAMOND), (x - _DIAMOND, y)], closed=True)


def _trend_title(series: Trend) -> str:
    breaches = sum(point.breach for point in series.points)
    days = f"{len(series.points)} days"
    marks = [f"{point.day}: {point.mark}" for point in series.points if point.mark]
    beyond = [f"{breaches} outside"] if breaches else []
    return "; ".join([", ".join([f"{series.title} over {days}", *beyond]), *marks])
