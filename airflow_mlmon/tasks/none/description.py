"""Description of a model without outputs and labels."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Never

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.tasks.contrast import Contrast, Contrasted, Difference
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
    from airflow_mlmon.tasks.sums import OutcomeSums

_NO_TYPES: Mapping[Role, tuple[ColumnType, ...]] = MappingProxyType({})


class FeaturesOnly(Task):
    """A model of which neither outputs nor labels are archived: its rows and features are all there is."""

    name: ClassVar[str] = "none"
    has_labels: ClassVar[bool] = False
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = _NO_TYPES
    looks: ClassVar[Mapping[Role | None, str]] = MappingProxyType({})
    ranges: ClassVar[Mapping[Role, tuple[float, float]]] = MappingProxyType({})
    metrics: ClassVar[Mapping[str, Metric]] = MappingProxyType({})
    headline: ClassVar[tuple[str, ...]] = ()
    evaluated: ClassVar[tuple[str, ...]] = ()
    version_headline: ClassVar[tuple[str, ...]] = ()
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType({})
    counting: ClassVar[None] = None

    @property
    def label_type(self) -> ColumnType:
        """Refuse: there is no label."""
        return self._refuse()

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:  # noqa: ARG002 - of no column
        """Say no: there are neither outputs nor labels."""
        return False

    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:  # noqa: ARG002 - of no column
        """Say no: there are no outputs."""
        return False

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:  # noqa: ARG002 - always the same
        """Return the schema without columns."""
        from airflow_mlmon.tasks.outcome import OutcomeSchema  # noqa: PLC0415 - heavy

        return OutcomeSchema(columns=())

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> OutcomeSums:  # noqa: ARG002 - of no rows
        """Refuse: there is no label."""
        return self._refuse()

    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:  # noqa: ARG002 - of no column
        """Measure nothing: there are no outputs."""
        return []

    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:  # noqa: ARG002 - of no column
        """Compare nothing: there are no outputs."""
        return []

    def measure(self, outcomes: OutcomeProfile, min_coverage: float) -> list[MetricValue]:  # noqa: ARG002 - of no rows
        """Measure nothing: there are no labels."""
        return []

    def compare(self, before: OutcomeProfile, after: OutcomeProfile, min_coverage: float) -> list[Difference]:  # noqa: ARG002 - of no rows
        """Compare nothing: there are no labels."""
        return []

    def contrast(
        self,
        metric: str,
        rows: OutcomeProfile,  # noqa: ARG002 - of no rows
        others: OutcomeProfile,  # noqa: ARG002 - of no rows
        *,
        min_coverage: float,  # noqa: ARG002 - of no rows
        minimum_rows: int,  # noqa: ARG002 - of no rows
    ) -> Contrast:
        """Refuse: there is no such metric."""
        raise KeyError(metric)

    def _refuse(self) -> Never:
        raise ConfigError("A model of task none has no labels.", hint="name the kind of model by `task`")
