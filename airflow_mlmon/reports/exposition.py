"""Gauges in the text format of Prometheus, version 0.0.4, as push gateways and node exporters take it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """A value that goes up and down, once for each set of labels.

    Attributes:
        name: Letters, digits and underscores.
        help: What it is.
        samples: Labels and value of each; a value that is absent is left out, and never 0.
    """

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def exposition(gauges: Iterable[Gauge]) -> str:
    r"""The gauges as text; one without samples is left out, and so is a value that is no number.

    >>> print(exposition([Gauge(name="rows", help="Rows.", samples=(({"model": 'a"b'}, 900.0),))]), end="")
    # HELP rows Rows.
    # TYPE rows gauge
    rows{model="a\"b"} 900.0
    """
    return "".join(_one(gauge) for gauge in gauges)


def _one(gauge: Gauge) -> str:
    lines = [
        f"{gauge.name}{{{_labels(labels)}}} {float(value)!r}\n"
        for labels, value in gauge.samples
        if math.isfinite(value)
    ]
    if not lines:
        return ""
    words = gauge.help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {gauge.name} {words}\n# TYPE {gauge.name} gauge\n" + "".join(lines)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
