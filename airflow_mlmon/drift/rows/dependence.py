"""Share of the variation of a column that the other features explain, by normal scores of a day's sample.

    r = 1 - 1 / ((1 + l) [(R + l)^-1]_jj),        R: correlations of the normal scores, l = 0.01

the R² of the column on the others, adjusted for their number; of an output, on all features. A broken join, a shuffled
column or a feature that has become a copy of another moves it though no single column has another distribution; what
moves one column alone, such as another unit, hardly does: normal scores are of ranks. The ridge l keeps it below
0.99, however nearly columns follow from each other. It is compared as a ratio on the scale of areas, on which a loss
of much counts for more than a gain where nearly all is explained; below a tenth, where chance reigns, it is a tenth.

Correlations are of the rows in which both columns have a value. One that is empty or constant on a day counts with its
correlations in the reference: its own tests tell of it, and the others are not to. Categories are numbers, by
`encoding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
import pyarrow as pa

from airflow_mlmon.drift.rows.encoding import Encoding, encode_values, pin_encodings
from airflow_mlmon.drift.rows.values import ColumnValues
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import EXPLAINED_SHARE
from airflow_mlmon.statistics.arrays import Floats, Integers
from airflow_mlmon.statistics.normal_scores import normal_scores

MOST_COLUMNS = 20
_RIDGE = 0.01
# rows, and rows for each column, below which chance alone explains much
_FEWEST_ROWS = 200
_FEWEST_FOR_A_COLUMN = 15
# share from which on fewer rows show that it is lost
_MUCH = 0.3
_FEWEST_OF_MUCH = 100
_FEWEST_OF_MUCH_FOR_A_COLUMN = 8
_FEWEST_TOGETHER = 30
# what columns explain of each other by chance on days of so few rows
_LITTLE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """Columns that are explained by each other, with their correlations in the reference.

    Attributes:
        features: Features, which explain all others.
        outputs: Outputs, which explain nothing.
        correlations: Correlations of the features and then the outputs.
        encodings: Numbers of the values of those features that are categories.
    """

    features: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    correlations: tuple[tuple[float, ...], ...] = ()
    encodings: Mapping[str, Encoding] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the features and then the outputs."""
        return (*self.features, *self.outputs)

    def measure(self, table: pa.Table) -> Iterator[MetricValue]:
        """Measure the share of each column that is explained on a day."""
        names = self.columns
        cells = ColumnValues(table)
        if not names or not cells.names.issuperset(names):
            return
        numbers = _numbers(cells, names, self.encodings)
        scores, together = _scores(numbers), _count_together(numbers)
        known = np.array(self.correlations)
        correlations = _correlate(scores, together, known)
        explained, in_reference = (_explain(found, len(self.features)) for found in (correlations, known))
        for at, name in enumerate(names):
            rows = int(together[at, at])
            fewest = self._fewest_rows(float(in_reference[at]))
            is_known = rows >= fewest and bool(scores[:, at].any())
            others = len(self.features) - (at < len(self.features))
            yield MetricValue(
                metric=EXPLAINED_SHARE,
                column=name,
                value=_adjust(float(explained[at]), rows, others) if is_known else None,
                rows=rows,
                reason=self._compare(at, correlations[at], known[at])
                if is_known
                else f"{rows} rows with a value, fewer than {fewest}, or one value alone",
            )

    def _compare(self, at: int, now: Floats, known: Floats) -> str:
        """Name the feature whose correlation has changed most."""
        changes = np.abs(now - known)[: len(self.features)]
        if at < len(self.features):
            changes[at] = -1.0
        most = int(changes.argmax())
        return f"correlation with {self.features[most]} {now[most]:.2f}, {known[most]:.2f} in the reference"

    def _fewest_rows(self, in_reference: float) -> int:
        """Return the rows below which chance explains much, beside what the others explain in the reference."""
        if in_reference >= _MUCH:
            return max(_FEWEST_OF_MUCH, _FEWEST_OF_MUCH_FOR_A_COLUMN * len(self.features))
        return max(_FEWEST_ROWS, _FEWEST_FOR_A_COLUMN * len(self.features))

    def to_json(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Restore from `to_json`."""
        return cls(
            features=tuple(content["features"]),
            outputs=tuple(content["outputs"]),
            correlations=tuple(map(tuple, content["correlations"])),
            encodings=content.get("encodings", {}),
        )


def pin_dependence(
    table: pa.Table, features: Sequence[str], outputs: Sequence[str], categories: Sequence[str] = ()
) -> Dependence:
    """Return the columns of a sample of the reference that explain each other; at most 20, the most explained first.

    Args:
        table: the sample.
        features: features that are numbers.
        outputs: outputs that are numbers.
        categories: features of few values; they are encoded by the outputs, or else by the features.
    """
    cells = ColumnValues(table)
    held = [[name for name in names if name in cells.names] for names in (features, outputs, categories)]
    encodings = pin_encodings(cells, held[2], held[1] or held[0])
    features = [*held[0], *encodings]
    names = [*features, *held[1]]
    numbers = _numbers(cells, names, encodings)
    scores, together = _scores(numbers), _count_together(numbers)
    fit = [
        at
        for at, name in enumerate(names)
        if together[at, at] >= max(_FEWEST_ROWS, table.num_rows / 2) and scores[:, at].any()
    ]
    inputs = [at for at in fit if names[at] in features]
    results = [at for at in fit if names[at] in outputs][: MOST_COLUMNS // 4]
    if len(inputs) + len(results) < 2 or not inputs:  # noqa: PLR2004 - one column alone has no other
        return Dependence()
    correlations = _correlate(scores, together, np.zeros((len(names), len(names))))
    explained = _explain(correlations[np.ix_(inputs, inputs)], len(inputs))
    order = np.argsort(-explained, kind="stable")[: MOST_COLUMNS - len(results)]
    kept = [*sorted(inputs[at] for at in order), *results]
    return Dependence(
        encodings={names[at]: encodings[names[at]] for at in kept if names[at] in encodings},
        features=tuple(names[at] for at in kept if at in inputs),
        outputs=tuple(names[at] for at in results),
        correlations=tuple(map(tuple, correlations[np.ix_(kept, kept)].round(6).tolist())),
    )


def _numbers(cells: ColumnValues, names: Sequence[str], encodings: Mapping[str, Encoding]) -> list[Floats]:
    return [
        encode_values(cells.texts(name), encodings[name]) if name in encodings else cells.numbers(name)
        for name in names
    ]


def _scores(numbers: Sequence[Floats]) -> Floats:
    return np.column_stack([normal_scores(column) for column in numbers]) if numbers else np.zeros((0, 0))


def _count_together(numbers: Sequence[Floats]) -> Integers:
    """Count the rows in which each two columns have a value."""
    if not numbers:
        return np.zeros((0, 0), dtype=np.int64)
    known = np.column_stack([~np.isnan(column) for column in numbers]).astype(np.float64)
    return (known.T @ known).astype(np.int64)


def _correlate(scores: Floats, together: Integers, otherwise: Floats) -> Floats:
    """Correlate the scores; as in the reference where too few rows have both values, or all the same.

    Of different rows, correlations may contradict each other: the nearest ones that do not are returned.
    """
    found = scores.T @ scores / np.maximum(together, 1)
    is_alike = (scores == 0).all(axis=0)
    is_unknown = (together < _FEWEST_TOGETHER) | is_alike[:, None] | is_alike[None, :]
    found = np.where(is_unknown, otherwise, np.clip(found, -1.0, 1.0))
    np.fill_diagonal(found, 1.0)
    values, vectors = np.linalg.eigh(found)
    if len(values) and values[0] < 0:
        found = (vectors * np.maximum(values, 0.0)) @ vectors.T
        scale = np.sqrt(np.diag(found))
        found = found / np.outer(scale, scale)
    return found


def _explain(correlations: Floats, features: int) -> Floats:
    """Return the share of each column that the other features explain."""
    inverse = np.linalg.inv(correlations[:features, :features] + _RIDGE * np.eye(features))
    own = 1 - 1 / ((1 + _RIDGE) * np.diag(inverse))
    of_outputs = correlations[features:, :features]
    return np.concatenate([own, ((of_outputs @ inverse) * of_outputs).sum(axis=1) / (1 + _RIDGE)])


def _adjust(explained: float, rows: int, columns: int) -> float:
    """Adjust a share for what so many columns explain by chance; less than a tenth is a tenth."""
    return max(1 - (1 - explained) * (rows - 1) / (rows - columns - 1), _LITTLE)
