"""The description of what is counted of rows where they are served, such as in Druid, to make an outcome profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Specification of the counts: groups of equal rows, and the cells of a number by class.

    Rows are alike when all `classes` agree, the number is missing, within the `bounds` or beyond them in both, and
    both are excluded or neither.

    Attributes:
        classes: Columns of the joined labels that hold whole numbers from 0 on, with how many there are.
        number: The column whose cells are counted.
        bounds: The ends between which that number should lie.
        mirrored_from: Where the cells begin to be those of 1 less the number.
        by: The class that the cells are counted for; rows without it have none.
    """

    classes: Mapping[str, int]
    number: str
    bounds: tuple[float, float]
    mirrored_from: float
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedRows:
    """Rows that are alike.

    Attributes:
        rows: How many there are.
        is_excluded: Whether their outcome never gets a label.
        classes: Their class in each column; None where they have none.
        is_within: Whether the number lies within its bounds; None where they have none.
    """

    rows: int
    is_excluded: bool
    classes: Mapping[str, int | None]
    is_within: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedCell:
    """Rows whose number has one cell.

    Attributes:
        rows: How many there are.
        of: Their class.
        cell: The cell of their number, or of 1 less it where that is mirrored.
        is_mirrored: Whether it is.
    """

    rows: int
    of: int
    cell: int
    is_mirrored: bool
