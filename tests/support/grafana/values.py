"""Texts and colours of values, as the options of a panel ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

_COLOURS = {
    "green": "#3f9c35",
    "yellow": "#d4a017",
    "orange": "#e0752d",
    "red": "#c4162a",
    "blue": "#1f60c4",
    "purple": "#8f3bb8",
}
PALETTE = ("#1f78b4", "#e0752d", "#3f9c35", "#8f3bb8", "#c4162a", "#0d8a8a", "#b8860b", "#5d6b98", "#d36086", "#6b8e23")
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of one column or series of a panel: its defaults, and what is overridden by name."""

    unit: str
    mappings: tuple[Any, ...]
    levels: tuple[Any, ...]
    colour: str
    name: str
    decimals: int | None
    custom: Mapping[str, Any]

    def text(self, value: Any) -> str:
        """A value as it is shown."""
        if value is None or value == "":
            return ""
        result = self._mapped(value)
        if "text" in result:
            return str(result["text"])
        return formatted(value if self.decimals is None else f"{value:.{self.decimals}f}", self.unit)

    def colour_of(self, value: Any) -> str:
        """Its colour; empty if it has none."""
        result = self._mapped(value)
        if "color" in result:
            return colour(result["color"])
        if self.colour:
            return self.colour
        found = ""
        for level in self.levels if isinstance(value, int | float) else ():
            if level["value"] is None or value >= level["value"]:
                found = colour(level["color"])
        return found

    def _mapped(self, value: Any) -> Mapping[str, Any]:
        key = f"{value:g}" if isinstance(value, float) else str(value)
        for mapping in self.mappings:
            if key in mapping["options"]:
                return dict(mapping["options"][key])
        return {}


def options_of(panel: Any, name: str) -> Options:
    """The options of a series or a column."""
    config = panel["fieldConfig"]
    found = {"custom": config["defaults"].get("custom", {}), **config["defaults"]}
    custom = dict(found["custom"])
    for override in config["overrides"]:
        if override["matcher"]["options"] != name:
            continue
        for one in override["properties"]:
            if one["id"].startswith("custom."):
                custom[one["id"].removeprefix("custom.")] = one["value"]
            else:
                found[one["id"]] = one["value"]
    fixed = found.get("color", {}).get("fixedColor", "")
    return Options(
        unit=found.get("unit", "short"),
        mappings=tuple(found.get("mappings", ())),
        levels=tuple((found.get("thresholds") or {}).get("steps", ())),
        colour=colour(fixed) if fixed else "",
        name=found.get("displayName", name),
        decimals=found.get("decimals"),
        custom=custom,
    )


def colour(name: str) -> str:
    """The colour of a name of Grafana's, or the colour itself."""
    return _COLOURS.get(name, name)


def formatted(value: Any, unit: str) -> str:
    """A value in its unit."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date | str):
        return str(value)
    if unit.startswith("time:"):
        return f"{datetime.fromtimestamp(float(value) / 1000, UTC):%Y-%m-%d}"
    units = {"percentunit": _share, "bytes": _binary, "s": _duration}
    return units.get(unit, _short)(value)


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _duration(value: float) -> str:
    return f"{value / 60:.3g} min" if abs(value) >= 120 else f"{value:.3g} s"


def _short(value: float) -> str:
    for size, letter in _SHORT:
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def _binary(value: float) -> str:
    for unit in _BYTES:
        if abs(value) < 1024 or unit == _BYTES[-1]:
            return f"{value:.3g} {unit}"
        value /= 1024
    return ""
