"""A dashboard as a page: its panels in their places, drawn from the answers to their own queries.

It is no Grafana: it shows that each panel has what it needs, and what somebody will find there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from tests.support.grafana.answers import Line, Rows
from tests.support.grafana.charts import Series, chart, series_of, squares
from tests.support.grafana.dashboards import Query, Shown, dashboard, of_target
from tests.support.grafana.values import options_of

_WIDTH, _COLUMNS, _ROW = 1240, 24, 30
_GAP, _HEAD, _LEGEND, _LINE = 6, 22, 18, 22
_STYLE = """
body{margin:0;background:#f4f5f5;font:11px DejaVu Sans,sans-serif;color:#24292e;width:1240px;position:relative}
h1{font-size:15px;margin:0;padding:8px 10px}h1 span{font-weight:normal;font-size:11px;color:#52606d;margin-left:14px}
h2{position:absolute;font-size:12px;margin:0}
.panel{position:absolute;background:#fff;border:1px solid #dfe1e4;border-radius:3px;overflow:hidden;
box-sizing:border-box}
h3{font-size:11px;margin:4px 8px;height:16px;overflow:hidden}
.tiles{display:flex;justify-content:space-around;align-items:center;height:78px}
.tile{text-align:center}.tile b{display:block;font-size:24px}
svg{display:block}svg text{font-size:9px;font-family:DejaVu Sans,sans-serif}
.legend{margin:0 8px;height:14px;overflow:hidden;white-space:nowrap;font-size:9.5px}
.legend i{display:inline-block;width:9px;height:3px;margin:0 4px 2px 10px}
table{border-collapse:collapse;width:100%;font-size:10px}
th{text-align:left;font-weight:bold;border-bottom:1px solid #dfe1e4}
td,th{padding:4px 8px;white-space:nowrap;max-width:170px;overflow:hidden;text-overflow:ellipsis}
td.number{text-align:right}th.number{text-align:right}
"""

Ask = Callable[[Query, Shown], list[Line] | Rows]


def page_of(name: str, ask: Ask, shown_in: Callable[[Any], Shown]) -> str:
    """Write the page of a dashboard; each panel may show a time of its own."""
    found = dashboard(name)
    first = shown_in(found["panels"][1])
    chosen = ", ".join(f"{variable}: {first.words('$' + variable)}" for variable in first.values)
    bodies = [_panel(panel, ask, shown_in) for panel in found["panels"]]
    end = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in found["panels"]) * _ROW + 40
    title = Markup("<h1>{}<span>{}</span></h1>").format(found["title"], chosen)
    return f"<meta charset=utf-8><style>{_STYLE}body{{height:{end}px}}</style>{title}{''.join(bodies)}"


def _panel(panel: Any, ask: Ask, shown_in: Callable[[Any], Shown]) -> str:
    place = panel["gridPos"]
    left, top = place["x"] * _WIDTH / _COLUMNS, place["y"] * _ROW + 34
    if panel["type"] == "row":
        return Markup('<h2 style="left:{}px;top:{}px">{}</h2>').format(left + 8, top + 8, panel["title"])
    shown = shown_in(panel)
    width, height = place["w"] * _WIDTH / _COLUMNS - _GAP, place["h"] * _ROW - _GAP
    answers = [ask(of_target(target, panel["title"]), shown) for target in panel["targets"]]
    draw = {"stat": _tiles, "timeseries": _chart, "status-history": _squares, "table": _table}[panel["type"]]
    body = draw(panel, answers, shown, (width, height - _HEAD))
    style = f"left:{left + _GAP / 2:.0f}px;top:{top:.0f}px;width:{width:.0f}px;height:{height:.0f}px"
    return Markup('<div class="panel" style="{}"><h3>{}</h3>{}</div>').format(style, shown.words(panel["title"]), body)


def _tiles(panel: Any, answers: Sequence[Any], shown: Shown, size: tuple[float, float]) -> Markup:
    tiles = []
    for one in series_of(panel, answers):
        value = one.points[-1][1] if one.points else None
        colour = one.options.colour_of(value) or "#24292e"
        named = Markup('<div class="tile" style="color:{}"><b>{}</b>{}</div>')
        tiles.append(named.format(colour, one.options.text(value), one.name))
    none = panel["fieldConfig"]["defaults"].get("noValue", "")
    inside = Markup("").join(tiles) if tiles else Markup('<div class="tile"><b>{}</b></div>').format(none)
    return Markup('<div class="tiles">{}</div>').format(inside)


def _chart(panel: Any, answers: Sequence[Any], shown: Shown, size: tuple[float, float]) -> Markup:
    series = series_of(panel, answers)
    return chart(panel, series, shown, size[0], size[1] - _LEGEND) + _legend(series)


def _squares(panel: Any, answers: Sequence[Any], shown: Shown, size: tuple[float, float]) -> Markup:
    [answer] = answers
    options = options_of(panel, "")
    keys = [(key, result["text"]) for mapping in options.mappings for key, result in mapping["options"].items()]
    named = [Markup('<i style="background:{}"></i>{}').format(options.colour_of(int(key)), text) for key, text in keys]
    legend = Markup('<div class="legend">{}</div>').format(Markup("").join(named))
    return squares(panel, answer, shown, size[0], size[1] - _LEGEND) + legend


def _legend(series: Sequence[Series]) -> Markup:
    named = [Markup('<i style="background:{}"></i>{}').format(one.colour, one.name) for one in series]
    return Markup('<div class="legend">{}</div>').format(Markup("").join(named))


def _table(panel: Any, answers: Sequence[Any], shown: Shown, size: tuple[float, float]) -> Markup:
    [first, *_] = answers
    columns, rows = (first.columns, first.values) if isinstance(first, Rows) else _merged(panel, answers)
    options = [options_of(panel, column) for column in columns]
    kinds = [any(isinstance(row[place], int | float) for row in rows) for place in range(len(columns))]
    head = _cells("th", [(one.name, "", kind) for one, kind in zip(options, kinds, strict=True)])
    body = []
    for row in rows[: int(size[1] // _LINE) - 1]:
        coloured = [one.custom.get("cellOptions", {}).get("type") == "color-text" for one in options]
        cells = zip(options, row, coloured, kinds, strict=True)
        body.append(_cells("td", [(o.text(v), o.colour_of(v) if c else "", kind) for o, v, c, kind in cells]))
    return Markup("<table>{}{}</table>").format(head, Markup("").join(body))


def _cells(tag: str, cells: Sequence[tuple[str, str, bool]]) -> Markup:
    found = [
        Markup('<{0} class="{1}" style="color:{2}">{3}</{0}>').format(tag, "number" * kind, colour, text)
        for text, colour, kind in cells
    ]
    return Markup("<tr>{}</tr>").format(Markup("").join(found))


def _merged(panel: Any, answers: Sequence[Sequence[Line]]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Rows of several queries by their first label, as Grafana's merge and organize make them."""
    organised = panel["transformations"][1]["options"]
    names = sorted(organised["indexByName"], key=lambda name: organised["indexByName"][name])
    rows: dict[str, dict[str, Any]] = {}
    for target, answer in zip(panel["targets"], answers, strict=True):
        for line in answer:
            row = rows.setdefault(line.labels[names[0]], {})
            row |= {**line.labels, f"Value #{target['refId']}": line.points[-1][1]}
    shown = [name for name in names if not organised["excludeByName"].get(name)]
    titles = tuple(organised["renameByName"].get(name, name) for name in shown)
    return titles, [tuple(row.get(name) for name in shown) for _, row in sorted(rows.items())]
