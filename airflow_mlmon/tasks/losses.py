"""Losses of rows beside the losses expected of them: exact sums, and what they say of a shift.

A loss says how wrong one prediction is; its expectation is that of a model fitted on the reference's labelled rows,
given features and outputs (see `drift.expected_loss`). The change of the mean loss from the reference to a day is then

    mean loss - reference's = (mean expected - reference's) + (mean loss - mean expected)
                               covariate shift                 concept shift

the part that other inputs explain, which needs no labels, and the rest: another relation of inputs and labels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from airflow_mlmon.errors import ProfileSchemaMismatchError
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import CONCEPT_SHIFT, COVARIATE_SHIFT
from airflow_mlmon.statistics.arrays import Floats
from airflow_mlmon.statistics.intervals import interval_around
from airflow_mlmon.tasks.sums import UNIT, in_units

if TYPE_CHECKING:
    from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter

# losses beyond so many units count as these
_LARGEST = 1024.0
_NO_MODEL = "losses are not expected of rows: the reference has too few labels, or was pinned before they were"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSums:
    """Sums over rows, in a unit of 2**exponent, of which a loss counts at most 1,024.

    Attributes:
        exponent: Exponent of the unit.
        rows: Rows with an expected loss.
        expected: Sum of the expected losses.
        expected2: Sum of their squares.
        labelled: Rows that have a loss too.
        excess: Sum of loss minus expected loss over these.
        excess2: Sum of the squares.
    """

    exponent: int = 0
    rows: int = 0
    expected: int = 0
    expected2: int = 0
    labelled: int = 0
    excess: int = 0
    excess2: int = 0

    @classmethod
    def of(cls, losses: Floats, expected: Floats, exponent: int) -> Self:
        """Sum the losses of rows, NaN without a label, and what is expected of them, NaN without an output."""
        unit = 2.0**exponent
        held = np.isfinite(expected)
        own = np.minimum(expected[held] / unit, _LARGEST)
        loss = np.minimum(losses[held] / unit, _LARGEST)
        labelled = np.isfinite(loss)
        excess = loss[labelled] - own[labelled]
        return cls(
            exponent=exponent,
            rows=len(own),
            expected=in_units(own),
            expected2=in_units(own**2),
            labelled=int(labelled.sum()),
            excess=in_units(excess),
            excess2=in_units(excess**2),
        )

    def __add__(self, other: Self) -> Self:
        """Sum two.

        Raises:
            ProfileSchemaMismatchError: their units differ.
        """
        return self._with(other, 1)

    def __sub__(self, part: Self) -> Self:
        """Subtract those of a part of the rows."""
        return self._with(part, -1)

    def _with(self, other: Self, sign: int) -> Self:
        if not self.rows or not other.rows:
            return other if sign > 0 and not self.rows else self
        if self.exponent != other.exponent:
            raise ProfileSchemaMismatchError(
                "Sums of losses in two units cannot be added.",
                hint="the reference has changed: rebuild them with `mlmon reprofile`",
            )
        summed = {name: getattr(self, name) + sign * getattr(other, name) for name in _SUMS}
        return type(self)(exponent=self.exponent, **summed)

    @property
    def mean_expected(self) -> float:
        """Mean expected loss."""
        return self._mean(self.expected, self.rows)

    @property
    def mean_excess(self) -> float:
        """Mean of loss minus expected loss over the labelled rows."""
        return self._mean(self.excess, self.labelled)

    @property
    def expected_variance(self) -> float:
        """Variance of the mean expected loss."""
        return self._variance(self.expected, self.expected2, self.rows) / self.rows

    def excess_variance(self, rows: int) -> float:
        """Return the variance of the mean of loss minus expected loss over so many rows."""
        return self._variance(self.excess, self.excess2, self.labelled) / rows

    def _mean(self, total: int, rows: int) -> float:
        return total * UNIT * 2.0**self.exponent / rows

    def _variance(self, total: int, squares: int, rows: int) -> float:
        mean, square = self._mean(total, rows), self._mean(squares, rows) * 2.0**self.exponent
        return max(square - mean**2, 0.0)

    def write(self, writer: ByteWriter) -> None:
        """Write them."""
        for name in _FIELDS:
            writer.integer(getattr(self, name))

    @classmethod
    def read(cls, reader: ByteReader) -> Self:
        """Read what `write` wrote."""
        return cls(**dict(zip(_FIELDS, reader.values("i" * len(_FIELDS)), strict=True)))


_FIELDS = tuple(field.name for field in fields(LossSums))
_SUMS = _FIELDS[1:]


def estimate_loss(metric: str, found: LossSums | None, reference: LossSums | None) -> MetricValue:
    """Estimate the mean loss that the labels of rows will have, by direct loss estimation."""
    if lack := _lack(found, reference):
        return MetricValue(metric=metric, value=None, rows=0, reason=lack)
    assert found is not None and reference is not None  # noqa: S101, PT018 - nothing lacks
    # the mean excess of the reference is nearly 0, for its losses are expected by the others of its rows
    value = max(found.mean_expected + reference.mean_excess, 0.0)
    variance = reference.excess_variance(found.rows) + reference.excess_variance(reference.labelled)
    low, high = interval_around(value, variance)
    return MetricValue(metric=metric, value=value, rows=found.rows, low=max(low, 0.0), high=high)


def covariate_shift(found: LossSums | None, reference: LossSums | None) -> MetricValue:
    """Measure how much more loss is expected of rows than of the reference, for their features and outputs."""
    if lack := _lack(found, reference):
        return MetricValue(metric=COVARIATE_SHIFT, value=None, rows=0, reason=lack)
    assert found is not None and reference is not None  # noqa: S101, PT018 - nothing lacks
    value = found.mean_expected - reference.mean_expected
    low, high = interval_around(value, found.expected_variance + reference.expected_variance)
    return MetricValue(metric=COVARIATE_SHIFT, value=value, rows=found.rows, low=low, high=high)


def concept_shift(found: LossSums | None, reference: LossSums | None, shortage: str = "") -> MetricValue:
    """Measure how much more loss labelled rows have than is expected of them: a paired comparison.

    Args:
        found: the rows.
        reference: those of the reference.
        shortage: why labels are too few; empty if they are enough.
    """
    lack = _lack(found, reference) or shortage
    if not lack and found and not found.labelled:
        lack = "no row has a loss"
    if lack or found is None or reference is None:
        return MetricValue(metric=CONCEPT_SHIFT, value=None, rows=found.labelled if found else 0, reason=lack)
    value = found.mean_excess - reference.mean_excess
    variance = found.excess_variance(found.labelled) + reference.excess_variance(reference.labelled)
    low, high = interval_around(value, variance)
    return MetricValue(metric=CONCEPT_SHIFT, value=value, rows=found.labelled, low=low, high=high)


def _lack(found: LossSums | None, reference: LossSums | None) -> str:
    """Return why losses cannot be compared; empty if they can."""
    if reference is None or not reference.labelled:
        return _NO_MODEL
    if found is None or not found.rows or math.isnan(found.mean_expected):
        return "no loss is expected of any row"
    return ""
