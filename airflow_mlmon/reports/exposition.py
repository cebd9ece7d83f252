"""Gauges in the text format of Prometheus, version 0.0.4, for push gateways and node exporters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Gauge with its values, one for each set of labels.

    Attributes:
        name: Letters, digits and underscores.
        help: Its description.
        samples: Labels and values; a missing value is left out and is never 0.
    """

    name: str
    help: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


def exposition(gauges: Iterable[Gauge]) -> str:
    r"""Format gauges as text; without samples and values that are no numbers.

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


@lru_cache(4096)
def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
