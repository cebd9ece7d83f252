"""The description of a model that predicts a class of two, and a score for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_mlmon.spec.choices import Role
from airflow_mlmon.tasks.contrast import Contrasted
from airflow_mlmon.tasks.counting import CountedCell, CountedRows, Counting
from airflow_mlmon.tasks.task import Task

if TYPE_CHECKING:
    import pyarrow as pa

    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
    from airflow_mlmon.tasks.contrast import Contrast, Difference

HALF = 0.5


class Binary(Task):
    """A classifier of two classes: labels and predicted classes are true or false, scores lie between 0 and 1."""

    name: ClassVar[str] = "binary"
    contrasts: ClassVar[Mapping[str, Contrasted]] = MappingProxyType(
        {
            "accuracy": Contrasted(needs=Role.PREDICTION, is_share=True),
            "roc_auc": Contrasted(needs=Role.SCORE),
            "precision": Contrasted(needs=Role.PREDICTION, is_share=True),
            "recall": Contrasted(needs=Role.PREDICTION, is_share=True),
            "positive_share": Contrasted(is_share=True),
        }
    )
    counting: ClassVar[Counting] = Counting(
        classes=MappingProxyType({"label": 2, "prediction": 2}),
        number="score",
        bounds=(0.0, 1.0),
        mirrored_from=HALF,
        by="label",
    )

    def empty_outcomes(self) -> BinaryOutcomes:
        """Return the outcome profile of no rows."""
        from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes  # noqa: PLC0415 - heavy

        return BinaryOutcomes.empty()

    def profile_outcomes(self, joined: pa.Table) -> BinaryOutcomes:
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

    def measure(self, outcomes: Any, min_share: float) -> list[MetricValue]:
        """Measure every metric that needs labels."""
        from airflow_mlmon.tasks.binary.metrics import measure  # noqa: PLC0415 - heavy

        return measure(outcomes, min_share)

    def compare(self, before: Any, after: Any, min_share: float) -> list[Difference]:
        """Compare every metric that needs labels between two versions of a model."""
        from airflow_mlmon.tasks.binary.contrast import compare_outcomes  # noqa: PLC0415 - heavy

        return compare_outcomes(before, after, min_share)

    def contrast(self, metric: str, rows: Any, others: Any, *, min_share: float, minimum_rows: int) -> Contrast:
        """Compare a metric between some rows and others, with its p-value."""
        from airflow_mlmon.tasks.binary.contrast import contrast_outcomes  # noqa: PLC0415 - heavy

        return contrast_outcomes(metric, rows, others, min_share=min_share, minimum_rows=minimum_rows)
