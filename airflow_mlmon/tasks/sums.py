"""Outcome profile of any kind: columns derived from outputs and labels, each profiled, beside exact counts and sums.

A kind of model names what it counts; adding, subtracting and storing are the same for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.profiles.codec.codec import read_column, read_steps, write_column, write_steps
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns.column import ColumnProfile, empty_column, subtract_column, sum_columns
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.exact import sum_exactly
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.tasks.outcome import OutcomeSchema

KIND = b"MLMO"
# the codec reads columns with sketches from this version on
VERSION = 2
# of sums of doubles, each rounded to the nearest
UNIT = 2.0**-40
_FAR = 2.0**62
_UNKNOWN = ColumnSchema(name="label", kind=Kind.NUMERIC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeSums:
    """Outcome profile of the predictions of a partition.

    Attributes:
        schema: Pinned schema; None of no rows, which can be added to any profile.
        rows: Predictions.
        excluded: Predictions that will never be labelled.
        columns: Profiles of the columns of the schema, by name, over the labelled predictions.
        sums: Counts, and sums in units of 2**-40, by name; what a profile lacks is 0.
        tallies: Counts by whole numbers, such as the cells of a score, by name; what a profile lacks is empty.
    """

    schema: OutcomeSchema | None = None
    rows: int = 0
    excluded: int = 0
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    sums: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lock the mappings, without entries that say nothing, so that equal profiles are equal."""
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        object.__setattr__(self, "sums", MappingProxyType({key: found for key, found in self.sums.items() if found}))
        held = {key: found for key, found in self.tallies.items() if len(found)}
        object.__setattr__(self, "tallies", MappingProxyType(held))

    def __add__(self, other: Self) -> Self:
        """Sum two profiles.

        Raises:
            ProfileSchemaMismatchError: their schemas differ.
        """
        if self.schema is None or other.schema is None:
            return other if self.schema is None else self
        self._check(other)
        return type(self)(
            schema=self.schema,
            rows=self.rows + other.rows,
            excluded=self.excluded + other.excluded,
            columns={name: sum_columns((column, other.columns[name])) for name, column in self.columns.items()},
            sums={key: self.sum(key) + other.sum(key) for key in self.sums.keys() | other.sums},
            tallies={
                key: Tally.total((self.tally(key), other.tally(key))) for key in self.tallies.keys() | other.tallies
            },
        )

    def __sub__(self, part: Self) -> Self:
        """Subtract the profile of a part of the rows; the extremes of the rest are unknown.

        Raises:
            ProfileSchemaMismatchError: their schemas differ.
        """
        if part.schema is None:
            return self
        self._check(part)
        return type(self)(
            schema=self.schema,
            rows=self.rows - part.rows,
            excluded=self.excluded - part.excluded,
            columns={name: subtract_column(column, part.columns[name]) for name, column in self.columns.items()},
            sums={key: self.sum(key) - part.sum(key) for key in self.sums.keys() | part.sums},
            tallies={key: self.tally(key).without(part.tally(key)) for key in self.tallies},
        )

    @property
    def label(self) -> ColumnProfile:
        """The column profile of the labels that have come."""
        return self.columns["label"] if self.schema else empty_column(_UNKNOWN)

    @property
    def labelled(self) -> int:
        """Predictions with a label."""
        return self.label.observed

    def sum(self, key: str) -> int:
        """Return a count, or a sum in units of 2**-40."""
        return self.sums.get(key, 0)

    def tally(self, key: str) -> Tally:
        """Return counts by whole numbers."""
        return self.tallies.get(key) or Tally.empty(np.int32)

    def to_bytes(self) -> bytes:
        """Encode the profile as bytes that are the same on every platform."""
        writer = ByteWriter()
        writer.text(self.schema.to_json() if self.schema else "")
        writer.integer(self.rows)
        writer.integer(self.excluded)
        for column in self.schema.columns if self.schema else ():
            write_column(writer, self.columns[column.name], names=False)
        writer.integer(len(self.sums))
        for key in sorted(self.sums):
            writer.text(key)
            writer.integer(self.sums[key])
        writer.integer(len(self.tallies))
        for key in sorted(self.tallies):
            writer.text(key)
            write_steps(writer, self.tallies[key])
        return writer.seal(KIND, VERSION)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the profile that `to_bytes` wrote.

        Raises:
            StateError: the bytes are not an outcome profile, are damaged, or have a later format.
        """
        reader = ByteReader(data, KIND, VERSION)
        text = reader.text()
        schema = OutcomeSchema.from_json(text) if text else None
        rows, excluded = reader.values("ii")
        columns = {column.name: read_column(reader, column) for column in (schema.columns if schema else ())}
        sums = {reader.text(): reader.integer() for _ in range(reader.integer())}
        tallies = {reader.text(): read_steps(reader) for _ in range(reader.integer())}
        return cls(schema=schema, rows=rows, excluded=excluded, columns=columns, sums=sums, tallies=tallies)

    def _check(self, other: Self) -> None:
        if self.schema != other.schema:
            raise ProfileSchemaMismatchError(
                "Outcome profiles of two schemas cannot be added.",
                hint="the reference has changed: rebuild them with `mlmon reprofile`",
            )


def to_units(values: Floats) -> npt.NDArray[np.int64]:
    """Convert finite doubles below 2**22 to units of 2**-40, each rounded to the nearest.

    >>> to_units(np.array([0.5])).tolist() == [2**39]
    True
    """
    units: npt.NDArray[np.int64] = np.rint(values / UNIT).astype(np.int64)
    return units


def in_units(values: Floats) -> int:
    """Sum finite doubles exactly, in units of 2**-40, each rounded to the nearest.

    >>> in_units(np.array([0.5, 0.25])) * UNIT
    0.75
    """
    units = np.rint(values / UNIT)
    # Python's integers hold the few that a machine's do not
    is_far = np.abs(units) >= _FAR
    if not is_far.any():
        return sum_exactly(units.astype(np.int64))
    return sum_exactly(units[~is_far].astype(np.int64)) + sum(map(int, units[is_far].tolist()))
