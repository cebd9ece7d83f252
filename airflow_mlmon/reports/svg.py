"""Makes a drawn SVG small and fit to stand inside an HTML page among others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from markupsafe import Markup

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+")
_TOKEN = re.compile(r"@(\d+)")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_KEPT_STYLES = {"fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "font-weight"}


def inline_svg(drawn: str, *, title: str, texts: Sequence[str], colours: Mapping[str, str]) -> Markup:
    """The drawing as markup for a page, without ids, metadata, style sheets and clip paths.

    Args:
        drawn: An SVG document.
        title: What the picture shows, for those who do not see it.
        texts: The text that stands for each `@0`, `@1` … of the drawing.
        colours: What stands for a colour of the drawing, such as a variable of the page.
    """
    root = ET.fromstring(drawn)  # noqa: S314 - drawn by our own chart, whose texts are tokens
    marks = {f"#{found.get('id')}": found for defs in root.iter(f"{_SVG}defs") for found in defs.iter(f"{_SVG}path")}
    _, _, width, height = root.get("viewBox", "0 0 0 0").split()
    shapes = "".join(_shape(element, marks, texts, colours) for element in root.findall(f"{_SVG}g"))
    size = f'viewBox="0 0 {_rounded(width)} {_rounded(height)}"'
    name = Markup.escape(printable(title))
    return Markup(  # noqa: S704 - every part is escaped or made of numbers
        f'<svg {size} role="img" aria-label="{name}"><title>{name}</title>{shapes}</svg>'
    )


def printable(text: str) -> str:
    """The text with a mark for each character that has no place in a page.

    >>> printable("a" + chr(0) + "b") == "a" + chr(0xFFFD) + "b"
    True
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def _shape(
    element: ET.Element, marks: Mapping[str, ET.Element], texts: Sequence[str], colours: Mapping[str, str]
) -> str:
    tag = element.tag.removeprefix(_SVG)
    if tag == "g":
        return "".join(_shape(child, marks, texts, colours) for child in element)
    if tag == "path":
        return f'<path d="{_path(element)}"{_style(element, colours)}/>'
    if tag == "use":
        place = f"translate({_rounded(element.get('x', '0'))} {_rounded(element.get('y', '0'))})"
        path = _path(marks[element.get(_LINK, "")])
        return f'<path transform="{place}" d="{path}"{_style(element, colours)}/>'
    if tag == "text":
        return _text(element, texts, colours)
    return ""


def _text(element: ET.Element, texts: Sequence[str], colours: Mapping[str, str]) -> str:
    drawn = element.text or ""
    token = _TOKEN.fullmatch(drawn)
    text = texts[int(token[1])] if token else drawn
    place = " ".join(f'{name}="{_rounded(element.get(name, "0"))}"' for name in ("x", "y"))
    anchor = re.search(r"text-anchor: (\w+)", element.get("style", ""))
    place += f' text-anchor="{anchor[1]}"' if anchor else ""
    return f"<text {place}{_style(element, colours)}>{Markup.escape(printable(text))}</text>"


def _path(element: ET.Element) -> str:
    path = _NUMBER.sub(lambda found: _rounded(found[0]), " ".join(element.get("d", "").split()))
    return re.sub(r" ?([MLCQHVZz]) ?", r"\1", path)


def _style(element: ET.Element, colours: Mapping[str, str]) -> str:
    """The style that matters as one attribute."""
    pairs = [part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part]
    kept = {name.strip(): value.strip() for name, value in pairs if name.strip() in _KEPT_STYLES}
    kept = {
        name: colours.get(value, _NUMBER.sub(lambda found: _rounded(found[0]), value)) for name, value in kept.items()
    }
    return f' style="{";".join(f"{name}:{value}" for name, value in kept.items())}"' if kept else ""


def _rounded(number: str) -> str:
    return f"{float(number):.1f}".removesuffix(".0")
