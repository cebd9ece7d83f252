"""The layout: what is pinned once, so that profiles of any two partitions can be added and compared.

It names, per column, the kind, the centre, the quantum, the vocabulary and the atoms, and the segments
into which rows are divided. Every profile carries the layout's id, and profiles of two layouts never mix.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from airflow_mlmon.errors import StateError

CROSSING = " & "
LONGEST_NAME = 200
_FORMAT = 1


class Kind(StrEnum):
    """How a column is summarised."""

    NUMERIC = "numeric"
    CATEGORY = "category"
    IDENTIFIER = "identifier"
    VECTOR = "vector"

    @property
    def is_numeric(self) -> bool:
        """Whether numbers are compared: the values, or the norms of vectors."""
        return self in {Kind.NUMERIC, Kind.VECTOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnLayout:
    """What is pinned of one column; of a vector, centre, quantum and atoms are those of its norm.

    Attributes:
        name: The column.
        kind: How it is summarised.
        centre: Where its grid is finest, near the reference's median; 0 for a category.
        quantum: Unit of its exact sums, a power of two.
        integer: Whether values are integers, from which the centre is taken before they become doubles.
        vocabulary: Values of a category with counts of their own, the most frequent first.
        atoms: Single values that hold a share of the reference, as deviations from the centre, ascending.
        dimension: Elements of a vector; None of anything else.
        element_quantum: Unit of the exact sums of a vector's elements, a power of two.
    """

    name: str
    kind: Kind
    centre: float = 0.0
    quantum: float = 1.0
    integer: bool = False
    vocabulary: tuple[str, ...] = ()
    atoms: tuple[float, ...] = ()
    dimension: int | None = None
    element_quantum: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentLayout:
    """What is pinned of one way to divide the rows.

    Attributes:
        columns: The column whose values divide them; of a crossing, the columns.
        values: The values with a part of their own, all other rows being the rest; None where every
            value that occurs has one, because new values are what one wants to see.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """What it is called: its column, or its columns joined as its values are."""
        return CROSSING.join(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The pinned columns and segments of one model."""

    model: str
    columns: tuple[ColumnLayout, ...]
    segments: tuple[SegmentLayout, ...] = ()

    @property
    def id(self) -> str:
        """Twelve hexadecimal digits that stand for exactly this layout."""
        return _identify(self)

    def to_json(self) -> str:
        """The canonical JSON: sorted keys, no spaces, so that equal layouts are equal text."""
        document: dict[str, Any] = {"format": _FORMAT, "model": self.model}
        document["columns"] = [_to_document(column) for column in self.columns]
        # layouts from before there were segments keep their text, hence their id
        if self.segments:
            document["segments"] = [asdict(segment) for segment in self.segments]
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """The layout that `to_json` wrote.

        Raises:
            StateError: the text is no layout, or one of a later format.
        """
        try:
            document = json.loads(text)
            found = document["format"]
            if found == _FORMAT:
                return cls(
                    model=document["model"],
                    columns=tuple(_parse_column(column) for column in document["columns"]),
                    segments=tuple(_parse_segment(segment) for segment in document.get("segments", ())),
                )
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"The stored layout cannot be read: {error!r}.") from error
        raise StateError(
            f"The stored layout has format {found!r}; this release reads {_FORMAT}.",
            hint="upgrade airflow-mlmon",
            format=found,
        )


@lru_cache(maxsize=64)
def _identify(layout: Layout) -> str:
    return hashlib.sha256(layout.to_json().encode()).hexdigest()[:12]


def _to_document(column: ColumnLayout) -> dict[str, Any]:
    # what a column lacks is left out, so that layouts from before there were vectors keep their text, hence their id
    return {key: value for key, value in asdict(column).items() if value is not None}


def _parse_column(column: Mapping[str, Any]) -> ColumnLayout:
    return ColumnLayout(
        **{
            **column,
            "kind": Kind(column["kind"]),
            "vocabulary": tuple(column["vocabulary"]),
            "atoms": tuple(column["atoms"]),
        }
    )


def _parse_segment(segment: Mapping[str, Any]) -> SegmentLayout:
    values = segment["values"]
    return SegmentLayout(columns=tuple(segment["columns"]), values=None if values is None else tuple(values))
