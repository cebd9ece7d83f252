"""Description of a ranking of the rows of each group."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.tasks.binary.table import SCORE_MEAN
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.ranking.table import (
    AUC,
    HIT_RATE,
    ITEM_COVERAGE,
    MAP,
    METRICS,
    MRR,
    NDCG,
    POPULARITY_BIAS,
    PRECISION,
    RECALL,
)
from airflow_mlmon.tasks.regression.table import LABEL_MEAN
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.tasks.contrast import Contrast, Difference
    from airflow_mlmon.tasks.outcome import OutcomeSchema
    from airflow_mlmon.tasks.sums import OutcomeSums

_NAMES = (ColumnType.STRING, ColumnType.CATEGORY, ColumnType.INTEGER)
_OF_ITEMS = frozenset({ITEM_COVERAGE, POPULARITY_BIAS})
_CUTOFF, _COVERAGE = 10, 0.8


class Ranking(Task):
    """A model that orders the rows of a group, by a score or by a rank of which 1 is the best.

    Attributes:
        cutoff: How many of the first rows count (k).
        coverage: Smallest label coverage of a group that counts.
        has_items: Whether the ranked items are named.
    """

    name: ClassVar[str] = "ranking"
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = MappingProxyType(
        {
            Role.SCORE: (ColumnType.FLOAT,),
            Role.RANK: (ColumnType.INTEGER, ColumnType.FLOAT),
            Role.GROUP: _NAMES,
            Role.ITEM: _NAMES,
        }
    )
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ((Role.GROUP,), (Role.SCORE, Role.RANK))
    keys: ClassVar[frozenset[str]] = frozenset({"cutoff"})
    undivided: ClassVar[Role | None] = Role.GROUP
    looks: ClassVar[Mapping[Role | None, str]] = MappingProxyType(
        {
            Role.SCORE: "a number",
            Role.RANK: "whole numbers, as places have",
            Role.GROUP: "names that repeat",
            Role.ITEM: "names that repeat",
            None: "0 and 1, or a few grades of relevance",
        }
    )
    ranges: ClassVar[Mapping[Role, tuple[float, float]]] = MappingProxyType({})
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    headline: ClassVar[tuple[str, ...]] = (SCORE_MEAN, NDCG, MRR, AUC)
    evaluated: ClassVar[tuple[str, ...]] = (SCORE_MEAN, LABEL_MEAN, NDCG, MRR, RECALL, AUC)
    version_headline: ClassVar[tuple[str, ...]] = (NDCG, MRR, AUC)
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType(
        {
            NDCG: Contrasted(),
            MAP: Contrasted(),
            MRR: Contrasted(),
            HIT_RATE: Contrasted(is_share=True),
            PRECISION: Contrasted(is_share=True),
            RECALL: Contrasted(is_share=True),
            AUC: Contrasted(),
            LABEL_MEAN: Contrasted(),
        }
    )
    counting: ClassVar[None] = None

    def __init__(self, *, cutoff: int = _CUTOFF, coverage: float = _COVERAGE, has_items: bool = True) -> None:
        """Describe rankings of which so many rows count."""
        self.cutoff = cutoff
        self.coverage = coverage
        self.has_items = has_items

    def bind(self, spec: ModelSpec) -> Ranking:
        """Return the task with the cutoff, the label coverage and the items of a spec."""
        return Ranking(
            cutoff=spec.cutoff or _CUTOFF,
            coverage=spec.labels.min_coverage if spec.labels else _COVERAGE,
            has_items=spec.column_of(Role.ITEM) is not None,
        )

    @property
    def label_type(self) -> ColumnType:
        """Return the type of the label."""
        return ColumnType.FLOAT

    @property
    def label_metrics(self) -> tuple[str, ...]:
        """Return the metrics that need labels in display order, without those of items that have no name."""
        return tuple(name for name in super().label_metrics if self.has_items or name not in _OF_ITEMS)

    @property
    def settings(self) -> Mapping[str, float]:
        """Return the cutoff and the label coverage of a group."""
        return {"cutoff": float(self.cutoff), "coverage": self.coverage}

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:
        """Say whether values may be places, groups, items, scores or grades of relevance."""
        from airflow_mlmon.tasks.ranking.look import is_of_ranking  # noqa: PLC0415 - heavy

        return is_of_ranking(role, values)

    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:  # noqa: ARG002 - there is no class
        """Say no: nothing is predicted but the order."""
        return False

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:
        """Pin the label's column, by what rows are ordered, and the settings."""
        from airflow_mlmon.tasks.ranking.outcome import pin_ranking  # noqa: PLC0415 - heavy

        return pin_ranking(outputs, joined, self.settings)

    def arrange(self, joined: pa.Table, schema: OutcomeSchema) -> pa.Table:
        """Order the rows of all groups once."""
        from airflow_mlmon.tasks.ranking.outcome import number_groups  # noqa: PLC0415 - heavy

        return number_groups(joined, schema)

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> OutcomeSums:
        """Sum what predictions joined with their labels say, over groups."""
        from airflow_mlmon.tasks.ranking.outcome import profile_ranking  # noqa: PLC0415 - heavy

        return profile_ranking(joined, schema)

    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
        """Measure the mean score."""
        from airflow_mlmon.tasks.ranking.outputs import summarise_scores  # noqa: PLC0415 - heavy

        return summarise_scores(part, spec)

    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
        """Compare the mean scores of two versions."""
        from airflow_mlmon.tasks.ranking.outputs import compare_scores  # noqa: PLC0415 - heavy

        return compare_scores(before, after, spec)

    def measure(self, outcomes: Any, min_coverage: float) -> list[MetricValue]:
        """Measure every metric that needs labels."""
        from airflow_mlmon.tasks.ranking.metrics import measure_ranking  # noqa: PLC0415 - heavy

        return measure_ranking(outcomes, min_coverage, self.label_metrics)

    def scales(self, outcomes: Any) -> Mapping[str, float]:
        """Return the standard deviations between groups, and of the label."""
        from airflow_mlmon.tasks.ranking.metrics import group_scales  # noqa: PLC0415 - heavy

        return group_scales(outcomes)

    def constant_scores(self, outcomes: Any, reference: Any) -> Mapping[str, float]:  # noqa: ARG002 - chance needs none
        """Return what a random order, which a constant prediction leaves, is expected to score."""
        from airflow_mlmon.tasks.ranking.metrics import random_scores  # noqa: PLC0415 - heavy

        return random_scores(outcomes)

    def compare(self, before: Any, after: Any, min_coverage: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""
        from airflow_mlmon.tasks.ranking.contrast import compare_rankings  # noqa: PLC0415 - heavy

        return compare_rankings(before, after, min_coverage, self.label_metrics)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_coverage: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some groups and others, with its p-value."""
        from airflow_mlmon.tasks.ranking.contrast import contrast_rankings  # noqa: PLC0415 - heavy

        return contrast_rankings(metric, rows, others, min_coverage=min_coverage, minimum_rows=minimum_rows)
