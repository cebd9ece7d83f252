"""Everything that is pinned of a reference about its rows, and what is measured of a sample of a day by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import pyarrow as pa

from airflow_mlmon.drift.rows.dependence import Dependence, pin_dependence
from airflow_mlmon.drift.rows.discovery import find_relations
from airflow_mlmon.drift.rows.equality import Equality, pin_equality
from airflow_mlmon.drift.rows.relations import Relation, relation_metrics
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.choices import OUTPUT_ROLES, ColumnType
from airflow_mlmon.spec.metrics import BROKEN_RELATION_RATE, EQUAL_SHARE, EXPLAINED_SHARE
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.statistics.arrays import Integers

_NUMBERS = (ColumnType.FLOAT, ColumnType.INTEGER, ColumnType.DECIMAL)
_RATES = (BROKEN_RELATION_RATE, EQUAL_SHARE)
# the metrics of `PinnedRows.measure`
OF_SAMPLE = frozenset({*_RATES, EXPLAINED_SHARE})
_CATEGORIES = (ColumnType.BOOLEAN, ColumnType.STRING, ColumnType.CATEGORY)


class Rate(NamedTuple):
    """Share of rows that a metric has found in a column."""

    metric: str
    column: str | None
    share: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedRows:
    """Relations, dependence and contents of the rows of a reference.

    Attributes:
        relations: Relations between columns.
        dependence: Columns that explain each other.
        equality: Pairs of columns that may become equal.
        contents: Columns by which rows are told apart; empty if they cannot be.
        rates: Broken relations and equal values in the sample of the reference, for days without a history.
    """

    relations: tuple[Relation, ...] = ()
    dependence: Dependence = field(default_factory=Dependence)
    equality: Equality = field(default_factory=Equality)
    contents: tuple[str, ...] = ()
    rates: tuple[Rate, ...] = ()

    def measure(self, sample: pa.Table) -> Iterator[MetricValue]:
        """Measure the rows of a day's sample against each other; nothing if there are none."""
        if sample.num_rows:
            yield from relation_metrics(self.relations, sample)
            yield from self.dependence.measure(sample)
            yield from self.equality.measure(sample)

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return {
            "relations": [one.to_json() for one in self.relations],
            "dependence": self.dependence.to_json(),
            "equality": self.equality.to_json(),
            "contents": self.contents,
            "rates": self.rates,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore from `to_json`."""
        return cls(
            relations=tuple(Relation.from_json(one) for one in content["relations"]),
            dependence=Dependence.from_json(content["dependence"]),
            equality=Equality.from_json(content["equality"]),
            contents=tuple(content["contents"]),
            rates=tuple(Rate(*one) for one in content.get("rates", ())),
        )


def pin_rows(spec: ModelSpec, sample: pa.Table, days: Integers, contents: tuple[str, ...]) -> PinnedRows:
    """Find what the rows of a sample of the reference, with a number of the day of each, have in common."""
    features = content_features(spec)
    outputs = [name for role in OUTPUT_ROLES for name in spec.columns_of(role) if not spec.columns[name].personal]
    types = {name: spec.columns[name].type for name in (*features, *outputs)}
    times = [name for name in spec.features if spec.columns[name].type is ColumnType.TIMESTAMP]
    numbers, of_outputs = ([name for name in names if types[name] in _NUMBERS] for names in (features, outputs))
    categories = [name for name in features if types[name] in _CATEGORIES or types[name] is ColumnType.INTEGER]
    of_texts = [name for name in features if types[name] in _CATEGORIES]
    texts = [name for name in features if types[name] in (ColumnType.STRING, ColumnType.CATEGORY)]
    pinned = PinnedRows(
        relations=find_relations(sample, days, [*numbers, *of_outputs, *times, spec.time_column], categories),
        dependence=pin_dependence(sample, numbers, of_outputs, of_texts),
        equality=pin_equality(sample, [*numbers, *of_outputs], texts),
        contents=contents,
    )
    rates = [
        Rate(one.metric, one.column, one.value, one.rows)
        for one in pinned.measure(sample)
        if one.metric in _RATES and one.value is not None
    ]
    return replace(pinned, rates=tuple(rates))


def content_features(spec: ModelSpec) -> list[str]:
    """Return the features that are looked at row by row: no times, vectors, or columns derived from texts."""
    left_out = (ColumnType.TIMESTAMP, ColumnType.VECTOR)
    derived = spec.derived
    return [name for name in spec.features if spec.columns[name].type not in left_out and name not in derived]
