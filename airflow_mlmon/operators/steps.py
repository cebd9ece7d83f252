"""The operators of the nightly run, in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlmon.operators.base import PartitionOperator, to_json
from airflow_mlmon.partition import Partition

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.run import Run


class PreparePartitionOperator(PartitionOperator):
    """Turns the day's files into a curated partition and takes in the day's labels."""

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Counts, status and content version of the partition."""
        from airflow_mlmon.pipeline.steps.prepare import prepare_partition  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import fill_days_before  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.reference import ensure_reference  # noqa: PLC0415 - heavy

        # the steps after this one run side by side, and each needs the reference
        fill_days_before(run, ensure_reference(run), partition)
        return prepare_partition(run, partition).to_dict()


class _PreparedOperator(PartitionOperator):
    """A step that takes the summary of the prepared partition."""

    template_fields: Sequence[str] = ("partition", "prepared")

    def __init__(self, *, prepared: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prepared = prepared


class ValidatePartitionOperator(_PreparedOperator):
    """Runs the Great Expectations checks; a failed one is recorded, and judged later."""

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, int]:  # noqa: ARG002
        """How many checks passed, failed and could not be run."""
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.validate import validate_partition  # noqa: PLC0415 - heavy

        passed = [check.passed for check in validate_partition(run, Prepared.from_dict(self.prepared))]
        return {"passed": passed.count(True), "failed": passed.count(False), "not_run": passed.count(None)}


class ProfilePartitionOperator(_PreparedOperator):
    """Profiles the curated partition, and the nights that its history lacks."""

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """URI and layout of the profile."""
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import profile_partition  # noqa: PLC0415 - heavy

        return to_json(profile_partition(run, Prepared.from_dict(self.prepared)))


class DetectDriftOperator(_PreparedOperator):
    """Compares the partition's profile with the reference's, column by column."""

    template_fields: Sequence[str] = ("partition", "prepared", "profiled")

    def __init__(self, *, profiled: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.profiled = profiled

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:  # noqa: ARG002
        """Names of the columns beyond their limit, and how many were compared."""
        from airflow_mlmon.drift.compare import DriftState  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.drift import detect_drift  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import Profiled  # noqa: PLC0415 - heavy

        drift = detect_drift(run, Prepared.from_dict(self.prepared), Profiled(**self.profiled))
        beyond = [column.column for column in drift if column.state is DriftState.BEYOND]
        return {"beyond": beyond, "columns": len(drift)}


class MeasurePerformanceOperator(_PreparedOperator):
    """Joins the labels taken in to the partitions that they belong to."""

    def run_step(self, run: Run, partition: Partition, context: Context) -> list[dict[str, Any]]:  # noqa: ARG002
        """The labelled profile of each partition whose performance has to be replaced."""
        from airflow_mlmon.pipeline.steps.performance import measure_performance  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy

        return [to_json(entry) for entry in measure_performance(run, Prepared.from_dict(self.prepared))]


class JudgePartitionOperator(DetectDriftOperator):
    """Judges every value and publishes the night in one transaction.

    When alerts of drift or of performance were opened, and people are told of them, the asset `mlmon://<model>/drift`
    gets an event with the verdict; the outlet for it is `drift_alias(<model>)`.
    """

    template_fields: Sequence[str] = ("partition", "prepared", "profiled", "measured")

    def __init__(self, *, measured: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.measured = measured

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Status of the night, its alerts, and the days whose results were replaced."""
        from airflow_mlmon.operators.assets import announce_drift  # noqa: PLC0415 - for those who have drifted
        from airflow_mlmon.pipeline.deciding.model_change import confirmed_change  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.evaluate import judge_partition  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.prepare import Prepared  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.profile import Profiled  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.workspace.outcomes import Measured  # noqa: PLC0415 - heavy
        from airflow_mlmon.records import Status  # noqa: PLC0415 - heavy

        measured = [Measured(**(entry | {"deliveries": tuple(entry["deliveries"])})) for entry in self.measured]
        judged = judge_partition(run, Prepared.from_dict(self.prepared), Profiled(**self.profiled), measured)
        if judged.status is Status.FAILED:
            # the task fails, but the pages of these days are written all the same
            context["ti"].xcom_push(key="return_value", value=to_json(judged))
            raise AirflowFailException(f"{partition}: {judged.message}. Hint: the report shows every check")
        verdict = confirmed_change(run, partition, [Partition.from_key(run.model, day) for day in judged.days])
        if verdict is not None:
            announce_drift(context, run.model, verdict)
        return to_json(judged)


class WriteReportOperator(PartitionOperator):
    """Writes the night's page, those of the days whose performance changed, and the index."""

    decides_night: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "judged_by")

    def __init__(self, *, judged_by: str = "judge_partition", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.judged_by = judged_by

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """URI of the night's page, and the days whose pages were written."""
        from airflow_mlmon.pipeline.pages.report import write_reports  # noqa: PLC0415 - heavy

        judged = context["ti"].xcom_pull(task_ids=self.judged_by) or {}
        days = [Partition.from_key(run.model, day) for day in judged.get("days", [])]
        return to_json(write_reports(run, partition, days))


class SendAlertsOperator(PartitionOperator):
    """Sends every alert that is waiting to its channels, and the model's gauges to Prometheus where it is set up."""

    decides_night: ClassVar[bool] = False

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, int]:  # noqa: ARG002
        """How many messages were sent, and how many failed."""
        from airflow_mlmon.hooks.configuration import airflow_settings  # noqa: PLC0415 - heavy
        from airflow_mlmon.notifications.gauges import publish_gauges  # noqa: PLC0415 - heavy
        from airflow_mlmon.notifications.senders import build_senders  # noqa: PLC0415 - heavy
        from airflow_mlmon.pipeline.steps.send import send_alerts  # noqa: PLC0415 - heavy

        now = datetime.now(UTC)
        try:
            return to_json(send_alerts(run, build_senders(run, now), now))
        finally:
            publish_gauges(run, airflow_settings())
