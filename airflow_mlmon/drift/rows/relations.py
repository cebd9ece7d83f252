"""Relations between the columns of a row, and the share of a day's rows that break them.

    order        a ≤ b
    sum          a = b + c, within rounding
    equality     a = b
    dependency   a determines b, such as a country its currency

One is found where 99 % of the rows of the reference hold it, on each of its days 97 %, although at least a tenth would
not if the columns were independent (one of them is rotated against the others): so that what cannot be broken is no
relation. What follows from other relations is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.drift.rows.values import ColumnValues
from airflow_mlmon.profiles.values.arrow import to_numpy, to_text_array
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import BROKEN_RELATION_RATE
from airflow_mlmon.statistics.arrays import Flags
from airflow_mlmon.statistics.intervals import wilson_interval


class RelationKind(StrEnum):
    """Kind of a relation, in words between its columns."""

    EQUALITY = "="
    SUM = "+"
    DEPENDENCY = "determines"
    ORDER = "≤"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Relation between two or three columns.

    Attributes:
        kind: Its kind.
        columns: Its columns, in the order of its words.
        tolerance: Difference up to which numbers are equal.
        values: Of a dependency, the value of the second column by that of the first.
    """

    kind: RelationKind
    columns: tuple[str, ...]
    tolerance: float = 0.0
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Relation in words.

        >>> Relation(kind=RelationKind.SUM, columns=("total", "net", "tax")).words
        'total = net + tax'
        """
        if self.kind is RelationKind.SUM:
            return "{} = {} + {}".format(*self.columns)
        return f"{self.columns[0]} {self.kind} {self.columns[1]}"

    def check(self, cells: ColumnValues) -> tuple[Flags, Flags]:
        """Return which rows have a value in each column, and which of them break the relation."""
        if self.kind is RelationKind.DEPENDENCY:
            return self._check_values(cells)
        first, *others = (cells.numbers(name) for name in self.columns)
        difference = first - sum(others[1:], others[0])
        known = ~np.isnan(difference)
        if self.kind is not RelationKind.ORDER:
            difference = np.abs(difference)
        return known, known & (difference > self.tolerance)

    def _check_values(self, cells: ColumnValues) -> tuple[Flags, Flags]:
        one, other = (cells.texts(name) for name in self.columns)
        places = pc.index_in(one, value_set=to_text_array(list(self.values)))
        expected = pc.take(to_text_array(list(self.values.values())), places)
        differs = pc.not_equal(expected, other)
        return to_numpy(differs.is_valid()), to_numpy(pc.fill_null(differs, fill_value=False))

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore from `to_json`."""
        return cls(**{**content, "kind": RelationKind(content["kind"]), "columns": tuple(content["columns"])})


def relation_metrics(relations: Sequence[Relation], table: pa.Table) -> Iterator[MetricValue]:
    """Measure the share of rows that break a relation, by column; each names the one that is broken most."""
    cells = ColumnValues(table)
    held = [one for one in relations if cells.names.issuperset(one.columns)]
    checked = [(one, *one.check(cells)) for one in held]
    for name in dict.fromkeys(name for one in held for name in one.columns):
        own = [(one, known, broken) for one, known, broken in checked if name in one.columns]
        rows = int(np.any([known for _, known, _ in own], axis=0).sum())
        hits = int(np.any([broken for _, _, broken in own], axis=0).sum())
        worst = max(own, key=lambda found: int(found[2].sum()))[0]
        if not rows:
            yield MetricValue(
                metric=BROKEN_RELATION_RATE, column=name, value=None, rows=0, reason="no row has both values"
            )
            continue
        value = MetricValue(metric=BROKEN_RELATION_RATE, column=name, value=hits / rows, rows=rows, reason=worst.words)
        yield value.within(wilson_interval(hits, rows))
