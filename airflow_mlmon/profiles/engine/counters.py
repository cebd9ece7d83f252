"""Counters of one column over any number of arrays; the order and the bounds of the arrays change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.counting import NumericCounter
from airflow_mlmon.profiles.columns.identifier import IdentifierProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.sketch import SketchBuilder
from airflow_mlmon.profiles.columns.vector import VectorCounter, VectorProfile
from airflow_mlmon.profiles.engine.hours import HourlyCounter
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.profiles.values.reading import Texts, count_texts, read_numbers, read_texts

# distinct texts, and bytes of them, that a category holds before it hashes them; they are copied several times then
_HELD_TEXTS = 1 << 17
_HELD_BYTES = 1 << 23
_HELD_PARTS = 64
# numbers that are read at a time, so that they are counted from the cache
_BLOCK = 1 << 16


class ColumnCounter(Protocol):
    """Counter of the values of one column."""

    def add(self, chunk: pa.Array, hours: HourlyCounter | None = None) -> None:
        """Count the values of the next array, by hour too.

        Raises:
            SchemaMismatchError: its type does not match the kind of the column.
        """

    def pause(self) -> None:
        """Give back what is only needed while arrays are added."""

    def profile(self) -> ColumnProfile:
        """Return the profile of the values counted so far."""


def make_counter(schema: ColumnSchema) -> ColumnCounter:
    """Return the counter of a column of no rows."""
    return _COUNTERS[schema.kind](schema)


class _Numbers:
    def __init__(self, schema: ColumnSchema) -> None:
        self._schema = schema
        self._counter = NumericCounter(schema)

    def add(self, chunk: pa.Array, hours: HourlyCounter | None = None) -> None:
        for start in range(0, max(len(chunk), 1), _BLOCK):
            rows = chunk.slice(start, _BLOCK)
            numbers = read_numbers(rows, self._schema.name)
            if hours:
                self._counter.add(replace(numbers, codes=hours.count(rows)), hours.sums)
            else:
                self._counter.add(numbers)

    def pause(self) -> None:
        self._counter.release()

    def profile(self) -> ColumnProfile:
        return NumericProfile.of_counter(self._schema, self._counter)


class _Category:
    """Counter that holds each distinct text once, and hashes them when they become too many."""

    def __init__(self, schema: ColumnSchema) -> None:
        self._schema = schema
        self._parts = [CategoryProfile.empty(schema)]
        self._texts: list[Texts] = []

    def add(self, chunk: pa.Array, hours: HourlyCounter | None = None) -> None:
        if hours:
            hours.count(chunk)
        # not so many of long texts
        rows = max(len(chunk) * _HELD_BYTES // max(chunk.nbytes, 1), 1)
        for start in range(0, max(len(chunk), 1), rows):
            self._count(chunk.slice(start, rows))

    def _count(self, chunk: pa.Array) -> None:
        self._texts.append(count_texts(chunk, self._schema.name))
        if self._is_long() or len(self._texts) > _HELD_PARTS:
            self._texts = [_merge(self._texts)]
        if self._is_long():
            self._parts, self._texts = [self.profile()], []

    def pause(self) -> None:
        """Keep the texts."""

    def profile(self) -> CategoryProfile:
        texts = [_merge(self._texts)] if len(self._texts) > 1 else self._texts
        return CategoryProfile.sum_of([*self._parts, *(CategoryProfile.of(self._schema, text) for text in texts)])

    def _is_long(self) -> bool:
        return sum(len(part.values) for part in self._texts) > _HELD_TEXTS or (
            sum(part.values.nbytes for part in self._texts) > _HELD_BYTES
        )


def _merge(parts: list[Texts]) -> Texts:
    """Sum counted texts, each distinct one once, in the order in which they come first."""
    texts = Texts.sum_of(parts)
    encoded = texts.values.dictionary_encode()
    # doubles are exact up to 2**53 rows
    counts = np.bincount(to_numpy(encoded.indices), weights=texts.counts, minlength=len(encoded.dictionary))
    return Texts(values=encoded.dictionary, counts=counts.astype(np.int64), nulls=texts.nulls)


class _Identifier:
    def __init__(self, schema: ColumnSchema) -> None:
        self._schema = schema
        self._builder = SketchBuilder()
        self._rows = self._nulls = 0

    def add(self, chunk: pa.Array, hours: HourlyCounter | None = None) -> None:
        if hours:
            hours.count(chunk)
        nulls = pc.sum(chunk.is_null()).as_py() if pa.types.is_dictionary(chunk.type) else chunk.null_count
        self._rows, self._nulls = self._rows + len(chunk), self._nulls + (nulls or 0)
        self._builder.add(read_texts(chunk, self._schema.name))

    def pause(self) -> None:
        """Keep the sketch, which is small."""

    def profile(self) -> ColumnProfile:
        return IdentifierProfile(schema=self._schema, rows=self._rows, nulls=self._nulls, sketch=self._builder.sketch())


class _Vectors:
    def __init__(self, schema: ColumnSchema) -> None:
        self._schema = schema
        self._counter = VectorCounter(schema)

    def add(self, chunk: pa.Array, hours: HourlyCounter | None = None) -> None:
        if hours:
            hours.count(chunk)
        self._counter.add(chunk)

    def pause(self) -> None:
        self._counter.norms.release()

    def profile(self) -> ColumnProfile:
        return VectorProfile.of_counter(self._schema, self._counter)


_COUNTERS: dict[Kind, Callable[[ColumnSchema], ColumnCounter]] = {
    Kind.NUMERIC: _Numbers,
    Kind.CATEGORY: _Category,
    Kind.IDENTIFIER: _Identifier,
    Kind.VECTOR: _Vectors,
}
