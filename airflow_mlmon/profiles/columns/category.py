"""Profile of a categorical column: exact counts of the vocabulary, hashed counts of the rest.

Values outside the profile schema's vocabulary are counted in 1,024 buckets, by CRC-32 of their UTF-8 bytes
modulo 1,024: exact, additive and the same on every platform, unlike "top k and other". Those that the reference
does not have either are counted as new.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.further import checksum_values, unpack_hashes
from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.profiles.values.arrow import to_numpy, to_text_array
from airflow_mlmon.profiles.values.reading import Texts
from airflow_mlmon.statistics.arrays import Counts

BUCKETS = 1_024
MAX_NAMES = 20
_MAX_FURTHER_NAMES = 5
_NAME_LENGTH = 100

Names = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryProfile:
    """Profile of a categorical column.

    Attributes:
        schema: Pinned schema of the column.
        rows: Rows of the tables that had the column.
        nulls: Rows without a value.
        known: Counts by position in the vocabulary.
        unseen: Counts by bucket of the values outside the vocabulary.
        sketch: Sketch of the distinct values; None in profiles stored in format 1.
        new_rows: Rows whose value the reference does not have; those outside the vocabulary in profiles stored before
            format 4.
        names: Most frequent of the new values with their approximate counts; for display, not part of equality.
        further_names: Likewise, of the values that the reference has outside the vocabulary.
    """

    schema: ColumnSchema
    rows: int = 0
    nulls: int = 0
    known: Tally
    unseen: Tally
    sketch: DistinctSketch | None
    new_rows: int = 0
    names: Names = field(default=(), compare=False)
    further_names: Names = field(default=(), compare=False)

    @classmethod
    def empty(cls, schema: ColumnSchema) -> Self:
        """Return the profile of no rows."""
        nothing = Tally.empty(np.int32)
        return cls(schema=_counted(schema), known=nothing, unseen=nothing, sketch=DistinctSketch.empty())

    @classmethod
    def of(cls, schema: ColumnSchema, texts: Texts) -> Self:
        """Profile the counted texts of a column."""
        vocabulary = to_text_array(schema.vocabulary)
        positions = pc.index_in(texts.values, value_set=vocabulary)
        is_known = to_numpy(positions.is_valid())
        known = to_numpy(positions.drop_null()).astype(np.int32)
        # as bytes: the hash needs no decoding, and a stored text may be invalid UTF-8
        unseen = texts.values.filter(positions.is_null()).cast(pa.binary()).to_pylist()
        counts = texts.counts[~is_known]
        hashes = checksum_values(unseen)
        is_new = ~np.isin(hashes, unpack_hashes(schema.further)) if schema.further else np.ones(len(hashes), np.bool_)
        return cls(
            schema=_counted(schema),
            rows=int(texts.counts.sum()) + texts.nulls,
            nulls=texts.nulls,
            known=Tally.of_counts(known, texts.counts[is_known]),
            unseen=Tally.of_counts((hashes % BUCKETS).astype(np.int32), counts),
            sketch=DistinctSketch.of(texts.values),
            new_rows=int(counts[is_new].sum()),
            names=_name_most(unseen, counts, is_new, MAX_NAMES),
            further_names=_name_most(unseen, counts, ~is_new, _MAX_FURTHER_NAMES),
        )

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more profiles of the same schema."""
        sketches = [part.sketch for part in parts if part.sketch]
        return cls(
            schema=parts[0].schema,
            rows=sum(part.rows for part in parts),
            nulls=sum(part.nulls for part in parts),
            known=Tally.total([part.known for part in parts]),
            unseen=Tally.total([part.unseen for part in parts]),
            sketch=DistinctSketch.sum_of(sketches) if len(sketches) == len(parts) else None,
            new_rows=sum(part.new_rows for part in parts),
            names=_most_frequent((named for part in parts for named in part.names), MAX_NAMES),
            further_names=_most_frequent((named for part in parts for named in part.further_names), _MAX_FURTHER_NAMES),
        )

    def without(self, part: Self) -> Self:
        """Return the profile of all rows but those of a part; its distinct values are unknown, hence None."""
        return type(self)(
            schema=self.schema,
            rows=self.rows - part.rows,
            nulls=self.nulls - part.nulls,
            known=self.known.without(part.known),
            unseen=self.unseen.without(part.unseen),
            sketch=None,
            new_rows=self.new_rows - part.new_rows,
        )

    @property
    def observed(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return self.nulls

    @property
    def unseen_rows(self) -> int:
        """Rows whose value is outside the vocabulary."""
        return self.unseen.rows

    @property
    def distinct(self) -> int | None:
        """Estimated number of distinct values, exact up to 1,024; None for profiles stored in format 1."""
        return round(self.sketch.estimate) if self.sketch else None

    def count_of(self, value: str) -> int:
        """Return the count of a value of the vocabulary; 0 for any other."""
        vocabulary = self.schema.vocabulary
        return self.known.count_of(vocabulary.index(value)) if value in vocabulary else 0


def to_bucket(value: bytes) -> int:
    """Hash a value outside the vocabulary to its bucket.

    >>> to_bucket("Zürich".encode())
    318
    """
    return zlib.crc32(value) % BUCKETS


@lru_cache(maxsize=1_024)
def _counted(schema: ColumnSchema) -> ColumnSchema:
    """Return the schema without the hashes, which are needed to count values and not to read the counts."""
    return replace(schema, further=None)


def _to_name(value: bytes) -> str:
    return value.decode(errors="replace")[:_NAME_LENGTH]


def _name_most(values: Sequence[bytes], counts: Counts, is_named: npt.NDArray[np.bool_], most: int) -> Names:
    places = np.flatnonzero(is_named)
    frequent = places[np.argsort(-counts[places], kind="stable")[:most]].tolist()
    return _most_frequent(((_to_name(values[at]), int(counts[at])) for at in frequent), most)


def _most_frequent(named: Iterable[tuple[str, int]], most: int) -> Names:
    counts: Counter[str] = Counter()
    for name, count in named:
        counts[name] += count
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most])
