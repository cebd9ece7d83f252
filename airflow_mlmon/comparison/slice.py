"""Slice, that is all rows with the same value, and its results."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from airflow_mlmon.evaluation.pair import EMPTY_LIMIT, is_rare
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.spec.metric import Worse
from airflow_mlmon.tasks.contrast import Contrast


class SliceState(IntEnum):
    """State of a slice, the most severe first."""

    LOSS = 0
    DRIFT = 1
    OTHER = 2
    NOTHING = 3
    INSUFFICIENT_DATA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceColumn:
    """Comparison of a column of a slice with the same slice of the reference.

    Attributes:
        column: The column.
        method: The method of the score; None if the column is not compared.
        score: The score.
        effect: The effect size, which does not depend on the number of rows.
        limit: The smallest effect that counts as drift, as in `evaluation.pair`.
        test: The test of the p-value.
        p_value: P-value of the values, corrected over all slices at the end.
        empty_p_value: P-value of the null rate, likewise.
        empty_gap: Increase of the null rate.
        note: The reason for a missing comparison, or a remark.
    """

    column: str
    method: Method | None = None
    score: float | None = None
    effect: float | None = None
    limit: float | None = None
    test: Method | None = None
    p_value: float | None = None
    empty_p_value: float | None = None
    empty_gap: float | None = None
    note: str = ""

    @property
    def is_compared(self) -> bool:
        """Return True if the values or the null rate were tested."""
        return self.p_value is not None or self.empty_p_value is not None

    @property
    def is_beyond_chance(self) -> bool:
        """Return True if a corrected p-value is significant."""
        return is_rare(self.p_value) or is_rare(self.empty_p_value)

    @property
    def is_emptier(self) -> bool:
        """Return True if the change of the null rate is significant and at least the limit."""
        return is_rare(self.empty_p_value) and abs(self.empty_gap or 0.0) >= EMPTY_LIMIT

    @property
    def has_drifted(self) -> bool:
        """Return True if the column has drifted: significant and at least the limit."""
        is_far = self.effect is not None and self.limit is not None and self.effect >= self.limit
        return self.is_emptier or (is_far and is_rare(self.p_value))

    @property
    def strength(self) -> float:
        """Return the effect size in units of its limit."""
        values = self.effect / self.limit if self.effect is not None and self.limit else 0.0
        return max(values, abs(self.empty_gap or 0.0) / EMPTY_LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Slice with its results.

    Attributes:
        name: Its name.
        columns: The columns that define it.
        value: The value; None for the combined slice of all other rows.
        rows: Rows in the window.
        rows_reference: Rows in the reference.
        share: Share of the window's rows.
        drift: Its columns, sorted by drift, except those that define the slice.
        against_rest: The metric compared with the other rows of the window; None without labels.
        against_reference: The metric compared with the same slice of the reference; None without labels there.
        worse: Side on which the metric is bad.
        note: The reason for a missing result.
    """

    name: str
    columns: tuple[str, ...]
    value: str | None
    rows: int
    rows_reference: int
    share: float
    drift: tuple[SliceColumn, ...] = ()
    against_rest: Contrast | None = None
    against_reference: Contrast | None = None
    worse: Worse = Worse.BELOW
    note: str = ""

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """Return the existing contrasts."""
        return tuple(found for found in (self.against_rest, self.against_reference) if found is not None)

    @property
    def state(self) -> SliceState:
        """Return the state of the slice: loss of performance before drift, and drift before the others."""
        if not self.is_evaluated:
            return SliceState.INSUFFICIENT_DATA
        differing = [found for found in self.contrasts if is_rare(found.p_value)]
        if any(self._loss(found) > 0 for found in differing):
            return SliceState.LOSS
        if self.drifted:
            return SliceState.DRIFT
        return SliceState.OTHER if differing else SliceState.NOTHING

    @property
    def is_evaluated(self) -> bool:
        """Return True if any column or the metric was tested."""
        return any(column.is_compared for column in self.drift) or any(
            found.p_value is not None for found in self.contrasts
        )

    @property
    def compared(self) -> int:
        """Return the number of compared columns."""
        return sum(column.is_compared for column in self.drift)

    @property
    def beyond_chance(self) -> tuple[str, ...]:
        """Return the columns with a significant p-value, whatever their effect size."""
        return tuple(column.column for column in self.drift if column.is_beyond_chance)

    @property
    def drifted(self) -> tuple[str, ...]:
        """Return the drifted columns."""
        return tuple(column.column for column in self.drift if column.has_drifted)

    @property
    def worst(self) -> SliceColumn | None:
        """Return the column with the largest drift."""
        return self.drift[0] if self.compared else None

    @property
    def consequence(self) -> float:
        """Return rows times effect: for a loss the rows it costs, for drift the largest score divided by its limit."""
        if self.state is SliceState.DRIFT:
            return self.rows * (self.worst.strength if self.worst else 0.0)
        found = [found for found in self.contrasts if is_rare(found.p_value) or not self._is_found]
        if self.state is SliceState.LOSS:
            return self.rows * max(map(self._loss, found))
        return self.rows * max((abs(one.difference or 0.0) for one in found), default=0.0)

    def _loss(self, found: Contrast) -> float:
        """Return how much worse a contrast is; of a metric that is bad on both sides, how far off."""
        difference = found.difference or 0.0
        return {Worse.BELOW: -difference, Worse.ABOVE: difference, Worse.BOTH: abs(difference)}[self.worse]

    @property
    def _is_found(self) -> bool:
        return self.state in {SliceState.LOSS, SliceState.OTHER}

    @property
    def rank(self) -> tuple[int, float, float, str]:
        """Return the sort key: significant losses first, then by consequence, rows and name."""
        return int(self.state), -self.consequence, -self.rows, self.name
