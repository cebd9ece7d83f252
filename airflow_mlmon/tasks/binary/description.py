"""Description of a binary classifier with a score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.metrics import Metric
from airflow_mlmon.tasks.binary.table import (
    METRICS,
    POSITIVE_RATE,
    PREDICTED_POSITIVE_RATE,
    SCORE_MEAN,
)
from airflow_mlmon.tasks.classification import HALF
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.statistics.arrays import Floats
    from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
    from airflow_mlmon.tasks.contrast import Contrast, Difference
    from airflow_mlmon.tasks.outcome import OutcomeSchema


class Binary(Task):
    """A classifier of two classes: labels and predicted classes are true or false, scores lie between 0 and 1."""

    name: ClassVar[str] = "binary"
    loss: ClassVar[str] = "Brier loss, or without a score 0 if the class is right, else 1"
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = MappingProxyType(
        {Role.SCORE: (ColumnType.FLOAT,), Role.PREDICTION: (ColumnType.BOOLEAN,)}
    )
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ()
    looks: ClassVar[Mapping[Role | None, str]] = MappingProxyType(
        {
            Role.SCORE: "all between 0 and 1",
            Role.PREDICTION: "true above a threshold of the score",
            None: "yes or no",
        }
    )
    ranges: ClassVar[Mapping[Role, tuple[float, float]]] = MappingProxyType({Role.SCORE: (0, 1)})
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    headline: ClassVar[tuple[str, ...]] = (SCORE_MEAN, POSITIVE_RATE, "accuracy", "log_loss")
    evaluated: ClassVar[tuple[str, ...]] = (
        SCORE_MEAN,
        PREDICTED_POSITIVE_RATE,
        POSITIVE_RATE,
        "accuracy",
        "precision",
        "recall",
        "f1",
        "roc_auc",
        "log_loss",
        "brier",
        "estimated_accuracy",
        "estimated_roc_auc",
    )
    version_headline: ClassVar[tuple[str, ...]] = ("accuracy", "roc_auc", "log_loss")
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType(
        {
            "accuracy": Contrasted(needs=Role.PREDICTION, is_share=True),
            "roc_auc": Contrasted(needs=Role.SCORE),
            "precision": Contrasted(needs=Role.PREDICTION, is_share=True),
            "recall": Contrasted(needs=Role.PREDICTION, is_share=True),
            "positive_rate": Contrasted(is_share=True),
        }
    )
    counting: ClassVar[Counting] = Counting(
        classes=MappingProxyType({"label": 2, "prediction": 2}),
        number="score",
        bounds=(0.0, 1.0),
        mirrored_from=HALF,
        by="label",
    )

    @property
    def label_type(self) -> ColumnType:
        """Return the type of the label."""
        return ColumnType.BOOLEAN

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:
        """Say whether all lie between 0 and 1, or are yes or no."""
        from airflow_mlmon.tasks.binary.look import is_binary, is_share  # noqa: PLC0415 - heavy

        return is_share(values) if role is Role.SCORE else is_binary(values)

    def follows_from(self, score: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:
        """Say whether the score is higher where the class is true."""
        from airflow_mlmon.tasks.binary.look import is_cut_of  # noqa: PLC0415 - heavy

        return is_cut_of(values, score)

    def empty_outcomes(self) -> BinaryOutcomes:
        """Return the outcome profile of no rows."""
        from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes  # noqa: PLC0415 - heavy

        return BinaryOutcomes.empty()

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:  # noqa: ARG002 - always the same
        """Return the schema, which is the same for every model."""
        from airflow_mlmon.tasks.binary.outcome import SCHEMA  # noqa: PLC0415 - heavy

        return SCHEMA

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> BinaryOutcomes:  # noqa: ARG002 - always the same
        """Count what predictions joined with their labels say."""
        from airflow_mlmon.tasks.binary.outcome import profile_outcomes  # noqa: PLC0415 - heavy

        return profile_outcomes(joined)

    def read_outcomes(self, data: bytes) -> BinaryOutcomes:
        """Return the outcome profile that these bytes were made of."""
        from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes  # noqa: PLC0415 - heavy

        return BinaryOutcomes.from_bytes(data)

    def outcomes_of_counts(self, rows: Iterable[CountedRows], cells: Iterable[CountedCell]) -> BinaryOutcomes:
        """Make an outcome profile of what was counted."""
        from airflow_mlmon.tasks.binary.outcome import outcomes_of_counts  # noqa: PLC0415 - heavy

        return outcomes_of_counts(rows, cells)

    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
        """Measure the mean score and the share of predicted positives."""
        from airflow_mlmon.tasks.binary.outputs import summarise_outputs  # noqa: PLC0415 - heavy

        return summarise_outputs(part, spec)

    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
        """Compare the mean scores of two versions."""
        from airflow_mlmon.tasks.binary.outputs import compare_outputs  # noqa: PLC0415 - heavy

        return compare_outputs(before, after, spec)

    def measure(self, outcomes: Any, min_coverage: float) -> list[MetricValue]:
        """Measure every metric that needs labels."""
        from airflow_mlmon.tasks.binary.metrics import measure_outcomes  # noqa: PLC0415 - heavy

        return measure_outcomes(outcomes, min_coverage)

    def constant_scores(self, outcomes: Any, reference: Any) -> Mapping[str, float]:
        """Score the more frequent class, and the share of positives as the score."""
        from airflow_mlmon.tasks.binary.constant import score_constants  # noqa: PLC0415 - heavy

        return score_constants(outcomes, reference)

    def losses(self, joined: pa.Table) -> Floats:
        """Return the squared distance of score and label, or whether the class is wrong where there is no score."""
        from airflow_mlmon.tasks.binary.outcome import losses_of  # noqa: PLC0415 - heavy

        return losses_of(joined)

    def estimate(self, outcomes: Any, reference: Any) -> list[MetricValue]:
        """Estimate performance by confidence (CBPE)."""
        from airflow_mlmon.tasks.binary.estimate import estimate_performance  # noqa: PLC0415 - heavy

        return estimate_performance(outcomes, reference)

    def compare(self, before: Any, after: Any, min_coverage: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""
        from airflow_mlmon.tasks.binary.contrast import compare_outcomes  # noqa: PLC0415 - heavy

        return compare_outcomes(before, after, min_coverage)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_coverage: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some rows and others, with its p-value."""
        from airflow_mlmon.tasks.binary.contrast import contrast_outcomes  # noqa: PLC0415 - heavy

        return contrast_outcomes(metric, rows, others, min_coverage=min_coverage, minimum_rows=minimum_rows)
