"""Differences between metrics of two sets of rows, each with its 95 % confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.spec.choices import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrasted:
    """Metric by which slices can be compared.

    Attributes:
        needs: The role of a column that a model must have to be measured so; None where its labels are enough.
        is_share: Whether it is shown in percent.
    """

    needs: Role | None = None
    is_share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Metric of some rows beside that of other rows.

    Attributes:
        own: Value for the rows.
        other: Value for the other rows.
        low: Lower end of the 95 % interval of `own - other`; None if not available.
        high: Upper end.
        p_value: P-value under equal distributions; None if not tested.
        note: Reason why it was not tested.
    """

    own: float | None
    other: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """Difference between the rows and the other rows."""
        return None if self.own is None or self.other is None else self.own - self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Metric of two model versions.

    Attributes:
        metric: Name of the metric.
        before: Value for the replaced version.
        after: Value for the version that replaces it.
        low: Lower end of the interval of `after - before`; None if not available.
        high: Upper end.
    """

    metric: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float | None:
        """Difference of the version that replaces and the replaced one."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def is_apart(self) -> bool:
        """Return True if the interval excludes zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high
