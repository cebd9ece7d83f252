"""Contents of rows, their features without id and time: repeated within a day, and repeated from an earlier day.

A content is hashed from at most 16 features, those that tell the rows of the reference apart best; from 4 where days
are large. All rows are read, in batches: of more than 65,536 contents, those with the lowest hashes are counted. The
1,024 lowest distinct hashes stand for the day: they are a random sample of its contents, and of the contents that two
days share (bottom-k sketch: Cohen and Kaplan, "Summarizing data using bottom-k sketches", 2007).
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Self

import numpy as np
import pyarrow as pa

from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.profiles.values.decimals import decimals_to_doubles
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.profiles.values.murmur import Hashes, hash_texts
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import REPEATED_SHARE, REPLAYED_SHARE
from airflow_mlmon.statistics.arrays import Floats, Integers
from airflow_mlmon.statistics.intervals import wilson_interval

LOWEST = 1_024
# rows whose hashes stay in the processor's cache
_BATCH = 1 << 16
_MOST_COUNTED = 1 << 17
_MOST_COLUMNS = 16
_MOST_OF_LARGE = 4
_FEWEST_COLUMNS = 2
# rows of a day that are so many that each column costs
_LARGE = 50_000
# of the rows of the reference, that have a content of their own or are the first of it
_FEWEST_DISTINCT = 0.2
_FEWEST_ROWS = 30
# contents of the day that an earlier one of another size must be comparable with
_FEWEST_COMPARED = 100
_ALL_BITS = np.uint64(0xFFFFFFFFFFFFFFFF)
_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_MISSING = np.uint64(0x5851F42D4C957F2D)
_DOUBLE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Contents of a day.

    Attributes:
        rows: Rows that were counted.
        distinct: Distinct contents among them.
        lowest: Lowest hashes of the distinct contents, ascending.
    """

    rows: int
    distinct: int
    lowest: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """Encode as JSON."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode what `to_bytes` wrote."""
        content = json.loads(data)
        return cls(**{**content, "lowest": tuple(content["lowest"])})

    def repeated(self) -> MetricValue:
        """Measure the share of rows that repeat another one."""
        if not self.rows:
            return MetricValue(metric=REPEATED_SHARE, value=None, rows=0, reason="no rows")
        hits = self.rows - self.distinct
        value = MetricValue(metric=REPEATED_SHARE, value=hits / self.rows, rows=self.rows)
        return value.within(wilson_interval(hits, self.rows))

    def replayed(self, earlier: Mapping[date, Contents]) -> MetricValue:
        """Measure the share of contents that one earlier day has too: the largest of these shares, with its day."""
        own = set(self.lowest)
        found = [
            (len(own.intersection(other.lowest)), self._shown_by(other), day) for day, other in sorted(earlier.items())
        ]
        comparable = [one for one in found if one[1] >= min(_FEWEST_COMPARED, len(self.lowest))]
        if not comparable or not self.lowest:
            reason = "no earlier day of a comparable size" if self.lowest else "no rows"
            return MetricValue(metric=REPLAYED_SHARE, value=None, rows=0, reason=reason)
        hits, rows, day = max(comparable, key=lambda one: (one[0] / one[1], one[2]))
        value = MetricValue(
            metric=REPLAYED_SHARE, value=hits / rows, rows=rows, reason=f"most on {day}" if hits else ""
        )
        return value.within(wilson_interval(hits, rows))

    def _shown_by(self, other: Contents) -> int:
        """Count the contents that another day would show if it had them."""
        return bisect_right(self.lowest, other.lowest[-1]) if len(other.lowest) == LOWEST else len(self.lowest)


def pin_content_columns(table: pa.Table, names: Sequence[str], rows_per_day: float) -> tuple[str, ...]:
    """Return the columns that tell the rows of a sample of the reference apart best; none if none do.

    One column after the other is taken, the one that adds most distinct contents; of large days, two are enough that
    tell all rows apart.
    """
    there = set(table.column_names)
    held = [name for name in names if name in there]
    if table.num_rows < _FEWEST_ROWS or not held:
        return ()
    hashed = {name: hash_column(table.column(name)) for name in held}
    most = _MOST_OF_LARGE if rows_per_day > _LARGE else _MOST_COLUMNS
    kept: list[str] = []
    joint = np.zeros(table.num_rows, dtype=np.uint64)
    distinct = 1
    while len(kept) < min(most, len(held)):
        if most == _MOST_OF_LARGE and len(kept) == _FEWEST_COLUMNS and distinct == table.num_rows:
            break
        counts = {name: len(np.unique(_join(joint, hashed[name]))) for name in held if name not in kept}
        name = max(counts, key=lambda one: counts[one])
        if counts[name] == distinct and distinct < table.num_rows:
            break
        kept.append(name)
        joint, distinct = _join(joint, hashed[name]), counts[name]
    return tuple(kept) if distinct >= _FEWEST_DISTINCT * table.num_rows else ()


class ContentStream:
    """Running contents of rows, in bounded memory; the bounds of their tables change nothing."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Start with no rows; `columns` are those that are hashed."""
        self._columns = columns
        self._counted = _Counted()
        self._pending: list[Hashes] = []

    def add(self, rows: pa.Table) -> None:
        """Hash the contents of the next rows."""
        for batch in rows.select(list(self._columns)).to_batches(_BATCH):
            joint = np.zeros(batch.num_rows, dtype=np.uint64)
            for values in batch.columns:
                joint = _mix_in(joint, values)
            self._pending.append(joint[joint <= self._counted.limit])
            if sum(map(len, self._pending)) > _MOST_COUNTED:
                self._count()

    def total(self) -> Contents:
        """Return the contents of all rows."""
        self._count()
        found = self._counted
        return Contents(
            rows=int(found.counts.sum()), distinct=len(found.hashes), lowest=tuple(found.hashes[:LOWEST].tolist())
        )

    def _count(self) -> None:
        self._counted, self._pending = self._counted.add(self._pending), []


def collect_contents(tables: Iterable[pa.Table], columns: Sequence[str]) -> Contents:
    """Count and hash the contents of a day's rows, which come table by table, in bounded memory."""
    stream = ContentStream(columns)
    for table in tables:
        stream.add(table)
    return stream.total()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Distinct hashes up to a limit, ascending, with their counts."""

    hashes: Hashes = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    counts: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    limit: np.uint64 = _ALL_BITS

    def add(self, parts: Sequence[Hashes]) -> _Counted:
        """Return them with more hashes; with a lower limit if there are too many."""
        found, counts = np.unique(np.concatenate([np.zeros(0, dtype=np.uint64), *parts]), return_counts=True)
        hashes, places = np.unique(np.concatenate([self.hashes, found]), return_inverse=True)
        totals = np.zeros(len(hashes), dtype=np.int64)
        np.add.at(totals, places, np.concatenate([self.counts, counts]))
        limit = self.limit
        while (kept := int(np.searchsorted(hashes, limit, side="right"))) > _MOST_COUNTED // 2:
            limit >>= np.uint64(1)
        return _Counted(hashes=hashes[:kept], counts=totals[:kept], limit=limit)


def hash_column(values: pa.Array | pa.ChunkedArray) -> Hashes:
    """Hash each value of a column; equal numbers of any type have one hash, and so have all missing values."""
    if isinstance(values, pa.ChunkedArray):
        return np.concatenate([np.zeros(0, dtype=np.uint64), *map(hash_column, values.chunks)])
    if not values.null_count:
        return _hash_known(values)
    is_missing = to_numpy(values.is_null())
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        # to fill them takes half the time of taking the others out and putting them back
        found = _hash_known(values.fill_null(0))
        found[is_missing] = _MISSING
        return found
    found = np.full(len(values), _MISSING)
    found[~is_missing] = _hash_known(values.drop_null())
    return found


def _mix_in(joint: Hashes, values: pa.Array) -> Hashes:
    """Mix the hashes of a column into those of the ones before it, which may be changed."""
    if not (kernels and (pa.types.is_floating(values.type) or pa.types.is_integer(values.type))):
        return _join(joint, hash_column(values))
    numbers = _castable(values)
    validity, stored = numbers.buffers()
    doubles = np.frombuffer(stored, np.float64, len(numbers), numbers.offset * _DOUBLE_BYTES)
    kernels.mix_doubles(joint, doubles, validity if numbers.null_count else None, numbers.offset, int(_MISSING))
    return joint


def _hash_known(values: pa.Array) -> Hashes:
    kind = values.type
    if kernels and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return hash_texts(values)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        encoded = values if pa.types.is_dictionary(kind) else values.dictionary_encode()
        hashes = hash_texts(encoded.dictionary.cast(pa.string()))
        of_rows: Hashes = hashes[to_numpy(encoded.indices)]
        return of_rows
    numbers: Floats = decimals_to_doubles(values) if pa.types.is_decimal(kind) else to_numpy(_castable(values))
    # one zero, and one value that is no number
    doubles = numbers + 0.0
    doubles[np.isnan(doubles)] = np.nan
    bits: Hashes = doubles.view(np.uint64)
    return bits


def _castable(values: pa.Array) -> pa.Array:
    return (
        values.cast(pa.uint8()).cast(pa.float64())
        if pa.types.is_boolean(values.type)
        else values.cast(pa.float64(), safe=False)
    )


def _join(joint: Hashes, column: Hashes) -> Hashes:
    """Mix the hash of another column into that of the ones before it (the finaliser of SplitMix64)."""
    mixed: Hashes = joint * _ODD[0] + column
    mixed ^= mixed >> np.uint64(30)
    mixed *= _ODD[1]
    mixed ^= mixed >> np.uint64(27)
    mixed *= _ODD[2]
    mixed ^= mixed >> np.uint64(31)
    return mixed
