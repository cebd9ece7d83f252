"""Operators of the nightly run, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.lineage import Data
from airflow_mlmon.operators.base import PartitionOperator, to_json
from airflow_mlmon.partition import Partition, parse_day
from airflow_mlmon.spec.choices import EvidentlyForm

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.pipeline.steps.prepare import Prepared


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
        fill_days_before(run, ensure_reference(run), partition)
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

    template_fields: Sequence[str] = ("partition", "prepared")

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

        passed = [check.passed for check in validate_partition(run, Prepared.from_dict(self.prepared))]
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
    template_fields: Sequence[str] = ("partition", "prepared", "profiled")

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
        scored = [value.value is not None for value in drift.scores]
        return {"uri": keep_drift(run, prepared, drift), "scored": sum(scored), "columns": len(scored)}


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

    When alerts of drift or of performance are opened and sent, the asset `mlmon://<model>/drift` gets an event with
    the verdict; its outlet is `drift_alias(<model>)`.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.CURATED, Data.PROFILE)
    writes: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    template_fields: Sequence[str] = ("partition", "prepared", "profiled", "drift", "measured")

    def __init__(self, *, drift: Any, measured: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.drift = drift
        self.measured = measured

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return status and alerts of the partition, and the days whose results were replaced."""
        from airflow_mlmon.operators.assets import announce_drift  # noqa: PLC0415 - for those who have drifted
        from airflow_mlmon.pipeline.deciding.model_change import confirmed_change  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.drift import read_drift  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.evaluate import evaluate_partition  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import Profiled  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.outcomes import Measured  # noqa: PLC0415 - heavy
        from airflow_mlmon.records import Status  # noqa: PLC0415 - heavy

        measured = [Measured.from_dict(entry) for entry in self.measured]
        drift = read_drift(run, self.drift["uri"])
        prepared = Prepared.from_dict(self.prepared)
        evaluated = evaluate_partition(run, prepared, Profiled(**self.profiled), drift, measured)
        if evaluated.status is Status.FAILED:
            # the task fails, but the pages of these days are still written
            self._result = to_json(evaluated)
            context["ti"].xcom_push(key="return_value", value=self._result)
            raise AirflowFailException(f"{partition}: {evaluated.message}. Hint: see the report for every check")
        verdict = confirmed_change(run, partition, [run.partition(day) for day in evaluated.days])
        if verdict is not None:
            announce_drift(context, run.model, verdict)
        return to_json(evaluated)


class WriteReportOperator(PartitionOperator):
    """Write the day's page, those of the days whose performance changed, and the index.

    Args:
        evidently: form of Evidently's report of the day, instead of the spec's.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    writes: ClassVar[tuple[Data, ...]] = (Data.PAGES,)
    decides_day: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "evaluated_by", "evidently")

    def __init__(
        self, *, evaluated_by: str = "evaluate_partition", evidently: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.evaluated_by = evaluated_by
        self.evidently = evidently

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return the URI of the day's page, and the days whose pages were written."""
        from airflow_mlmon.pipeline.pages.report import write_reports  # noqa: PLC0415 - heavy

        evaluated = context["ti"].xcom_pull(task_ids=self.evaluated_by) or {}
        days = [run.partition(day) for day in evaluated.get("days", [])]
        form = EvidentlyForm(self.evidently) if self.evidently else None
        return to_json(write_reports(run, partition, days, evidently=form))


class TakeLabelsOperator(PartitionOperator):
    """Take in labels that no run has read, up to a day, and redo the performance of the days that they belong to.

    Args:
        since: first day of delivery, YYYY-MM-DD; by default as many days before as labels may come late.
    """

    reads: ClassVar[tuple[Data, ...]] = (Data.LABELS,)
    writes: ClassVar[tuple[Data, ...]] = (Data.RESULTS,)
    decides_day: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "since")

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
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.notifications.gauges import publish_gauges  # noqa: PLC0415 - heavy
        from airflow_mlmon.notifications.senders import build_senders  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.send import send_alerts  # noqa: PLC0415 - heavy

        now = datetime.now(UTC)
        try:
            return to_json(send_alerts(run, build_senders(run, now), now))
        finally:
            publish_gauges(run, read_airflow_settings())
