"""Operators of the nightly run, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.lineage import Data
from airflow_mlmon.operators.assets import announce_day
from airflow_mlmon.operators.base import PartitionOperator, to_json
from airflow_mlmon.partition import Partition, parse_day
from airflow_mlmon.spec.choices import EvidentlyForm

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.pipeline.steps.drift import PartitionDrift
    from airflow_mlmon.pipeline.steps.evaluate import Evaluated
    from airflow_mlmon.pipeline.steps.prepare import Prepared
    from airflow_mlmon.records import CheckOutcome


class PreparePartitionOperator(PartitionOperator):
    """Curate the day's files to a partition, ingest the day's labels, and redo days that lack rows of its folder."""

    reads: ClassVar[tuple[Data, ...]] = (Data.ARCHIVE, Data.REFERENCE, Data.LABELS)
    writes: ClassVar[tuple[Data, ...]] = (Data.CURATED,)

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return counts, status and content version of the partition."""
        from airflow_mlmon.pipeline.steps.prepare import prepare_partition  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import fill_days_before  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.reference import ensure_reference  # noqa: PLC0415 - heavy

        # the next steps run in parallel, and each needs the reference
        fill_days_before(run, ensure_reference(run, partition.day), partition)
        return redo_and_describe(run, prepare_partition(run, partition))

    def content_of(self, run: Run, partition: Partition) -> str | None:
        """Return the version of the rows that it prepared; of a run that failed, what was there before."""
        return str(self._result["version"]) if self._result else super().content_of(run, partition)


def redo_and_describe(run: Run, prepared: Prepared) -> dict[str, Any]:
    """Redo days that lack rows of a prepared day's folder, and return its summary."""
    from airflow_mlmon.pipeline.steps.neighbours import find_lacking  # noqa: PLC0415 - heavy

    if find_lacking(run, prepared):
        from airflow_mlmon.pipeline.nightly import redo_lacking  # noqa: PLC0415 - imports every step

        prepared = redo_lacking(run, prepared)
    return prepared.to_dict()


class _PreparedOperator(PartitionOperator):
    """Step that needs the summary of the prepared partition."""

    template_fields: Sequence[str] = ("partition", "spec_path", "prepared")

    def __init__(self, *, prepared: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prepared = prepared

    def content_of(self, run: Run, partition: Partition) -> str | None:  # noqa: ARG002
        """Return the version of the prepared rows."""
        return str(self.prepared["version"])


class ValidatePartitionOperator(_PreparedOperator):
    """Run the Great Expectations checks; a failed one is recorded, and evaluated later."""

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED,)

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, int]:  # noqa: ARG002
        """Count the checks that passed, failed and could not be run."""
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.validate import validate_partition  # noqa: PLC0415 - heavy

        return count_checks(validate_partition(run, Prepared.from_dict(self.prepared)))


def count_checks(checks: Iterable[CheckOutcome]) -> dict[str, int]:
    """Count the checks that passed, failed and could not be run."""
    passed = [check.passed for check in checks]
    return {"passed": passed.count(True), "failed": passed.count(False), "not_run": passed.count(None)}


class ProfilePartitionOperator(_PreparedOperator):
    """Profile the curated partition, and the days missing from its history."""

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED,)
    writes: ClassVar[tuple[Data, ...]] = (Data.PROFILE,)

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return URI and profile schema of the profile."""
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import profile_partition  # noqa: PLC0415 - heavy

        return to_json(profile_partition(run, Prepared.from_dict(self.prepared)))


class DetectDriftOperator(_PreparedOperator):
    """Compare the partition's profile with its baseline, column by column."""

    reads: ClassVar[tuple[Data, ...]] = (Data.PROFILE,)
    template_fields: Sequence[str] = ("partition", "spec_path", "prepared", "profiled")

    def __init__(self, *, profiled: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.profiled = profiled

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return where the outcome lies, the number of columns with a score, and of all columns."""
        from airflow_mlmon.pipeline.steps.drift import detect_drift, keep_drift  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import Profiled  # noqa: PLC0415 - heavy

        prepared = Prepared.from_dict(self.prepared)
        drift = detect_drift(run, prepared, Profiled(**self.profiled))
        return {"uri": keep_drift(run, prepared, drift), **count_scores(drift)}


def count_scores(drift: PartitionDrift) -> dict[str, int]:
    """Count the columns with a score, and all columns."""
    scored = [value.value is not None for value in drift.scores]
    return {"scored": sum(scored), "columns": len(scored)}


class MeasurePerformanceOperator(_PreparedOperator):
    """Join the delivered labels to the partitions that they belong to."""

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED, Data.LABELS)

    def run_step(self, run: Run, partition: Partition, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return the labelled profile of each partition whose performance must be replaced."""
        from airflow_mlmon.pipeline.steps.performance import measure_performance  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy

        return [to_json(entry) for entry in measure_performance(run, Prepared.from_dict(self.prepared))]


class EvaluatePartitionOperator(DetectDriftOperator):
    """Evaluate every value and publish the partition in one transaction.

    The assets `mlmon://<model>/curated` and `/metrics` get an event with the day as partition key, but for a day that
    FAILED. When alerts of drift or of performance are opened and sent, the asset `/drift` gets one with the verdict.
    The outlets are `outlets_of(<model>)`.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED, Data.PROFILE)
    writes: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    template_fields: Sequence[str] = ("partition", "spec_path", "prepared", "profiled", "drift", "measured")

    def __init__(self, *, drift: Any, measured: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drift = drift
        self.measured = measured

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return status and alerts of the partition, and the days whose results were replaced."""
        from airflow_mlmon.pipeline.steps.drift import read_drift  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import Profiled  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.outcomes import Measured  # noqa: PLC0415 - heavy

        measured = [Measured.from_dict(entry) for entry in self.measured]
        drift = read_drift(run, self.drift["uri"])
        prepared = Prepared.from_dict(self.prepared)
        evaluated = evaluate_partition(run, prepared, Profiled(**self.profiled), drift, measured)
        summary = self._result = to_json(evaluated)
        refuse_failed(context, partition, evaluated, summary)
        announce_day(context, run, prepared, evaluated)
        return summary


def refuse_failed(context: Context, partition: Partition, evaluated: Evaluated, summary: dict[str, Any]) -> None:
    """Fail the task of a day whose evaluation is FAILED, with its summary; its pages are still written."""
    from airflow_mlmon.records import Status  # noqa: PLC0415 - heavy

    if evaluated.status is Status.FAILED:
        context["ti"].xcom_push(key="return_value", value=summary)
        raise AirflowFailException(f"{partition}: {evaluated.message}. Hint: see the report for every check")


class WriteReportOperator(PartitionOperator):
    """Write the day's page, those of the days whose performance changed, and the index.

    Args:
        evidently: form of Evidently's report of the day, instead of the spec's.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    writes: ClassVar[tuple[Data, ...]] = (Data.PAGES,)
    decides_day: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "spec_path", "evaluated_by", "evidently")

    def __init__(
        self, *, evaluated_by: str = "evaluate_partition", evidently: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.evaluated_by = evaluated_by
        self.evidently = evidently

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return the URI of the day's page, and the days whose pages were written."""
        # of mapped tasks that of the same day
        evaluated = context["ti"].xcom_pull(task_ids=self.evaluated_by, map_indexes=context["ti"].map_index) or {}
        return write_day(run, partition, evaluated.get("days", []), self.evidently)


def write_day(run: Run, partition: Partition, days: Iterable[str], evidently: str | None) -> dict[str, Any]:
    """Write the pages of a day and of those whose results it replaced; return the URI of its page, and the days."""
    from airflow_mlmon.pipeline.pages.report import write_reports  # noqa: PLC0415 - heavy

    form = EvidentlyForm(evidently) if evidently else None
    return to_json(write_reports(run, partition, [run.partition(day) for day in days], evidently=form))


class TakeLabelsOperator(PartitionOperator):
    """Take in labels that no run has read, up to a day, and redo the performance of the days that they belong to.

    Args:
        since: first day of delivery, YYYY-MM-DD; by default as many days before as labels may come late.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.LABELS,)
    writes: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    decides_day: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "spec_path", "since")

    def __init__(self, *, since: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.since = since

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Return the labels received by day, what is said of them, and the days whose performance was redone."""
        from airflow_mlmon.pipeline.history.late_labels import take_labels  # noqa: PLC0415 - heavy

        delay = run.spec.labels.delay_days if run.spec.labels else 0
        since = parse_day(self.since) if self.since else partition.shift(-delay).day
        return to_json(take_labels(run, since, partition.day))


class SendAlertsOperator(PartitionOperator):
    """Send the pending alerts to their channels, and the model's gauges to Prometheus if configured."""

    decides_day: ClassVar[bool] = False

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, int]:  # noqa: ARG002
        """Count the messages sent and failed."""
        return send_pending(run, partition)


def send_pending(run: Run, partition: Partition) -> dict[str, Any]:
    """Send the pending alerts of a model after a day, and its gauges; return the number of messages sent and failed."""
    from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
    from airflow_mlmon.notifications.gauges import publish_gauges  # noqa: PLC0415 - heavy
    from airflow_mlmon.notifications.senders import build_senders  # noqa: PLC0415 - heavy
    from airflow_mlmon.pipeline.steps.send import send_alerts  # noqa: PLC0415 - heavy

    now = datetime.now(UTC)
    try:
        return to_json(send_alerts(run, partition, build_senders(run, now), now))
    finally:
        publish_gauges(run, read_airflow_settings(), now)
