"""Scores by evidently on samples, for methods that profiles cannot compute."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.spec.methods import Method

P_VALUES = frozenset(
    {Method.ANDERSON, Method.EPPS_SINGLETON, Method.MANN_WHITNEY, Method.FISHER_EXACT, Method.EMPIRICAL_MMD}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledScore:
    """Score of one method for one column on samples.

    Attributes:
        method: The method.
        value: Its p-value or, for `ed` and the text methods, its distance; None if it could not be computed.
        threshold: Evidently's threshold: a p-value below it, or a distance above it, is drift.
        rows_reference: Rows of the sample of the reference.
        rows_current: Rows of the sample of the partition.
        problem: The reason for a missing score.
    """

    method: Method
    value: float | None
    threshold: float | None = None
    rows_reference: int
    rows_current: int
    problem: str = ""

    @property
    def is_beyond(self) -> bool | None:
        """Return True if the score is beyond evidently's threshold; None without a score."""
        if self.value is None or self.threshold is None:
            return None
        return self.value < self.threshold if self.method in P_VALUES else self.value > self.threshold

    @property
    def note(self) -> str:
        """Describe the score, its rows and evidently's threshold."""
        if self.value is None:
            return self.basis
        return f"{self.basis}, evidently's own threshold {self.threshold:g}"

    @property
    def basis(self) -> str:
        """Describe the score and its rows."""
        rows = f"evidently's {self.method} on samples of {self.rows_current:,} and {self.rows_reference:,} rows"
        if self.value is None:
            return f"{rows}: {self.problem or 'not computed'}"
        return f"{'p-value' if self.method in P_VALUES else 'distance'} by {rows}"
