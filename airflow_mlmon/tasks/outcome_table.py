"""Small tables of what outcome profiles hold beyond their metrics, for pages."""

from __future__ import annotations

from dataclasses import dataclass

# a text, a count, any other number, or nothing
Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePoint:
    """Value of a row of a table, for its picture.

    Attributes:
        name: Name of the row.
        value: The value; None where there is none.
        low: Lower end of its 95 % interval; None if it has none.
        high: Upper end.
        expected: Where the value should be, or was in the reference; None if not known.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    expected: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeTable:
    """Table with a title, and with a picture if it has points.

    Attributes:
        title: Title.
        columns: Headings; the first is that of the names of the rows.
        rows: Cells by row; whole numbers are counts.
        note: What the numbers are, in a sentence.
        shares: Headings of the columns whose numbers are shares.
        shades: How dark each cell is, from 0 to 1, by row and without the name; empty for plain cells.
        points: Values of the picture.
        axis: What the picture shows; its numbers are shares if `is_share`.
        is_share: Whether the picture is in percent.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    shares: frozenset[str] = frozenset()
    shades: tuple[tuple[float, ...], ...] = ()
    points: tuple[OutcomePoint, ...] = ()
    axis: str = ""
    is_share: bool = False
