"""What evidently found on a sample, for the methods that profiles cannot answer."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.spec.methods import Method

P_VALUES = frozenset(
    {Method.ANDERSON, Method.EPPS_SINGLETON, Method.MANN_WHITNEY, Method.FISHER_EXACT, Method.EMPIRICAL_MMD}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledScore:
    """The answer of one method on one column.

    Attributes:
        method: The method.
        value: Its p-value or, of `ed` and the text methods, its distance; None where it has no answer.
        threshold: Evidently's own: a p-value below it, or a distance above it, is drift.
        rows_reference: Rows of the sample of the reference.
        rows_current: Rows of the sample of the partition.
        problem: Why there is no answer.
    """

    method: Method
    value: float | None
    threshold: float | None = None
    rows_reference: int
    rows_current: int
    problem: str = ""

    @property
    def is_beyond(self) -> bool | None:
        """Whether the threshold is passed; None without an answer."""
        if self.value is None or self.threshold is None:
            return None
        return self.value < self.threshold if self.method in P_VALUES else self.value > self.threshold

    @property
    def note(self) -> str:
        """What was computed, on how many rows, and evidently's threshold."""
        if self.value is None:
            return self.basis
        return f"{self.basis}, evidently's own threshold {self.threshold:g}"

    @property
    def basis(self) -> str:
        """What was computed, on how many rows."""
        rows = f"evidently's {self.method} on samples of {self.rows_current:,} and {self.rows_reference:,} rows"
        if self.value is None:
            return f"{rows}: {self.problem or 'no answer'}"
        return f"{'p-value' if self.method in P_VALUES else 'distance'} by {rows}"
