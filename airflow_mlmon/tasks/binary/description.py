"""Description of a binary classifier with a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.disparities import (
    DEMOGRAPHIC_PARITY,
    DEMOGRAPHIC_PARITY_RATIO,
    EQUAL_OPPORTUNITY,
    EQUALIZED_ODDS,
    PREDICTIVE_PARITY,
)
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.tasks.binary.table import (
    BUSINESS_VALUE,
    METRICS,
    POSITIVE_RATE,
    PREDICTED_POSITIVE_RATE,
    SCORE_MEAN,
)
from airflow_mlmon.tasks.classification import HALF
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.spec.worth import Worth
    from airflow_mlmon.statistics.arrays import Floats
    from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
    from airflow_mlmon.tasks.contrast import Contrast, Difference
    from airflow_mlmon.tasks.outcome import OutcomeSchema
    from airflow_mlmon.tasks.outcome_table import OutcomeTable
    from airflow_mlmon.tasks.rates import GroupRate


class Binary(Task):
    """A classifier of two classes: labels and predicted classes are true or false, scores lie between 0 and 1.

    Attributes:
        threshold: The score from which on a row is predicted positive; None where the class is archived.
        worth: What a row of each cell of the confusion matrix is worth; None if the spec does not say.
    """

    name: ClassVar[str] = "binary"
    loss: ClassVar[str] = "Brier loss, or without a score 0 if the class is right, else 1"
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = MappingProxyType(
        {Role.SCORE: (ColumnType.FLOAT,), Role.PREDICTION: (ColumnType.BOOLEAN,)}
    )
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ()
    keys: ClassVar[frozenset[str]] = frozenset({"classes", "fairness", "threshold", "value"})
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
            "specificity": Contrasted(needs=Role.PREDICTION, is_share=True),
            "positive_rate": Contrasted(is_share=True),
        }
    )
    disparities: ClassVar[Mapping[str, tuple[RateKind, ...]]] = MappingProxyType(
        {
            DEMOGRAPHIC_PARITY: (RateKind.SELECTION,),
            DEMOGRAPHIC_PARITY_RATIO: (RateKind.SELECTION,),
            EQUAL_OPPORTUNITY: (RateKind.TRUE_POSITIVE,),
            EQUALIZED_ODDS: (RateKind.TRUE_POSITIVE, RateKind.FALSE_POSITIVE),
            PREDICTIVE_PARITY: (RateKind.POSITIVE_PREDICTIVE,),
        }
    )
    counting: ClassVar[Counting | None] = Counting(
        classes=MappingProxyType({"label": 2, "prediction": 2}),
        number="score",
        bounds=(0.0, 1.0),
        mirrored_from=HALF,
        by="label",
    )

    def __init__(self, threshold: float | None = None, worth: Worth | None = None) -> None:
        """Describe classifiers with this threshold, whose cells are worth so much."""
        self.threshold = threshold
        self.worth = worth

    def bind(self, spec: ModelSpec) -> Binary:
        """Return the task with the threshold and the values of a spec."""
        kind = Binary if spec.threshold is None else Thresholded
        return kind(spec.threshold, spec.value)

    @property
    def settings(self) -> Mapping[str, float]:
        """Return the threshold."""
        return {} if self.threshold is None else {"threshold": self.threshold}

    def find_mistakes(self, spec: ModelSpec) -> Iterator[tuple[tuple[str, ...], str]]:
        """Find classes that are not two, and a threshold or values that apply to nothing."""
        has_class = spec.column_of(Role.PREDICTION) is not None
        if spec.classes and len(set(spec.classes)) != len((False, True)):
            yield ("classes",), f"a binary model has two classes, negative and positive, not {len(spec.classes)}"
        if spec.threshold is not None and has_class:
            yield ("threshold",), "the predicted class is archived; remove the key, or the column of role prediction"
        if spec.threshold is not None and spec.column_of(Role.SCORE) is None:
            yield ("threshold",), "there is no column of role score to compare with it"
        if spec.value and not (has_class or spec.threshold is not None):
            yield ("value",), "no class is predicted; add a column of role prediction, or `threshold`"

    @property
    def label_metrics(self) -> tuple[str, ...]:
        """Return the metrics that need labels in display order; the business value only where there are values."""
        return tuple(name for name in super().label_metrics if self.worth is not None or name != BUSINESS_VALUE)

    @property
    def label_type(self) -> ColumnType:
        """Return the type of the label."""
        return ColumnType.BOOLEAN

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:
        """Say whether all lie between 0 and 1, or are yes or no."""
        from airflow_mlmon.tasks.binary.look import is_binary, is_share  # noqa: PLC0415 - heavy

        return is_share(values) if role is Role.SCORE else is_binary(values)

    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:
        """Say whether the score is higher wherever the class is true."""
        from airflow_mlmon.tasks.binary.look import is_cut_of  # noqa: PLC0415 - heavy

        return role is Role.PREDICTION and is_cut_of(values, main)

    def empty_outcomes(self) -> BinaryOutcomes:
        """Return the outcome profile of no rows."""
        from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes  # noqa: PLC0415 - heavy

        return BinaryOutcomes.empty()

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:  # noqa: ARG002 - always the same
        """Return the schema, which is the same for every model but for the threshold."""
        from airflow_mlmon.tasks.binary.outcome import schema_with  # noqa: PLC0415 - heavy

        return schema_with(self.threshold)

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> BinaryOutcomes:  # noqa: ARG002 - always the same
        """Count what predictions joined with their labels say."""
        from airflow_mlmon.tasks.binary.outcome import profile_outcomes  # noqa: PLC0415 - heavy

        return profile_outcomes(joined, self.threshold)

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

        return measure_outcomes(outcomes, min_coverage, self.worth)

    def tables(self, outcomes: Any, reference: Any | None) -> tuple[OutcomeTable, ...]:
        """Show the confusion matrix, and the reliability of the score."""
        from airflow_mlmon.tasks.binary.tables import table_classes  # noqa: PLC0415 - heavy

        return tuple(table_classes(outcomes, reference))

    def output_rates(self, part: Profile | Part, spec: ModelSpec) -> list[GroupRate]:
        """Return the rates of a group of rows that need no labels."""
        from airflow_mlmon.tasks.binary.rates import selection_rates  # noqa: PLC0415 - heavy

        return selection_rates(part, spec)

    def label_rates(self, outcomes: Any) -> list[GroupRate]:
        """Return the rates of a group of rows that need labels."""
        from airflow_mlmon.tasks.binary.rates import error_rates  # noqa: PLC0415 - heavy

        return error_rates(outcomes)

    def constant_scores(self, outcomes: Any, reference: Any) -> Mapping[str, float]:
        """Score the more frequent class, and the share of positives as the score."""
        from airflow_mlmon.tasks.binary.constant import score_constants  # noqa: PLC0415 - heavy

        return score_constants(outcomes, reference, self.worth)

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

        return compare_outcomes(before, after, min_coverage, self.worth)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_coverage: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some rows and others, with its p-value."""
        from airflow_mlmon.tasks.binary.contrast import contrast_outcomes  # noqa: PLC0415 - heavy

        return contrast_outcomes(metric, rows, others, min_coverage=min_coverage, minimum_rows=minimum_rows)


class Thresholded(Binary):
    """A binary classifier whose predicted class follows from its score, which no row holds to be counted elsewhere."""

    counting: ClassVar[None] = None
