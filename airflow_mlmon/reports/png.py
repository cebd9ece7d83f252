"""Chart of a metric as a PNG for mail, which shows no SVG; the only module that imports matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from airflow_mlmon.reports.charts import Trend, TrendPoint, date_texts, tick_texts

_REFERENCE, _CURRENT, _LIMIT, _BREACH, _TEXT, _GRID = "#9aa5b1", "#0b62a8", "#e8eef4", "#b5290b", "#52606d", "#d5dce3"
_SETTINGS: Any = {"path.simplify": False, "text.parse_math": False}
_POINTS = 72
_TEXT_SIZE = 10


def trend_png(series: Trend) -> bytes:
    """Draw a metric over its days as a PNG on white, without its title."""
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
    days = date_texts(points)
    axes.set_xticks([x for x, _ in days], [text for _, text in days])
    return figure


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
    axes.set_yticks(ticks, tick_texts(ticks, percent=percent))
    axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)


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
