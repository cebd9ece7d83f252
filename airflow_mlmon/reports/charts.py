"""Small charts as inline SVG, and a PNG for mail; the only module that imports matplotlib.

Texts from data never reach matplotlib, which would measure and interpret them: tokens stand for them until the SVG is
written. Colours are variables of the page.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from airflow_mlmon.profiles.columns.histogram import Histogram
from airflow_mlmon.reports.svg import inline_svg
from airflow_mlmon.tasks.outcome_table import OutcomePoint

# placeholders for the page's colours; the second is the fallback where the page lacks the variable
_REFERENCE, _CURRENT, _LIMIT, _BREACH, _TEXT, _GRID = "#9aa5b1", "#0b62a8", "#e8eef4", "#b5290b", "#52606d", "#d5dce3"
_COLOURS = {
    _REFERENCE: f"var(--reference,{_REFERENCE})",
    _CURRENT: f"var(--current,{_CURRENT})",
    _LIMIT: f"var(--limit,{_LIMIT})",
    _BREACH: f"var(--breach,{_BREACH})",
    _TEXT: f"var(--muted,{_TEXT})",
    _GRID: f"var(--line,{_GRID})",
}
_SETTINGS: Any = {"svg.hashsalt": "mlmon", "svg.fonttype": "none", "path.simplify": False, "text.parse_math": False}
_POINTS = 72
_TEXT_SIZE = 10
# characters that fit below a small chart, and the shortest cut of a name
_ROOM = 38
_SHORTEST_NAME = 5


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
    figure, axes = _canvas(width=220, height=68, margins=(4, 4, 4, 16))
    texts = _draw_steps(axes, bins) if bins.edges else _draw_bars(axes, bins)
    axes.set_ylim(0, 1.05 * max(*bins.reference, *bins.current, 0.0, 1e-9))
    axes.set_yticks([])
    return _written(figure, title, texts)


def by_hour(counts: Sequence[int], counted: str, expected: Sequence[float] = ()) -> Markup:
    """Draw a bar for each hour of the day (blue), over a step at what is expected of it (grey)."""
    figure, axes = _canvas(width=340, height=100, margins=(40, 8, 8, 18))
    axes.bar(range(len(counts)), counts, width=0.8, color=_CURRENT)
    if len(expected):
        edges = [hour - 0.5 for hour in range(len(expected) + 1)]
        axes.stairs(expected, edges, color=_REFERENCE, linewidth=2.0, baseline=None)
    axes.set_xlim(-0.6, len(counts) - 0.4)
    axes.set_ylim(0, 1.05 * max(*counts, *expected, 1))
    _draw_scale(axes, percent=False)
    shown = range(0, len(counts), 6)
    axes.set_xticks(list(shown), [f"{hour:02}" for hour in shown])
    return _written(figure, f"{counted} by hour: {max(counts):,} in the busiest")


def intervals(points: Sequence[OutcomePoint], title: str, *, percent: bool) -> Markup:
    """Draw each value with its interval (blue), and where it should be (grey), in the order of the points."""
    figure, axes = _canvas(width=340, height=130, margins=(48, 8, 8, 8))
    for x, point in enumerate(points):
        if point.expected is not None:
            axes.plot([x - 0.3, x + 0.3], [point.expected] * 2, color=_REFERENCE, linewidth=2.0, zorder=1)
        if point.low is not None and point.high is not None:
            axes.plot([x, x], [point.low, point.high], color=_CURRENT, linewidth=1.2)
        if point.value is not None:
            axes.plot([x], [point.value], color=_CURRENT, linestyle="", marker="s", markersize=5, markeredgewidth=0)
    axes.set_xlim(-0.6, len(points) - 0.4)
    axes.set_xticks([])
    _draw_scale(axes, percent=percent)
    return _written(figure, title)


def trend(series: Trend) -> Markup:
    """Draw a line over the days, the band between the limits, and a mark at each breach."""
    return _written(_trend_figure(series), _trend_title(series))


def trend_png(series: Trend) -> bytes:
    """Draw the same as a PNG on white, for mail; without the title."""
    figure = _trend_figure(series)
    figure.patch.set(visible=True, facecolor="white")
    buffer = io.BytesIO()
    with rc_context(_SETTINGS):
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()


def _trend_figure(series: Trend) -> Figure:
    figure, axes = _canvas(width=340, height=120, margins=(40, 8, 8, 18))
    points = series.points
    positions = list(range(len(points)))
    _draw_limits(axes, points)
    values = [math.nan if point.value is None else point.value for point in points]
    axes.plot(positions, values, color=_CURRENT, linewidth=1.6)
    # a day between two gaps has no line and is drawn as a point
    alone = [x for x in positions if not _has_value(points, x - 1) and not _has_value(points, x + 1)]
    axes.plot(
        alone, [values[x] for x in alone], color=_CURRENT, linestyle="", marker="s", markersize=3, markeredgewidth=0
    )
    breaches = [(x, y) for x, y, point in zip(positions, values, points, strict=True) if point.breach]
    if breaches:
        axes.plot(
            *zip(*breaches, strict=True), color=_BREACH, linestyle="", marker="D", markersize=6, markeredgewidth=0
        )
    for position in (x for x in positions if points[x].mark):
        axes.axvline(position, color=_REFERENCE, linewidth=1.0, linestyle=(0, (1, 2)), zorder=0)
    axes.set_xlim(-0.5, max(len(points) - 0.5, 0.5))
    _draw_scale(axes, percent=series.unit == "%")
    shown = positions[:: max(1, math.ceil(len(points) / 6))]
    axes.set_xticks(shown, [f"{points[x].day.day} {points[x].day:%b}" for x in shown])
    return figure


def _draw_steps(axes: Axes, bins: Histogram) -> Sequence[str]:
    axes.stairs(bins.reference, bins.edges, fill=True, color=_REFERENCE, alpha=0.55, linewidth=0)
    axes.stairs(bins.current, bins.edges, color=_CURRENT, linewidth=1.5, baseline=None)
    axes.set_xlim(bins.edges[0], bins.edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(4))
    ticks = [tick for tick in axes.get_xticks() if bins.edges[0] <= tick <= bins.edges[-1]]
    axes.set_xticks(ticks, [f"{tick:.6g}" for tick in ticks])
    return ()


def _draw_bars(axes: Axes, bins: Histogram) -> Sequence[str]:
    """Draw pairs of bars, with as many of their names below as fit."""
    positions = range(len(bins.labels))
    axes.bar([x - 0.2 for x in positions], bins.reference, width=0.38, color=_REFERENCE, alpha=0.8)
    axes.bar([x + 0.2 for x in positions], bins.current, width=0.38, color=_CURRENT)
    axes.set_xlim(-0.6, max(len(bins.labels), 2) - 0.4)
    length = max(_SHORTEST_NAME, _ROOM // max(len(bins.labels), 1) - 1)
    texts = [name if len(name) <= length else f"{name[: length - 1]}…" for name in bins.labels]
    step = max(1, math.ceil(sum(len(text) + 1 for text in texts) / _ROOM))
    shown = positions[::step]
    axes.set_xticks(list(shown), [f"@{x}" for x in shown])
    return texts


def _has_value(points: Sequence[TrendPoint], position: int) -> bool:
    return 0 <= position < len(points) and points[position].value is not None


def _draw_limits(axes: Axes, points: Sequence[TrendPoint]) -> None:
    """Draw the band between the limits; a single limit, or an expected value without limits, is a line."""
    positions = range(len(points))
    expected = [math.nan if point.expected is None else point.expected for point in points]
    if not all(map(math.isnan, expected)):
        axes.step(positions, expected, where="mid", color=_REFERENCE, linewidth=1.2)
    limited = [point for point in points if point.low is not None or point.high is not None]
    if not limited:
        return
    lows = [math.nan if point.low is None else point.low for point in points]
    highs = [math.nan if point.high is None else point.high for point in points]
    if any(point.low is not None and point.high is not None for point in limited):
        axes.fill_between(positions, lows, highs, color=_LIMIT, linewidth=0, step="mid")
    for limits in (lows, highs):
        axes.step(positions, limits, where="mid", color=_REFERENCE, linewidth=0.8, linestyle=(0, (3, 2)))


def _draw_scale(axes: Axes, *, percent: bool) -> None:
    axes.margins(y=0.12)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    low, high = axes.get_ylim()
    # the lowest tick keeps its distance from the dates below
    ticks = [tick for tick in axes.get_yticks() if low + 0.06 * (high - low) <= tick <= high]
    axes.set_yticks(ticks, [_tick_text(tick, percent=percent) for tick in ticks])
    axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _tick_text(value: float, *, percent: bool) -> str:
    return f"{100 * value:.4g} %" if percent else f"{value:,.4g}"


def _trend_title(series: Trend) -> str:
    breaches = sum(point.breach for point in series.points)
    days = f"{len(series.points)} days"
    marks = [f"{point.day}: {point.mark}" for point in series.points if point.mark]
    beyond = [f"{breaches} outside"] if breaches else []
    return "; ".join([", ".join([f"{series.title} over {days}", *beyond]), *marks])


def _canvas(*, width: float, height: float, margins: tuple[float, float, float, float]) -> tuple[Figure, Axes]:
    """Create an empty chart; sizes and margins (left, right, top, bottom) in points."""
    left, right, top, bottom = margins
    figure = Figure(figsize=(width / _POINTS, height / _POINTS))
    figure.patch.set_visible(False)
    box = (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    axes = figure.add_axes(box)
    axes.patch.set_visible(False)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)
    axes.tick_params(length=0, pad=3, labelsize=_TEXT_SIZE, labelcolor=_TEXT)
    return figure, axes


def _written(figure: Figure, title: str, texts: Sequence[str] = ()) -> Markup:
    buffer = io.StringIO()
    with rc_context(_SETTINGS):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return inline_svg(buffer.getvalue(), title=title, texts=texts, colours=_COLOURS)
