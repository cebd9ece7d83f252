"""The description of a kind of model.

It is light to import, so that a spec can be checked and a DAG parsed by it: what computes is imported by the
method that needs it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from airflow_mlmon.spec.choices import Role

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.tasks.contrast import Contrast, Contrasted, Difference
    from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
    from airflow_mlmon.tasks.outcome import OutcomeProfile


class Task(ABC):
    """A kind of model.

    Attributes:
        name: What a spec calls it.
        contrasts: The metrics that slices can be compared by, the first choice first.
        counting: What is counted of rows where they are served, to make an outcome profile of them.
    """

    name: ClassVar[str]
    contrasts: ClassVar[Mapping[str, Contrasted]]
    counting: ClassVar[Counting]

    @abstractmethod
    def empty_outcomes(self) -> OutcomeProfile:
        """Return the outcome profile of no rows, which changes nothing when it is added."""

    @abstractmethod
    def profile_outcomes(self, joined: pa.Table) -> OutcomeProfile:
        """Keep what predictions joined with their labels say.

        Raises:
            SchemaMismatchError: a column is absent or of another type.
        """

    @abstractmethod
    def read_outcomes(self, data: bytes) -> OutcomeProfile:
        """Return the outcome profile that these bytes were made of.

        Raises:
            StateError: the bytes are no such profile, damaged, or of a later format.
        """

    @abstractmethod
    def outcomes_of_counts(self, rows: Iterable[CountedRows], cells: Iterable[CountedCell]) -> OutcomeProfile:
        """Make an outcome profile of what was counted as `counting` says."""

    @abstractmethod
    def measure(self, outcomes: OutcomeProfile, min_share: float) -> list[MetricValue]:
        """Measure every metric that needs labels; while less than `min_share` of these has come, none has a value."""

    @abstractmethod
    def compare(self, before: OutcomeProfile, after: OutcomeProfile, min_share: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""

    @abstractmethod
    def contrast(
        self, metric: str, rows: OutcomeProfile, others: OutcomeProfile, *, min_share: float, minimum_rows: int
    ) -> Contrast:
        """Compare one of the `contrasts` between some rows and others, with its p-value."""

    def sum_outcomes(self, profiles: Iterable[OutcomeProfile]) -> OutcomeProfile:
        """Add any number of outcome profiles up, also none."""
        total = self.empty_outcomes()
        for profile in profiles:
            total += profile
        return total

    def first_contrast(self, roles: Collection[Role]) -> str:
        """Name the metric by which slices are compared by default, of those that a model with these roles has."""
        return next(metric for metric, by in self.contrasts.items() if by.needs is None or by.needs in roles)
