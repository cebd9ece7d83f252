"""Differences between metrics of two sets of rows, each with its 95 % confidence interval."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_mlmon.spec.choices import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrasted:
    """A metric that slices can be compared by.

    Attributes:
        needs: The role of a column that a model must have to be measured so; None where its labels are enough.
        is_share: Whether it is shown in percent.
    """

    needs: Role | None = None
    is_share: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A metric of some rows beside that of others.

    Attributes:
        own: Its value for the rows.
        other: Its value for the others.
        low: Lower end of the 95 % interval of `own - other`; None where it cannot be said.
        high: Upper end.
        p_value: How often rows of one kind differ so much; None where that is not tested.
        note: In words, why it is not.
    """

    own: float | None
    other: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """The value of the rows less that of the others."""
        return None if self.own is None or self.other is None else self.own - self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A metric of two versions.

    Attributes:
        metric: Its name.
        before: Its value for the version that is replaced.
        after: Its value for the version that replaces it.
        low: Lower end of the interval of `after - before`; None where it cannot be said.
        high: Upper end.
    """

    metric: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_apart(self) -> bool:
        """Whether the interval leaves no difference out."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high
