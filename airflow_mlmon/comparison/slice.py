"""A slice: the rows that share a value, and what was found of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from airflow_mlmon.comparison import verdict
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.tasks.contrast import Contrast


class Standing(IntEnum):
    """What is said of a slice, the most pressing first."""

    LOSS = 0
    DRIFT = 1
    OTHER = 2
    NOTHING = 3
    INSUFFICIENT_DATA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceColumn:
    """A column of a slice against the same rows of the reference.

    Attributes:
        column: The column.
        method: What the score is; None where the column is not compared.
        score: The score.
        effect: The score without what it owes to the number of rows.
        limit: The smallest effect that counts, as in `comparison.verdict`.
        test: What the p-value is of.
        p_value: Of the values; corrected once the slices are judged.
        empty_p_value: Of the share of empty values, likewise.
        empty_gap: By how much that share has grown.
        note: In words, why it is not compared, or what to know.
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
        """Whether anything of it was tested."""
        return self.p_value is not None or self.empty_p_value is not None

    @property
    def is_beyond_chance(self) -> bool:
        """Whether chance alone hardly goes so far."""
        return is_rare(self.p_value) or is_rare(self.empty_p_value)

    @property
    def is_emptier(self) -> bool:
        """Whether the share of empty values has moved, beyond chance and so far that it matters."""
        return is_rare(self.empty_p_value) and abs(self.empty_gap or 0.0) >= verdict.EMPTY_LIMIT

    @property
    def has_drifted(self) -> bool:
        """Whether it is beyond chance, and the effect matters too."""
        is_far = self.effect is not None and self.limit is not None and self.effect >= self.limit
        return self.is_emptier or (is_far and is_rare(self.p_value))

    @property
    def strength(self) -> float:
        """The effect in units of its limit."""
        values = self.effect / self.limit if self.effect is not None and self.limit else 0.0
        return max(values, abs(self.empty_gap or 0.0) / verdict.EMPTY_LIMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A slice and what was found of it.

    Attributes:
        name: What it is called.
        columns: The columns whose values it shares.
        value: The value; None for the rows without one of their own.
        rows: Rows in the window.
        rows_reference: Rows in the reference.
        share: Share of the window's rows.
        drift: Each column, the worst first, except those that define the slice, which are constant.
        against_rest: The metric against the other rows of the window; None without labels.
        against_reference: The metric against the same rows of the reference; None without labels of these.
        has_direction: Whether less of the metric is worse.
        note: In words, why something is not judged.
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
    has_direction: bool = True
    note: str = ""

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """The contrasts that there are."""
        return tuple(found for found in (self.against_rest, self.against_reference) if found is not None)

    @property
    def standing(self) -> Standing:
        """What is said of it: loss of performance before drift, and that before anything else."""
        if not self.is_judged:
            return Standing.INSUFFICIENT_DATA
        differing = [found for found in self.contrasts if is_rare(found.p_value)]
        if any(not self.has_direction or (found.difference or 0.0) < 0 for found in differing):
            return Standing.LOSS
        if self.drifted:
            return Standing.DRIFT
        return Standing.OTHER if differing else Standing.NOTHING

    @property
    def is_judged(self) -> bool:
        """Whether anything of it was tested."""
        return any(column.is_compared for column in self.drift) or any(
            found.p_value is not None for found in self.contrasts
        )

    @property
    def compared(self) -> int:
        """How many columns were compared."""
        return sum(column.is_compared for column in self.drift)

    @property
    def beyond_chance(self) -> tuple[str, ...]:
        """The columns that are beyond chance, whatever their effect."""
        return tuple(column.column for column in self.drift if column.is_beyond_chance)

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that have drifted."""
        return tuple(column.column for column in self.drift if column.has_drifted)

    @property
    def worst(self) -> SliceColumn | None:
        """The column that has moved most."""
        return self.drift[0] if self.compared else None

    @property
    def consequence(self) -> float:
        """Rows times effect: for a loss the rows that it costs, for drift the worst score divided by its limit."""
        if self.standing is Standing.DRIFT:
            return self.rows * (self.worst.strength if self.worst else 0.0)
        gaps = [found.difference or 0.0 for found in self.contrasts if is_rare(found.p_value) or not self._is_found]
        if self.standing is Standing.LOSS and self.has_direction:
            return self.rows * -min(gaps)
        return self.rows * max((abs(gap) for gap in gaps), default=0.0)

    @property
    def _is_found(self) -> bool:
        return self.standing in {Standing.LOSS, Standing.OTHER}

    @property
    def rank(self) -> tuple[int, float, float, str]:
        """What is significant first, a loss before anything; then by consequence, rows and name."""
        return int(self.standing), -self.consequence, -self.rows, self.name


def is_rare(p_value: float | None) -> bool:
    """Whether a corrected p-value is so small that chance hardly explains the difference."""
    return p_value is not None and p_value <= verdict.ALPHA
