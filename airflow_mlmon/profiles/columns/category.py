"""The profile of a category: exact counts of the vocabulary, the rest by hash.

Values outside the layout's vocabulary are counted in 1,024 buckets, by CRC-32 of their UTF-8 bytes
modulo 1,024: exact, additive and the same on every platform, where a "top k and other" is not.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.layout import ColumnLayout
from airflow_mlmon.profiles.values.arrow import text_array, to_numpy
from airflow_mlmon.profiles.values.reading import Texts

BUCKETS = 1_024
MAX_NAMES = 20
_NAME_LENGTH = 100

Names = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryProfile:
    """What is kept of the rows of a category.

    Attributes:
        layout: What is pinned of the column.
        rows: Rows of the tables that had the column.
        nulls: Rows without a value.
        known: Counts by position in the layout's vocabulary.
        unseen: Counts, by bucket, of the values that the vocabulary lacks.
        sketch: What the distinct values are counted by; None in what format 1 has stored.
        names: The most frequent of these values with about their counts; for display, no part of equality.
    """

    layout: ColumnLayout
    rows: int = 0
    nulls: int = 0
    known: Tally
    unseen: Tally
    sketch: DistinctSketch | None
    names: Names = field(default=(), compare=False)

    @classmethod
    def empty(cls, layout: ColumnLayout) -> Self:
        """The profile of no rows."""
        nothing = Tally.empty(np.int32)
        return cls(layout=layout, known=nothing, unseen=nothing, sketch=DistinctSketch.empty())

    @classmethod
    def of(cls, layout: ColumnLayout, texts: Texts) -> Self:
        """The profile of the counted texts of a column."""
        vocabulary = text_array(layout.vocabulary)
        positions = pc.index_in(texts.values, value_set=vocabulary)
        is_known = to_numpy(positions.is_valid())
        known = to_numpy(positions.drop_null()).astype(np.int32)
        # As bytes: the hash needs no decoding, and a stored text may be invalid UTF-8.
        unseen = texts.values.filter(positions.is_null()).cast(pa.binary()).to_pylist()
        counts = texts.counts[~is_known]
        buckets = np.array([to_bucket(value) for value in unseen], dtype=np.int32)
        frequent = np.argsort(-counts, kind="stable")[:MAX_NAMES].tolist()
        return cls(
            layout=layout,
            rows=int(texts.counts.sum()) + texts.nulls,
            nulls=texts.nulls,
            known=Tally.of_counts(known, texts.counts[is_known]),
            unseen=Tally.of_counts(buckets, counts),
            sketch=DistinctSketch.of(texts.values),
            names=_most_frequent((_to_name(unseen[at]), int(counts[at])) for at in frequent),
        )

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """The profile of all the rows of one or more profiles of the same layout."""
        sketches = [part.sketch for part in parts if part.sketch]
        return cls(
            layout=parts[0].layout,
            rows=sum(part.rows for part in parts),
            nulls=sum(part.nulls for part in parts),
            known=Tally.total([part.known for part in parts]),
            unseen=Tally.total([part.unseen for part in parts]),
            sketch=DistinctSketch.sum_of(sketches) if len(sketches) == len(parts) else None,
            names=_most_frequent(named for part in parts for named in part.names),
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
        """Rows whose value the vocabulary lacks."""
        return self.unseen.rows

    @property
    def distinct(self) -> int | None:
        """About how many distinct values there are, exact up to 1,024; None where format 1 did not keep it."""
        return round(self.sketch.estimate) if self.sketch else None

    def count_of(self, value: str) -> int:
        """How often a value of the vocabulary occurs; 0 for any other."""
        vocabulary = self.layout.vocabulary
        return self.known.count_of(vocabulary.index(value)) if value in vocabulary else 0


def to_bucket(value: bytes) -> int:
    """The bucket of a value that the vocabulary lacks.

    >>> to_bucket("Zürich".encode())
    318
    """
    return zlib.crc32(value) % BUCKETS


def _to_name(value: bytes) -> str:
    return value.decode(errors="replace")[:_NAME_LENGTH]


def _most_frequent(named: Iterable[tuple[str, int]]) -> Names:
    counts: Counter[str] = Counter()
    for name, count in named:
        counts[name] += count
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_NAMES])
