"""Shapes of small charts as SVG markup inside an HTML page.

Lengths are in points, from the top left corner. Colours are variables of the page, each with its fallback where the
page lacks the variable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Pair = tuple[float, float]

REFERENCE = "var(--reference,#9aa5b1)"
CURRENT = "var(--current,#0b62a8)"
LIMIT = "var(--limit,#e8eef4)"
BREACH = "var(--breach,#b5290b)"
TEXT = "var(--muted,#52606d)"
GRID = "var(--line,#d5dce3)"

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_STEPS = (1.0, 1.5, 2.0, 2.5, 5.0, 10.0)
# digits of a tick beyond which it is the error of its computation
_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Size of a chart, the margins around its plot area, and the values at the edges of that.

    Attributes:
        width: Width of the chart.
        height: Height of the chart.
        margins: Left, right, top and bottom.
        x: Values at the left and the right edge.
        y: Values at the lower and the upper edge.
    """

    width: float
    height: float
    margins: tuple[float, float, float, float]
    x: tuple[float, float]
    y: tuple[float, float]

    def place(self, x: float, y: float) -> Pair:
        """Return where a pair of values is drawn."""
        left, right, top, bottom = self.margins
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return left + across * (self.width - left - right), self.height - bottom - up * (self.height - top - bottom)

    def line(self, points: Iterable[Pair]) -> str:
        """Return the path through pairs of values."""
        return path([self.place(x, y) for x, y in points])

    def bar(self, left: float, right: float, low: float, high: float) -> str:
        """Return the path around a rectangle of values."""
        corners = [(left, low), (right, low), (right, high), (left, high)]
        return path([self.place(x, y) for x, y in corners], closed=True)

    def grid(self, values: Iterable[float]) -> str:
        """Return the horizontal lines at some values."""
        return stroke(GRID, 0.6, *(self.line([(self.x[0], value), (self.x[1], value)]) for value in values))

    def base(self) -> str:
        """Return the line below the plot area."""
        return stroke(GRID, 0.8, self.line([(self.x[0], self.y[0]), (self.x[1], self.y[0])]))

    def write(self, title: str, *shapes: str) -> Markup:
        """Write the chart; `title` describes it for screen readers."""
        name = Markup.escape(printable(title))
        return Markup(  # noqa: S704 - every part is escaped or made of numbers
            f'<svg viewBox="0 0 {rounded(self.width)} {rounded(self.height)}" role="img" aria-label="{name}">'
            f"<title>{name}</title>{''.join(shapes)}</svg>"
        )


def printable(text: str) -> str:
    """Replace each character that must not be in a page.

    >>> printable("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def rounded(number: float) -> str:
    """Format a length to a tenth of a point.

    >>> rounded(3.04), rounded(-0.01), rounded(12.25)
    ('3', '0', '12.2')
    """
    text = f"{number:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def path(points: Sequence[Pair], *, closed: bool = False) -> str:
    """Return the data of a path: lines along an axis name one coordinate, lines without length are left out.

    >>> path([(1, 2), (3, 2), (3, 2), (3, 5.04), (4, 6)], closed=True)
    'M1 2H3V5L4 6z'
    """
    steps: list[str] = []
    here = ("", "")
    for x, y in points:
        there = rounded(x), rounded(y)
        if not steps:
            steps.append(f"M{there[0]} {there[1]}")
        elif there[1] == here[1] and there[0] != here[0]:
            steps.append(f"H{there[0]}")
        elif there[0] == here[0] and there[1] != here[1]:
            steps.append(f"V{there[1]}")
        elif there != here:
            steps.append(f"L{there[0]} {there[1]}")
        here = there
    return "".join(steps) + "z" * closed


def fill(colour: str, *paths: str, opacity: float = 1.0) -> str:
    """Return areas of one colour."""
    return _styled(f"fill:{colour}" + (f";opacity:{opacity}" if opacity < 1 else ""), paths)


def stroke(colour: str, width: float, *paths: str, dashes: str = "") -> str:
    """Return lines of one colour and width; `dashes` are the lengths of a dash and a gap."""
    dashed = f"stroke-dasharray:{dashes};" if dashes else ""
    return _styled(f"fill:none;{dashed}stroke:{colour};stroke-width:{width}", paths)


def write_texts(texts: Iterable[tuple[float, float, str]], anchor: str) -> str:
    """Return texts, each at its place; `anchor` is which point of it lies there."""
    shapes = [
        f'<text x="{rounded(x)}" y="{rounded(y)}" text-anchor="{anchor}">{Markup.escape(printable(text))}</text>'
        for x, y, text in texts
    ]
    return f'<g style="fill:{TEXT}">{"".join(shapes)}</g>' if shapes else ""


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most so many round values of a range, in equal steps.

    >>> ticks(0.13, 0.42, 5), ticks(0, 3.1, 5), ticks(-4, 4, 5)
    ([0.2, 0.3, 0.4], [0.0, 1.0, 2.0, 3.0], [-3.0, -1.5, 0.0, 1.5, 3.0])
    """
    span = high - low
    unit = 10.0 ** math.floor(math.log10(span / most))
    for step in (step * unit for step in _STEPS):
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            return [float(f"{rank * step:.{_DIGITS}g}") for rank in range(first, last + 1)]
    return []


def _styled(style: str, paths: Sequence[str]) -> str:
    shapes = [f'<path d="{data}"/>' for data in paths if data]
    if len(shapes) > 1:
        return f'<g style="{style}">{"".join(shapes)}</g>'
    return shapes[0].replace("<path", f'<path style="{style}"', 1) if shapes else ""
