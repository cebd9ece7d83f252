"""Share of rows in which a column equals another one, of columns that seldom do in the reference.

Columns of few values are left out, and pairs that are equal in more than 5 % of the rows of the reference: that such
a pair stays equal is a relation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.rows.values import ColumnValues
from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import EQUAL_SHARE
from airflow_mlmon.statistics.arrays import Flags
from airflow_mlmon.statistics.intervals import wilson_interval

_MOST_COLUMNS = 20
_FEWEST_VALUES = 20
_FEWEST_ROWS = 100
# of the rows, that may have the most frequent value
_MOST_OF_ONE = 0.2
_OFTEN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality:
    """Pairs of columns that are not equal in the reference.

    Attributes:
        numbers: Pairs of columns of numbers.
        texts: Pairs of columns of texts.
    """

    numbers: tuple[tuple[str, str], ...] = ()
    texts: tuple[tuple[str, str], ...] = ()

    def measure(self, table: pa.Table) -> Iterator[MetricValue]:
        """Measure the share of rows in which each column equals the one that it equals most."""
        cells = ColumnValues(table)
        found: dict[str, tuple[float, int, int, str]] = {}
        for pair in (*self.numbers, *self.texts):
            if not cells.names.issuperset(pair):
                continue
            known, equal = _compare(cells, pair, is_text=pair in self.texts)
            rows, hits = int(known.sum()), int(equal.sum())
            for name, other in (pair, pair[::-1]):
                here = (hits / rows if rows else 0.0, hits, rows, other)
                if name not in found or here[0] > found[name][0]:
                    found[name] = here
        for name, (share, hits, rows, other) in found.items():
            value = MetricValue(
                metric=EQUAL_SHARE,
                column=name,
                value=share if rows else None,
                rows=rows,
                reason=f"as {other}" if hits else "" if rows else "no row has both values",
            )
            yield value.within(wilson_interval(hits, rows))

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore from `to_json`."""
        return cls(**{kind: tuple((one, other) for one, other in pairs) for kind, pairs in content.items()})


def pin_equality(table: pa.Table, numbers: Sequence[str], texts: Sequence[str]) -> Equality:
    """Return the pairs of columns of a sample of the reference that may become equal."""
    cells = ColumnValues(table)
    return Equality(
        numbers=_seldom(cells, [name for name in numbers if _is_wide(cells, name)], is_text=False),
        texts=_seldom(cells, [name for name in texts if _is_wide(cells, name)], is_text=True),
    )


def _is_wide(cells: ColumnValues, name: str) -> bool:
    """Return whether a column has many values, and none that many rows have."""
    if name not in cells.names:
        return False
    codes, values = cells.codes(name)
    counts = np.bincount(codes[codes >= 0])
    rows = int(counts.sum())
    return rows >= _FEWEST_ROWS and len(values) > _FEWEST_VALUES and int(counts.max()) <= _MOST_OF_ONE * rows


def _seldom(cells: ColumnValues, names: Sequence[str], *, is_text: bool) -> tuple[tuple[str, str], ...]:
    found = []
    for pair in combinations(names[:_MOST_COLUMNS], 2):
        known, equal = _compare(cells, pair, is_text=is_text)
        if equal.sum() <= _OFTEN * known.sum():
            found.append(pair)
    return tuple(found)


def _compare(cells: ColumnValues, pair: tuple[str, str], *, is_text: bool) -> tuple[Flags, Flags]:
    """Return which rows have both values, and which have the same."""
    if is_text:
        equal = pc.equal(*(cells.texts(name) for name in pair))
        return to_numpy(equal.is_valid()), to_numpy(pc.fill_null(equal, fill_value=False))
    one, other = (cells.numbers(name) for name in pair)
    return ~np.isnan(one) & ~np.isnan(other), one == other
