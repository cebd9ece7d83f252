"""Profile schema: pinned once, so that profiles of any two partitions can be added and compared.

It sets, per column, the kind, the centre, the quantum, the vocabulary and the atoms, and the segments into which
rows are divided. Every profile carries the id of its schema, and profiles of two schemas never mix.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

from airflow_mlmon.errors import StateError
from airflow_mlmon.profiles.keys import segment_name

LONGEST_NAME = 200
_FORMAT = 1


class Kind(StrEnum):
    """Kind of summary of a column."""

    NUMERIC = "numeric"
    CATEGORY = "category"
    IDENTIFIER = "identifier"
    VECTOR = "vector"

    @property
    def is_numeric(self) -> bool:
        """Return whether numbers are compared: the values, or the norms of vectors."""
        return self in {Kind.NUMERIC, Kind.VECTOR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """Derivation of a column from columns of the rows, computed when they are profiled and never stored.

    Attributes:
        feature: Feature that is derived.
        columns: Columns that it is derived from.
        zone: Time zone of hours and weekdays.
        every: Number of distinct texts of which one is measured, a power of two.
    """

    feature: str
    columns: tuple[str, ...]
    zone: str = "UTC"
    every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSchema:
    """Pinned schema of one column; for a vector, centre, quantum and atoms are those of its norm.

    Attributes:
        name: Name of the column.
        kind: Kind of its summary.
        centre: Centre of its grid, near the reference's median; 0 for a category.
        quantum: Unit of its exact sums, a power of two.
        integer: Whether values are integers; the centre is then subtracted before they become doubles.
        vocabulary: Values of a category that are counted by themselves, most frequent first.
        atoms: Single values that hold a share of the reference, as ascending deviations from the centre.
        dimension: Number of elements of a vector; None for other kinds.
        element_quantum: Unit of the exact sums of a vector's elements, a power of two.
        derived: Derivation of its values; None if the rows have it.
        further: Values of a category beyond the vocabulary, by hash; see `profiles.columns.further`.
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
    derived: Derivation | None = None
    further: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns of the rows that its values are read from."""
        return self.derived.columns if self.derived else (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSchema:
    """Pinned schema of one division of the rows.

    Attributes:
        columns: Column whose values divide the rows; for a crossing, the columns.
        values: Values with a part of their own, all other rows being the rest; None where each value
            that occurs has one, so that new values are seen.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Name of the segment: its column, or its columns joined like its values."""
        return segment_name(self.columns)


@dataclass(frozen=True, kw_only=True)
class ProfileSchema:
    """Pinned columns and segments of one model."""

    model: str
    columns: tuple[ColumnSchema, ...]
    segments: tuple[SegmentSchema, ...] = ()

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits that identify the schema."""
        return _identify(self)

    def to_json(self) -> str:
        """Return canonical JSON with sorted keys and no spaces, so that equal schemas are equal text."""
        document: dict[str, Any] = {"format": _FORMAT, "model": self.model}
        document["columns"] = [_to_document(column) for column in self.columns]
        # schemas from before segments existed keep their text, hence their id
        if self.segments:
            document["segments"] = [asdict(segment) for segment in self.segments]
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ProfileSchema:
        """Parse the schema that `to_json` wrote.

        Raises:
            StateError: the text is not a profile schema, or has a later format.
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
            raise StateError(f"Cannot parse the stored profile schema: {error!r}.") from error
        raise StateError(
            f"The stored profile schema has format {found!r}; this release reads {_FORMAT}.",
            hint="upgrade airflow-mlmon",
            format=found,
        )


@lru_cache(maxsize=64)
def _identify(schema: ProfileSchema) -> str:
    return hashlib.sha256(schema.to_json().encode()).hexdigest()[:12]


def _to_document(column: ColumnSchema) -> dict[str, Any]:
    # absent fields are left out, so that schemas from before vectors existed keep their text, hence their id
    return {key: value for key, value in asdict(column).items() if value is not None}


def _parse_column(column: Mapping[str, Any]) -> ColumnSchema:
    derived = column.get("derived")
    return ColumnSchema(
        **{
            **column,
            "kind": Kind(column["kind"]),
            "vocabulary": tuple(column["vocabulary"]),
            "atoms": tuple(column["atoms"]),
            "derived": derived and Derivation(**{**derived, "columns": tuple(derived["columns"])}),
        }
    )


def _parse_segment(segment: Mapping[str, Any]) -> SegmentSchema:
    values = segment["values"]
    return SegmentSchema(columns=tuple(segment["columns"]), values=None if values is None else tuple(values))
