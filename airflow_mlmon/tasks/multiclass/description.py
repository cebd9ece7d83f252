"""Description of a classifier of several classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.disparities import (
    ACCURACY_DIFFERENCE,
    DEMOGRAPHIC_PARITY,
    DEMOGRAPHIC_PARITY_RATIO,
    EQUAL_OPPORTUNITY,
)
from airflow_mlmon.spec.metric import Metric
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.multiclass.table import MAJORITY_RATE, METRICS, PREDICTED_MAJORITY_RATE, TOLERANCE
from airflow_mlmon.tasks.rate_kind import RateKind
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.profiles.columns.column import ColumnProfile
    from airflow_mlmon.profiles.columns.segment import Part
    from airflow_mlmon.profiles.profile import Profile
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.statistics.arrays import Floats
    from airflow_mlmon.tasks.contrast import Contrast, Difference
    from airflow_mlmon.tasks.outcome import OutcomeSchema
    from airflow_mlmon.tasks.outcome_table import OutcomeTable
    from airflow_mlmon.tasks.rates import GroupRate
    from airflow_mlmon.tasks.sums import OutcomeSums

_TEXTS = (ColumnType.CATEGORY, ColumnType.STRING)


class Multiclass(Task):
    """A model that predicts one class of several, perhaps with the probability of each.

    Attributes:
        classes: Classes of the probabilities, in their order.
        tolerance: Within what the probabilities of a row must add up to 1; None for the default.
        cutoff: How many classes the top-k accuracy is of; None for the default.
    """

    name: ClassVar[str] = "multiclass"
    loss: ClassVar[str] = "Brier loss, or without probabilities 0 if the class is right, else 1"
    types: ClassVar[Mapping[Role, tuple[ColumnType, ...]]] = MappingProxyType(
        {Role.PREDICTION: _TEXTS, Role.PROBABILITY: (ColumnType.FLOAT, ColumnType.VECTOR)}
    )
    needs: ClassVar[tuple[tuple[Role, ...], ...]] = ((Role.PREDICTION, Role.PROBABILITY),)
    keys: ClassVar[frozenset[str]] = frozenset({"classes", "cutoff", "tolerance", "fairness"})
    looks: ClassVar[Mapping[Role | None, str]] = MappingProxyType(
        {
            Role.PREDICTION: "one of a few classes",
            Role.PROBABILITY: "all between 0 and 1",
            None: "one of a few classes",
        }
    )
    ranges: ClassVar[Mapping[Role, tuple[float, float]]] = MappingProxyType({Role.PROBABILITY: (0, 1)})
    metrics: ClassVar[Mapping[str, Metric]] = METRICS
    headline: ClassVar[tuple[str, ...]] = (PREDICTED_MAJORITY_RATE, "accuracy", "log_loss")
    evaluated: ClassVar[tuple[str, ...]] = (
        PREDICTED_MAJORITY_RATE,
        MAJORITY_RATE,
        "accuracy",
        "f1_macro",
        "log_loss",
        "roc_auc",
        "estimated_accuracy",
        "estimated_roc_auc",
    )
    version_headline: ClassVar[tuple[str, ...]] = ("accuracy", "f1_macro", "log_loss")
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType(
        {
            "accuracy": Contrasted(is_share=True),
            "top_k_accuracy": Contrasted(needs=Role.PROBABILITY, is_share=True),
            MAJORITY_RATE: Contrasted(is_share=True),
        }
    )
    disparities: ClassVar[Mapping[str, tuple[RateKind, ...]]] = MappingProxyType(
        {
            DEMOGRAPHIC_PARITY: (RateKind.SELECTION,),
            DEMOGRAPHIC_PARITY_RATIO: (RateKind.SELECTION,),
            EQUAL_OPPORTUNITY: (RateKind.TRUE_POSITIVE,),
            ACCURACY_DIFFERENCE: (RateKind.ACCURACY,),
        }
    )
    counting: ClassVar[None] = None

    def __init__(
        self, classes: tuple[str, ...] = (), *, tolerance: float | None = None, cutoff: int | None = None
    ) -> None:
        """Describe classifiers with probabilities of these classes."""
        self.classes = classes
        self.tolerance = tolerance
        self.cutoff = cutoff

    @property
    def label_type(self) -> ColumnType:
        """Return the type of the label."""
        return ColumnType.CATEGORY

    def bind(self, spec: ModelSpec) -> Multiclass:
        """Return the task with the classes and the settings of a spec."""
        return type(self)(spec.classes, tolerance=spec.tolerance, cutoff=spec.cutoff)

    @property
    def settings(self) -> Mapping[str, float]:
        """Return the tolerance and the cutoff, as far as a spec sets them."""
        found = {"tolerance": self.tolerance, "cutoff": self.cutoff}
        return {name: float(value) for name, value in found.items() if value is not None}

    def find_mistakes(self, spec: ModelSpec) -> Iterator[tuple[tuple[str, ...], str]]:
        """Find classes that are listed twice, and probabilities that are not one for each of the classes."""
        if len(set(spec.classes)) < len(spec.classes):
            yield ("classes",), "a class is listed twice"
        names = spec.columns_of(Role.PROBABILITY)
        if not names:
            return
        key = "predictions", "columns", names[0]
        dimension = spec.columns[names[0]].dimension
        if not spec.classes:
            yield key, "probabilities need the key `classes`, which names their classes in their order"
        elif (found := dimension or len(names)) != len(spec.classes):
            yield key, f"there are {found} probabilities for {len(spec.classes)} classes"

    def looks_like(self, role: Role | None, values: pa.ChunkedArray) -> bool:
        """Say whether they are one of a few classes, or between 0 and 1."""
        from airflow_mlmon.tasks.multiclass.look import is_class, is_probability  # noqa: PLC0415 - heavy

        return is_probability(values) if role is Role.PROBABILITY else is_class(values)

    def follows_from(self, role: Role, main: pa.ChunkedArray, values: pa.ChunkedArray) -> bool:  # noqa: ARG002 - there is no score
        """Say no: there is no score that a class of several follows from."""
        return False

    def pin_outcomes(self, outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> OutcomeSchema:
        """Pin the classes."""
        from airflow_mlmon.tasks.multiclass.outcome import pin_classes  # noqa: PLC0415 - heavy

        return pin_classes(outputs, joined, self.classes, self.settings)

    def arrange(self, joined: pa.Table, schema: OutcomeSchema) -> pa.Table:
        """Put numbers in the place of classes, and cells in that of probabilities."""
        from airflow_mlmon.tasks.multiclass.outcome import arrange_classifications  # noqa: PLC0415 - heavy

        return arrange_classifications(joined, schema, self.classes)

    def profile_outcomes(self, joined: pa.Table, schema: OutcomeSchema) -> OutcomeSums:
        """Count what predictions joined with their labels say, arranged or not."""
        from airflow_mlmon.tasks.multiclass.outcome import is_arranged, profile_classifications  # noqa: PLC0415 - heavy

        return profile_classifications(joined if is_arranged(joined) else self.arrange(joined, schema), schema)

    def summarise_outputs(self, part: Profile | Part, spec: ModelSpec) -> list[MetricValue]:
        """Measure the share of the class that is predicted most."""
        from airflow_mlmon.tasks.multiclass.outputs import summarise_classes  # noqa: PLC0415 - heavy

        return summarise_classes(part, spec)

    def compare_outputs(self, before: Profile, after: Profile, spec: ModelSpec) -> list[Difference]:
        """Compare this share between two versions."""
        from airflow_mlmon.tasks.multiclass.outputs import compare_classes  # noqa: PLC0415 - heavy

        return compare_classes(before, after, spec)

    def measure(self, outcomes: Any, min_coverage: float) -> list[MetricValue]:
        """Measure every metric that needs labels."""
        from airflow_mlmon.tasks.multiclass.metrics import measure_classifications  # noqa: PLC0415 - heavy

        return measure_classifications(outcomes, min_coverage)

    def output_rates(self, part: Profile | Part, spec: ModelSpec) -> list[GroupRate]:
        """Return the rates of a group of rows that need no labels."""
        from airflow_mlmon.tasks.multiclass.rates import class_shares  # noqa: PLC0415 - heavy

        return class_shares(part, spec)

    def label_rates(self, outcomes: Any) -> list[GroupRate]:
        """Return the rates of a group of rows that need labels."""
        from airflow_mlmon.tasks.multiclass.rates import class_rates  # noqa: PLC0415 - heavy

        return class_rates(outcomes)

    def losses(self, joined: pa.Table) -> Floats:
        """Return the Brier loss of each prediction with a label, or whether its class is wrong."""
        from airflow_mlmon.tasks.multiclass.outcome import losses_of_classes  # noqa: PLC0415 - heavy

        return losses_of_classes(joined, self.classes, self.tolerance or TOLERANCE)

    def estimate(self, outcomes: Any, reference: Any) -> list[MetricValue]:
        """Estimate performance by confidence (CBPE), of each class against the rest."""
        from airflow_mlmon.tasks.multiclass.estimate import estimate_classifications  # noqa: PLC0415 - heavy

        return estimate_classifications(outcomes, reference)

    def tables(self, outcomes: Any, reference: Any | None) -> tuple[OutcomeTable, ...]:
        """Show the quality of each class, and the confusion matrix."""
        from airflow_mlmon.tasks.multiclass.tables import table_classifications  # noqa: PLC0415 - heavy

        return tuple(table_classifications(outcomes, reference))

    def constant_scores(self, outcomes: Any, reference: Any) -> Mapping[str, float]:
        """Score the most frequent class, and the shares of the labels as the probabilities."""
        from airflow_mlmon.tasks.multiclass.constant import score_constant_class  # noqa: PLC0415 - heavy

        return score_constant_class(outcomes, reference)

    def compare(self, before: Any, after: Any, min_coverage: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""
        from airflow_mlmon.tasks.multiclass.contrast import compare_classifications  # noqa: PLC0415 - heavy

        return compare_classifications(before, after, min_coverage)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_coverage: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some rows and others, with its p-value."""
        from airflow_mlmon.tasks.multiclass.contrast import contrast_classifications  # noqa: PLC0415 - heavy

        return contrast_classifications(metric, rows, others, min_coverage=min_coverage, minimum_rows=minimum_rows)
