"""Panels of the kinds that the dashboards use, each with a sentence that says what it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from grafana_foundation_sdk.builders import common, stat, statushistory, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VisibilityMode,
)

GREEN, YELLOW, ORANGE, RED, GREY, BLUE = "green", "yellow", "orange", "red", "#8e8e8e", "blue"
# height of a panel, in rows of Grafana's grid, which is 24 columns wide
TILE, CHART, LIST, SHORT_LIST = 4, 8, 9, 6
_SHOWN = dict.fromkeys(("Time", "__name__", "instance", "job"), True)


def tiles(title: str, words: str, *queries: Any, width: int = 6, unit: str = "short") -> stat.Panel:
    """Return a panel of numbers, each with the name of its series."""
    panel = _described(stat.Panel(), title, words, queries, (width, TILE))
    return (
        panel.unit(unit)
        .graph_mode(BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .no_value("none")
    )


def lines(title: str, words: str, *queries: Any, width: int = 12, unit: str = "short") -> timeseries.Panel:
    """Return a panel of lines over time."""
    panel = _described(timeseries.Panel(), title, words, queries, (width, CHART))
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    return (
        panel.unit(unit)
        .legend(legend.placement(LegendPlacement.BOTTOM))
        .line_width(1)
        .show_points(VisibilityMode.AUTO)
        # a value a day, and nothing between
        .span_nulls(True)
    )


def bars(title: str, words: str, *queries: Any, width: int = 12, unit: str = "short") -> timeseries.Panel:
    """Return a panel of bars over time, those of one time on top of each other."""
    panel = lines(title, words, *queries, width=width, unit=unit)
    stacked = common.StackingConfig().mode(StackingMode.NORMAL)
    return panel.draw_style(GraphDrawStyle.BARS).fill_opacity(80).stacking(stacked)


def history(title: str, words: str, *queries: Any, width: int = 24, height: int = LIST) -> statushistory.Panel:
    """Return a panel of squares: a row a series, a column a day."""
    panel = _described(statushistory.Panel(), title, words, queries, (width, height))
    return panel.show_value(VisibilityMode.NEVER).row_height(0.9).col_width(0.9)


def grid(
    title: str,
    words: str,
    *queries: Any,
    width: int = 24,
    height: int = LIST,
    names: Mapping[str, str] | None = None,
) -> table.Panel:
    """Return a panel of rows; `names` gives the columns of several queries their headings, in their order."""
    panel = _described(table.Panel(), title, words, queries, (width, height)).filterable(True)
    if names is None:
        return panel
    order = {name: place for place, name in enumerate(names)}
    shown = {name: text for name, text in names.items() if text}
    hidden = _SHOWN | {name: True for name, text in names.items() if not text}
    organised = {"excludeByName": hidden, "indexByName": order, "renameByName": shown}
    return panel.with_transformation(model.DataTransformerConfig(id_val="merge", options={})).with_transformation(
        model.DataTransformerConfig(id_val="organize", options=organised)
    )


def steps(*levels: tuple[float | None, str]) -> build.ThresholdsConfig:
    """Return colours by value, each from its value on."""
    found = [model.Threshold(value=value, color=colour) for value, colour in levels]
    return build.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(found)


def named(*values: tuple[str, str, str]) -> list[Any]:
    """Return the text and the colour of single values."""
    found = {
        value: model.ValueMappingResult(text=text, color=colour, index=place)
        for place, (value, text, colour) in enumerate(values)
    }
    return [model.ValueMap(options=found)]


def option(name: str, value: object) -> model.DynamicConfigValue:
    """Return an option of one column or series."""
    return model.DynamicConfigValue(id_val=name, value=value)


def coloured(colour: str) -> list[model.DynamicConfigValue]:
    """Return the options of a series of one colour."""
    return [option("color", {"mode": "fixed", "fixedColor": colour})]


def linked(title: str, url: str) -> list[model.DynamicConfigValue]:
    """Return the options of a column whose cells lead elsewhere."""
    return [option("links", [{"title": title, "url": url, "targetBlank": False}])]


def explored(source: str, kind: str, **query: str) -> str:
    """Return the URL of Grafana's Explore for a query of a data source, in which `${…}` stays as it is."""
    asked = {"refId": "A", "datasource": {"type": kind, "uid": source}, **query}
    pane = {"mlmon": {"datasource": source, "queries": [asked], "range": {"from": "now-30d", "to": "now"}}}
    return f"/explore?schemaVersion=1&panes={quote(json.dumps(pane), safe='${}.')}"


def _described(panel: Any, title: str, words: str, queries: Any, size: tuple[int, int]) -> Any:
    width, height = size
    panel = panel.title(title).description(words).span(width).height(height)
    for query in queries:
        panel = panel.with_target(query)
    return panel
