"""Keys of segments: the texts that stand for a column's value or a crossing of several, no two of them alike.

Values are escaped where a text of their own could be taken for what stands between them; all other texts stay as they
are, and so do the keys of what was stored.
"""

from __future__ import annotations

from collections.abc import Sequence

CROSSING = " & "
# a text with one of these has each ampersand twice in a crossing, where a single one then separates
AMBIGUOUS = (" &", "& ")


def cross(texts: Sequence[str]) -> str:
    """Join the values of a crossing.

    >>> cross(["Food", "Wine"]), cross(["R&D", "Red"]), cross(["Food & Wine", "Red"]), cross(["Food", "Wine & Red"])
    ('Food & Wine', 'R&D & Red', 'Food && Wine & Red', 'Food & Wine && Red')
    """
    return CROSSING.join(_escape(text) for text in texts)


def segment_name(columns: Sequence[str]) -> str:
    r"""Join the columns of a segment.

    >>> segment_name(["dept", "product"]), segment_name(["dept & product"]), segment_name(["a=b"])
    ('dept & product', 'dept && product', 'a\\=b')
    """
    crossed = cross(columns)
    # the first equals sign without a backslash ends the name of a segment
    return crossed.replace("\\", "\\\\").replace("=", "\\=") if set("=\\") & set(crossed) else crossed


def segment_key(name: str, value: str | None) -> str:
    """Format the key of the rows of one value of a segment, as used in the store and in results.

    Args:
        name: name of the segment, by `segment_name`.
        value: value, by `cross` if there are several columns; None for the rest.

    >>> segment_key("carrier", "AA"), segment_key("carrier", None)
    ('carrier=AA', 'carrier (other)')
    """
    return f"{name} (other)" if value is None else f"{name}={value}"


def column_key(column: str, value: str | None) -> str:
    """Format the key of the rows of one value of a column, or of its rest."""
    return segment_key(segment_name([column]), value)


def column_value(column: str, key: str) -> str | None:
    """Return the value of a column that a key stands for; None if it stands for something else.

    >>> column_value("a", "a=AA"), column_value("a", "a (other)"), column_value("a", "ab=AA")
    ('AA', None, None)
    """
    prefix = column_key(column, "")
    return key.removeprefix(prefix) if key.startswith(prefix) else None


def divides(column: str, key: str) -> bool:
    """Return whether the part of this key holds the rows of one value of a column, or of its rest.

    >>> divides("carrier", "carrier=AA"), divides("carrier", "carrier (other)"), divides("car", "carrier=AA")
    (True, True, False)
    """
    return column_value(column, key) is not None or key == column_key(column, None)


def _escape(text: str) -> str:
    padded = f" {text} "
    return text.replace("&", "&&") if any(mark in padded for mark in AMBIGUOUS) else text
