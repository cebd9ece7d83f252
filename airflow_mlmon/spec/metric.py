"""Properties of a metric: its kind of number, the side on which it is bad, and what else is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from airflow_mlmon.spec.choices import Role


class Measure(StrEnum):
    """Kind of number that a metric is, which determines its sampling variance."""

    COUNT = "count"
    SHARE = "share"
    MEAN = "mean"
    # an area, or a ratio between 0 and 1 with an unknown number of rows
    AREA = "area"
    LOSS = "loss"
    # share explained, such as R²: at most 1, below 0 if a constant predicts better
    SKILL = "skill"
    # hours
    DURATION = "duration"
    # any real number
    NUMBER = "number"


# their variance is estimated from the days alone
UNSAMPLED = frozenset({Measure.AREA, Measure.LOSS, Measure.SKILL, Measure.NUMBER})


class Worse(StrEnum):
    """Side of the expected value on which a metric is bad."""

    BELOW = "below"
    ABOVE = "above"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Metric:
    """Metric with its title and its properties.

    Attributes:
        title: Name on pages and in messages.
        description: Definition.
        by_column: Whether it exists for each column too.
        is_share: Whether it is a share, shown in percent.
        is_count: Whether it is a whole number.
        needs_labels: Whether it needs labels.
        of_model: Whether it changes with the model version, whatever the data did.
        measure: Kind of number; a metric that has one is evaluated against the expected value.
        on_request: Whether it is evaluated only where `alerts.evaluation.metrics` names it: each test costs the
            others power.
        worse: Side on which it is bad.
        lowest: Smallest possible value; None if there is none.
        smallest: Smallest effect size that alerts, if it has one of its own.
        role: The role of the column whose values it is the mean of, in units of whose standard deviation it moves.
        estimates: The metric of labels that it estimates without them; empty if it is no estimate.
    """

    title: str
    description: str
    by_column: bool = False
    is_share: bool = False
    is_count: bool = False
    needs_labels: bool = False
    of_model: bool = False
    measure: Measure | None = None
    on_request: bool = False
    worse: Worse = Worse.BOTH
    lowest: float | None = 0.0
    role: Role | None = None
    smallest: float | None = None
    estimates: str = ""

    @property
    def is_performance(self) -> bool:
        """Return whether it measures the quality of the predictions."""
        return self.needs_labels and self.of_model
