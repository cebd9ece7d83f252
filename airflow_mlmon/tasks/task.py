"""Description of a kind of model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from airflow_mlmon.spec.choices import TASK_ROLES, ColumnType, Role
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.spec.metrics import EXCLUDED_SHARE, LABEL_COVERAGE
from airflow_mlmon.tasks.rate_kind import RateKind

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.statistics.arrays import Floats
    from airflow_mlmon.tasks.contrast import Contrast, Contrasted, Difference
    from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
    from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
    from airflow_mlmon.tasks.outcome_table import OutcomeTable
    from airflow_mlmon.tasks.rates import GroupRate


class Task(ABC):
    """A kind of model.

    Attributes:
        name: What a spec calls it.
        loss: Title of the loss of a row, such as absolute error; empty if it has none.
        loss_estimate: Metric by which the mean loss is estimated without labels; empty if there is none.
        has_labels: Whether its predictions may get labels.
        types: Types that its columns may have, by their role; the first is the one that a guess takes.
        needs: Roles of which a model has one at least, group by group.
        keys: Keys of a spec that it reads, of those that only some tasks read.
        undivided: The role of the column whose equal values belong together: outcome profiles of parts that cut them do
            not add up.
        looks: What outputs, by role, and the label, by None, look like in a sample, in words.
        ranges: The ends between which outputs lie by what they are.
        metrics: The metrics of its own, in the order in which they are shown.
        headline: Those that say most, which tables and trends show first.
        evaluated: Those evaluated unless a spec asks for more: a family of dozens costs power.
        version_headline: Those of the labels by which versions are shown beside each other.
        contrasts: The metrics that slices can be compared by, the first choice first.
        disparities: The measures of fairness that it has, each with the rates of groups that it compares.
        counting: What is counted of rows where they are served, to make an outcome profile of them; None if rows have
            to be read.
    """

    name: ClassVar[str]
    loss: ClassVar[str] = ""
    loss_estimate: ClassVar[str] = ""
    has_labels: ClassVar[bool] = True
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]]
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ()
    keys: ClassVar[frozenset[str]] = frozenset()
    undivided: ClassVar[Role | None] = None
    looks: ClassVar[Mapping[Role | None, str]]
    ranges: ClassVar[Mapping[Role, tuple[float, float]]]
    metrics: ClassVar[Mapping[str, Metric]]
    headline: ClassVar[tuple[str, ...]]
    evaluated: ClassVar[tuple[str, ...]]
    version_headline: ClassVar[tuple[str, ...]]
    contrasts: ClassVar[Mapping[str, Contrasted]]
    disparities: ClassVar[Mapping[str, tuple[RateKind, ...]]] = MappingProxyType({})
    counting: ClassVar[Counting | None]

    @property
    @abstractmethod
    def label_type(self) -> ColumnType:
        """Return the type of the label."""

    def bind(self, spec: ModelSpec) -> Task:  # noqa: ARG002 - for those that read keys of a spec
        """Return the task with what a spec says of it."""
        return self

    def find_mistakes(self, spec: ModelSpec) -> Iterator[tuple[tuple[str, ...], str]]:  # noqa: ARG002 - for those that find some
        """Find what a valid spec says that cannot be of such a model: the key, and the mistake."""
        yield from ()

    @property
    def settings(self) -> Mapping[str, float]:
        """Return the numbers of a spec that outcome profiles depend on."""
        return {}

    @abstractmethod
    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:
        """Say whether values may be those of an output, or with None as the role those of the label."""

    @abstractmethod
    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:
        """Say whether values may be those of an output that follows from the main one, such as a class from a score."""

    def empty_outcomes(self) -> OutcomeProfile:
        """Return the outcome profile of no rows, which changes nothing when it is added."""
        from airflow_mlmon.tasks.sums import OutcomeSums  # noqa: PLC0415 - heavy

        return OutcomeSums()

    @abstractmethod
    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:
        """Pin the schema of outcome profiles.

        Args:
            outputs: Profiles of the outputs in the reference, with their own schemas.
            joined: The reference's outputs with their labels; None if it has no labels.
        """

    def arrange(self, joined: pa.Table, schema: OutcomeSchema) -> pa.Table:  # noqa: ARG002 - for those that need it
        """Return predictions joined with their labels in the form of which several parts are profiled fastest."""
        return joined

    @abstractmethod
    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> OutcomeProfile:
        """Keep what predictions joined with their labels say.

        Raises:
            SchemaMismatchError: a column is absent or of another type.
        """

    def read_outcomes(self, data: bytes) -> OutcomeProfile:
        """Return the outcome profile that these bytes were made of.

        Raises:
            StateError: the bytes are no such profile, damaged, or of a later format.
        """
        from airflow_mlmon.tasks.sums import OutcomeSums  # noqa: PLC0415 - heavy

        return OutcomeSums.from_bytes(data)

    def outcomes_of_counts(
        self,
        rows: Iterable[CountedRows],  # noqa: ARG002 - for those with a `counting`
        cells: Iterable[CountedCell],  # noqa: ARG002
    ) -> OutcomeProfile:
        """Make an outcome profile of what was counted as `counting` says."""
        raise TypeError(f"nothing is counted of {self.name} models")

    @abstractmethod
    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
        """Measure what the outputs of some rows are like, without labels."""

    @abstractmethod
    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
        """Compare the outputs of two versions of a model."""

    @abstractmethod
    def measure(self, outcomes: OutcomeProfile, min_coverage: float) -> list[MetricValue]:
        """Measure every metric that needs labels; if less than `min_coverage` are there, none has a value."""

    def scales(self, outcomes: OutcomeProfile) -> Mapping[str, float]:  # noqa: ARG002 - for those that have some
        """Return the standard deviation of single values, of the metrics of labels that are means."""
        return {}

    def constant_scores(self, outcomes: OutcomeProfile, reference: OutcomeProfile) -> Mapping[str, float]:  # noqa: ARG002 - for those that have some
        """Score the best constant prediction of the reference on the labels of `outcomes`, by metric."""
        return {}

    def output_rates(self, part: Profile | Part, spec: ModelSpec) -> list[GroupRate]:  # noqa: ARG002 - for those that have some
        """Return the rates of a group of rows that need no labels."""
        return []

    def label_rates(self, outcomes: OutcomeProfile) -> list[GroupRate]:  # noqa: ARG002 - for those that have some
        """Return the rates of a group of rows that need labels."""
        return []

    def tables(self, outcomes: OutcomeProfile, reference: OutcomeProfile | None) -> tuple[OutcomeTable, ...]:  # noqa: ARG002 - for those that have some
        """Show what is known of the errors beyond the metrics, perhaps beside the reference's."""
        return ()

    @abstractmethod
    def compare(self, before: OutcomeProfile, after: OutcomeProfile, min_coverage: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""

    @abstractmethod
    def contrast(
        self, metric: str, rows: OutcomeProfile, others: OutcomeProfile, *, min_coverage: float, minimum_rows: int
    ) -> Contrast:
        """Compare one of the `contrasts` between some rows and others, with its p-value."""

    def losses(self, joined: pa.Table) -> Floats | None:  # noqa: ARG002 - for those that have one
        """Return the loss of each prediction joined with its label, NaN without a label; None if it has no loss."""
        return None

    def estimate(
        self,
        outcomes: OutcomeProfile,  # noqa: ARG002 - for those that can
        reference: OutcomeProfile | None,  # noqa: ARG002
    ) -> list[MetricValue]:
        """Estimate performance without labels, from the labels of the reference; None if it has none."""
        return []

    def fits(self, types: Mapping[Role, ColumnType], keys: Collection[str] = (), *, is_labelled: bool = False) -> bool:
        """Say whether a model whose outputs have these types, and whose spec these keys, is of this kind."""
        own = {role: kind for role, kind in types.items() if role in TASK_ROLES}
        return (
            self.has_labels is bool(own or is_labelled)
            and all(kind in self.types.get(role, ()) for role, kind in own.items())
            and all(set(roles) & set(own) for roles in self.needs)
            and self.keys >= set(keys)
        )

    @property
    def output_metrics(self) -> tuple[str, ...]:
        """Return its metrics of the outputs."""
        return tuple(name for name, metric in self.metrics.items() if not (metric.needs_labels or metric.estimates))

    @property
    def estimates(self) -> Mapping[str, str]:
        """Return the metrics that it estimates without labels, each with the name of its estimate."""
        return {metric.estimates: name for name, metric in self.metrics.items() if metric.estimates}

    @property
    def label_metrics(self) -> tuple[str, ...]:
        """Return the metrics that need labels in display order: of the labels, then performance."""
        if not self.has_labels:
            return ()
        own = {name: metric for name, metric in self.metrics.items() if metric.needs_labels}
        of_labels = (name for name, metric in own.items() if not metric.is_performance)
        performance = (name for name, metric in own.items() if metric.is_performance)
        return (LABEL_COVERAGE, *of_labels, EXCLUDED_SHARE, *performance)

    def mean_output(self, spec: ModelSpec) -> tuple[str, str] | None:
        """Return the first metric that is the mean of an output, and that output's column; None if there is none."""
        means = ((name, spec.column_of(metric.role)) for name, metric in self.metrics.items() if metric.role)
        return next(((name, column) for name, column in means if column), None)

    def sum_outcomes(self, profiles: Iterable[OutcomeProfile]) -> OutcomeProfile:
        """Add any number of outcome profiles up, also none."""
        total = self.empty_outcomes()
        for profile in profiles:
            total += profile
        return total

    def first_contrast(self, roles: Collection[Role]) -> str:
        """Name the metric by which slices are compared by default, of those that a model with these roles has."""
        return next(metric for metric, by in self.contrasts.items() if by.needs is None or by.needs in roles)
