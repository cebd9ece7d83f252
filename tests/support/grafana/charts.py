"""Charts of panels: lines and bars over time, and squares by day."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from airflow_mlmon.reports.svg import Plot, fill, stroke, ticks, write_texts
from tests.support.grafana.answers import Line, Rows
from tests.support.grafana.dashboards import Shown
from tests.support.grafana.values import PALETTE, Options, formatted, options_of

# width of a letter, and the most letters of a name beside squares
_LETTER, _LONGEST = 5.6, 18
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Series of a panel with its options and its colour."""

    name: str
    points: tuple[tuple[float, float], ...]
    options: Options
    colour: str


def series_of(panel: Any, answers: Sequence[Sequence[Line] | Rows]) -> list[Series]:
    """All series of a panel."""
    found: dict[str, tuple[tuple[float, float], ...]] = {}
    for answer in answers:
        found |= _of_rows(answer) if isinstance(answer, Rows) else {line.name: line.points for line in answer}
    series = []
    for place, (name, points) in enumerate(found.items()):
        options = options_of(panel, name)
        colour = options.colour or PALETTE[place % len(PALETTE)]
        real = tuple((at, value) for at, value in points if math.isfinite(value))
        series.append(Series(name=options.name, points=real, options=options, colour=colour))
    return series


def chart(panel: Any, series: Sequence[Series], shown: Shown, width: float, height: float) -> Markup:
    """Lines and bars over time."""
    stacked = panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
    values = [value for one in series for _, value in one.points] or [0.0]
    totals: dict[float, float] = defaultdict(float)
    for one in series:
        for at, value in one.points:
            totals[at] += value
    low, high = (0.0, max(totals.values(), default=1.0)) if stacked else (min(values), max(values))
    defaults = panel["fieldConfig"]["defaults"]
    low, high = defaults.get("min", low), defaults.get("max", high)
    room = 0.08 * (high - low) or abs(high) or 1.0
    plot = Plot(
        width=width,
        height=height,
        margins=(52, 6, 6, 18),
        x=(shown.since.timestamp(), shown.until.timestamp()),
        y=(low if low == 0 else low - room, high + room),
    )
    draw = _bars if stacked else _lines
    return plot.write(panel["title"], *_axes(plot, defaults.get("unit", "short")), *draw(plot, series), plot.base())


def squares(panel: Any, answer: Rows, shown: Shown, width: float, height: float) -> Markup:
    """A row of squares for each series."""
    rows: dict[str, list[tuple[float, Any]]] = defaultdict(list)
    for at, name, value in answer.values:
        rows[name].append((_seconds(at), value))
    plot = Plot(
        width=width,
        height=height,
        margins=(_LETTER * _LONGEST + 6, 6, 4, 18),
        x=(shown.since.timestamp(), shown.until.timestamp()),
        y=(0, max(len(rows), 1)),
    )
    options = options_of(panel, "")
    by_colour: dict[str, list[str]] = defaultdict(list)
    names = []
    for row, (name, points) in enumerate(rows.items()):
        level = len(rows) - row - 1
        names.append((plot.margins[0] - 6, plot.place(0, level + 0.3)[1], name[:_LONGEST]))
        for at, value in points:
            cell = plot.bar(at + 0.06 * _DAY_S, at + 0.94 * _DAY_S, level + 0.1, level + 0.9)
            by_colour[options.colour_of(value) or PALETTE[0]].append(cell)
    shapes = [fill(colour, *cells) for colour, cells in by_colour.items()]
    return plot.write(panel["title"], write_texts(names, "end"), _times(plot), *shapes, plot.base())


def _axes(plot: Plot, unit: str) -> Iterator[str]:
    levels = ticks(*plot.y, 5)
    yield plot.grid(levels)
    texts = [(plot.margins[0] - 6, plot.place(0, level)[1] + 3, formatted(level, unit)) for level in levels]
    yield write_texts(texts, "end")
    yield _times(plot)


def _times(plot: Plot) -> str:
    first, last = plot.x
    whole = last - first > 2 * _DAY_S
    found = []
    for part in range(1, 6):
        at = first + part * (last - first) / 6
        at -= at % _DAY_S if whole else 0
        moment = datetime.fromtimestamp(at, UTC)
        text = f"{moment.day} {moment:%b}" if whole else f"{moment:%H:%M:%S}"
        found.append((plot.place(at, 0)[0], plot.height - 5, text))
    return write_texts(found, "middle")


def _lines(plot: Plot, series: Sequence[Series]) -> Iterator[str]:
    by_name = {one.name: one for one in series}
    for one in series:
        below = by_name.get(one.options.custom.get("fillBelowTo", ""))
        if below is not None:
            around = [*one.points, *reversed(below.points)]
            yield fill(one.colour, plot.line(around) + "z", opacity=0.12)
    for one in series:
        if one.options.custom.get("drawStyle") == "points" or len(one.points) == 1:
            yield fill(one.colour, *(_dot(plot, *point) for point in one.points))
            continue
        dashes = ",".join(str(part) for part in one.options.custom.get("lineStyle", {}).get("dash", ()))
        yield stroke(one.colour, 1.5, plot.line(one.points), dashes=dashes)


def _dot(plot: Plot, at: float, value: float) -> str:
    x, y = plot.place(at, value)
    return f"M{x - 3:.1f} {y:.1f}L{x:.1f} {y - 3:.1f}L{x + 3:.1f} {y:.1f}L{x:.1f} {y + 3:.1f}z"


def _bars(plot: Plot, series: Sequence[Series]) -> Iterator[str]:
    times = sorted({at for one in series for at, _ in one.points})
    gaps = [after - before for before, after in pairwise(times)]
    half = 0.4 * min(gaps, default=(plot.x[1] - plot.x[0]) / 10)
    below: dict[float, float] = defaultdict(float)
    for one in series:
        cells = []
        for at, value in one.points:
            cells.append(plot.bar(at - half, at + half, below[at], below[at] + value))
            below[at] += value
        yield fill(one.colour, *cells)


def _of_rows(answer: Rows) -> dict[str, tuple[tuple[float, float], ...]]:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    is_long = answer.columns[1:] == ("metric", "value")
    for row in answer.values:
        named = [(row[1], row[2])] if is_long else list(zip(answer.columns[1:], row[1:], strict=True))
        for name, value in named:
            if value is not None:
                found[name].append((_seconds(row[0]), float(value)))
    return {name: tuple(points) for name, points in found.items()}


def _seconds(at: Any) -> float:
    if isinstance(at, datetime):
        return at.timestamp()
    assert isinstance(at, date)
    return datetime(at.year, at.month, at.day, tzinfo=UTC).timestamp()
