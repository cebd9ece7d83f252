"""Evidently's pictures of a column, drawn as plain data.

Evidently draws them with plotly's classes, which check each property of each figure: more than half of a report's
time. A widget takes data, so the same figures are put together without the classes; a test compares both.
"""

from __future__ import annotations

import warnings
from abc import ABC
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

with warnings.catch_warnings():
    # its import uses deprecated names of its dependencies
    warnings.simplefilter("ignore")
    from evidently import metrics
    from evidently.legacy.calculations.data_drift import ColumnDataDriftMetrics
    from evidently.legacy.metric_results import ScatterAggField
    from evidently.legacy.model.widget import BaseWidgetInfo
    from evidently.legacy.options import ColorOptions
    from evidently.legacy.options.base import Options
    from evidently.legacy.renderers.html_widgets import TabData, plotly_data, widget_tabs

    # plotly's own
    from evidently.legacy.utils.visualizations import make_subplots
    from evidently.metrics.column_statistics import ValueDriftCalculation

_BAND_OPACITY = 0.2
_SHOWN = [True, False, True, False]


# a base class to evidently, so that it does not take the place of evidently's own calculation in its own metric
class DrawnDriftCalculation(ValueDriftCalculation, ABC):  # type: ignore[misc] # evidently has no complete types
    """Evidently's calculation, with its pictures drawn as plain data."""

    def _render(
        self, result: ColumnDataDriftMetrics, options: Options, color_options: ColorOptions
    ) -> list[BaseWidgetInfo]:
        bare = {side: getattr(result, side).copy(update={"distribution": None}) for side in ("current", "reference")}
        widgets: list[BaseWidgetInfo] = super()._render(
            result.copy(update={"scatter": None, **bare}), options, color_options
        )
        tabs = []
        if result.scatter is not None:
            tabs.append(TabData("DATA DRIFT", _means(result.scatter, str(result.column_name), color_options)))
        if result.current.distribution is not None and result.reference.distribution is not None:
            tabs.append(TabData("DATA DISTRIBUTION", _distribution(result, color_options)))
        return [*widgets, widget_tabs(title="", tabs=tabs)] if tabs else widgets


class ValueDrift(metrics.ValueDrift):  # type: ignore[misc] # as above
    """Evidently's metric with these pictures; it has evidently's name and ids in the data."""

    __calculation_type__ = DrawnDriftCalculation

    @classmethod
    def __get_classpath__(cls) -> str:  # noqa: D105 - evidently's name
        path: str = metrics.ValueDrift.__get_classpath__()
        return path


def _means(found: ScatterAggField, column: str, colors: ColorOptions) -> BaseWidgetInfo:
    """Draw the means of the day's rows, in their order, over the mean and the deviation of the reference."""
    ((name, frame),) = found.scatter.items()
    places, means = frame["per"].to_numpy(), frame["mean"].to_numpy()
    spread = frame["std"].fillna(0).to_numpy()
    low, high = found.plot_shape["y0"], found.plot_shape["y1"]
    middle, half = (high + low) / 2, (low - high) / 2
    first, last = places.min(), places.max()
    color = colors.get_current_data_color()
    traces = [
        {
            "marker": {"color": colors.zero_line_color},
            "mode": "lines",
            "name": "reference (mean)",
            "showlegend": True,
            "x": places,
            "y": [middle] * len(places),
        },
        {
            "fill": "toself",
            "fillcolor": colors.fill_color,
            "line": {"color": colors.fill_color, "dash": "solid", "width": 0},
            "marker": {"size": 0},
            "name": "reference (+/- 1std)",
            "opacity": 0.5,
            "x": [first, last, last, first],
            "y": [middle + half, middle + half, middle - half, middle - half],
        },
        {
            "fill": "toself",
            "fillcolor": color,
            "hoverinfo": "skip",
            "line": {"color": color},
            "opacity": _BAND_OPACITY,
            "showlegend": False,
            "x": np.concatenate((places, places[::-1])),
            "y": np.concatenate((means + spread, (means - spread)[::-1])),
        },
        {
            "legendgroup": name,
            "line": {"color": color},
            "mode": "lines",
            "name": name,
            "showlegend": True,
            "x": places,
            "y": means,
        },
    ]
    layout = _layout(found.x_name, f"{column} (mean +/- std)")
    return _plot([{**trace, "type": "scatter"} for trace in traces], layout)


def _distribution(result: ColumnDataDriftMetrics, colors: ColorOptions) -> BaseWidgetInfo:
    """Draw the bars of both sides as counts and, on a button, as percent."""
    sides = (
        ("current", result.current.distribution, colors.get_current_data_color()),
        ("reference", result.reference.distribution, colors.get_reference_data_color()),
    )
    traces = []
    for name, found, color in sides:
        counts = np.asarray(found.y)
        for is_shown, values in ((True, counts), (False, counts / counts.sum() * 100)):
            bars = {"marker": {"color": color}, "name": name, "visible": is_shown, "x": list(found.x), "y": values}
            traces.append({**bars, "type": "bar"})
    buttons = [
        {"args": [{"visible": visible}, {"yaxis": {"title": title}}], "label": label, "method": "update"}
        for label, title, visible in (("abs", "Count", _SHOWN), ("perc", "Percent", [not shown for shown in _SHOWN]))
    ]
    menu = {"buttons": buttons, "direction": "right", "type": "buttons", "x": 1.05, "y": 1.2, "yanchor": "top"}
    return _plot(traces, {**_layout("", "Count"), "updatemenus": [menu]})


def _plot(traces: list[dict[str, Any]], layout: dict[str, Any]) -> BaseWidgetInfo:
    return plotly_data(title="", data=[{**trace, "xaxis": "x", "yaxis": "y"} for trace in traces], layout=layout)


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    """Return the layout of a figure with one plot."""
    empty = _empty()
    titles = (("xaxis", x_title), ("yaxis", y_title))
    return {**empty, **{axis: {**empty[axis], "title": {"text": title}} for axis, title in titles}}


@cache
def _empty() -> Mapping[str, Any]:
    layout: dict[str, Any] = make_subplots(rows=1, cols=1, shared_yaxes=True).to_plotly_json()["layout"]
    # as an array of one, which is written as the same: pydantic would copy its hundreds of parts for each figure
    return {**layout, "template": np.array(layout["template"], dtype=object)}
