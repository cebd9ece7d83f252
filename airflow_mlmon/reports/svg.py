"""Conversion of a drawn SVG to small markup inside an HTML page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from xml.etree import ElementTree as ET

from markupsafe import Markup

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+")
_STEP = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_TOKEN = re.compile(r"@(\d+)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_KEPT_STYLES = {"fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-weight"}


def inline_svg(drawn: str, *, title: str, texts: Sequence[str], colours: Mapping[str, str]) -> Markup:
    """Convert the drawing to markup for a page, without ids, metadata, style sheets and clip paths.

    Args:
        drawn: An SVG document.
        title: Description of the picture, for screen readers.
        texts: The text for each token `@0`, `@1` … of the drawing.
        colours: Replacement of each colour of the drawing, such as a variable of the page.
    """
    root = ET.fromstring(drawn)  # noqa: S314 - drawn by this package, with tokens as texts
    marks = {f"#{found.get('id')}": found for defs in root.iter(f"{_SVG}defs") for found in defs.iter(f"{_SVG}path")}
    _, _, width, height = root.get("viewBox", "0 0 0 0").split()
    drawn_shapes = [shape for element in root.findall(f"{_SVG}g") for shape in _shapes(element, marks, texts, colours)]
    shapes = "".join(_in_style(style, [own for _, own in same]) for style, same in groupby(drawn_shapes, itemgetter(0)))
    size = f'viewBox="0 0 {_rounded(width)} {_rounded(height)}"'
    name = Markup.escape(printable(title))
    return Markup(  # noqa: S704 - every part is escaped or made of numbers
        f'<svg {size} role="img" aria-label="{name}"><title>{name}</title>{shapes}</svg>'
    )


def printable(text: str) -> str:
    """Replace each character that must not be in a page.

    >>> printable("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def _shapes(
    element: ET.Element, marks: Mapping[str, ET.Element], texts: Sequence[str], colours: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each shape with its style."""
    tag = element.tag.removeprefix(_SVG)
    if tag == "g":
        for child in element:
            yield from _shapes(child, marks, texts, colours)
    elif tag == "path":
        yield _style(element, colours), f'<path d="{_path(element)}"/>'
    elif tag == "use":
        place = f"translate({_rounded(element.get('x', '0'))} {_rounded(element.get('y', '0'))})"
        path = _path(marks[element.get(_LINK, "")])
        yield _style(element, colours), f'<path transform="{place}" d="{path}"/>'
    elif tag == "text":
        yield _style(element, colours), _text(element, texts)


def _in_style(style: str, shapes: Sequence[str]) -> str:
    """Join consecutive shapes of one style in a group."""
    if not style:
        return "".join(shapes)
    if len(shapes) > 1:
        return f'<g style="{style}">{"".join(shapes)}</g>'
    tag = shapes[0].split(" ", 1)[0]
    return f'{tag} style="{style}"{shapes[0].removeprefix(tag)}'


def _text(element: ET.Element, texts: Sequence[str]) -> str:
    drawn = element.text or ""
    token = _TOKEN.fullmatch(drawn)
    text = texts[int(token[1])] if token else drawn
    place = " ".join(f'{name}="{_rounded(element.get(name, "0"))}"' for name in ("x", "y"))
    anchor = re.search(r"text-anchor: (\w+)", element.get("style", ""))
    place += f' text-anchor="{anchor[1]}"' if anchor else ""
    return f"<text {place}>{Markup.escape(printable(text))}</text>"


def _path(element: ET.Element) -> str:
    """Shorten the path: axis-parallel lines have one coordinate, and lines without length are left out."""
    steps = []
    here: list[str] = []
    for letter, numbers in _STEP.findall(element.get("d", "")):
        there = [_rounded(number) for number in numbers.split()]
        if letter != "L" or len(here) != len(there):
            steps.append(letter + " ".join(there))
        elif there[1] == here[1] and there[0] != here[0]:
            steps.append(f"H{there[0]}")
        elif there[0] == here[0] and there[1] != here[1]:
            steps.append(f"V{there[1]}")
        elif there != here:
            steps.append("L" + " ".join(there))
        here = there[-2:]
    return "".join(steps)


def _style(element: ET.Element, colours: Mapping[str, str]) -> str:
    """Return the relevant style."""
    pairs = [part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part]
    kept = {name.strip(): value.strip() for name, value in pairs if name.strip() in _KEPT_STYLES}
    kept = {
        name: colours.get(value, _NUMBER.sub(lambda found: _rounded(found[0]), value)) for name, value in kept.items()
    }
    return ";".join(f"{name}:{value}" for name, value in kept.items())


def _rounded(number: str) -> str:
    return f"{float(number):.1f}".removesuffix(".0")
