"""Operator of a whole day: every step of the nightly run in one task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import Context, conf
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_mlmon.lineage import Data
from airflow_mlmon.operators.assets import announce_day
from airflow_mlmon.operators.base import PartitionOperator, to_json
from airflow_mlmon.operators.steps import count_checks, count_scores, refuse_failed, send_pending, write_day
from airflow_mlmon.partition import Partition
from airflow_mlmon.preload import preload_run
from airflow_mlmon.triggers.partition import POLL_S, PartitionTrigger, deadline_of, is_complete

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.nightly import EvaluatedDay
    from airflow_mlmon.pipeline.run import Run


class RunPartitionOperator(PartitionOperator):
    """Run a whole day in one task: wait for it, prepare, validate, profile, evaluate, report and alert.

    It does what the steps do, and so do its retries. A failed day is reported and notified before the task fails, and a
    page or a message that fails is tried again with the day, which changes nothing of its results.
    The outlets are `outlets_of(<model>)`.

    Args:
        evidently: form of Evidently's report of the day, instead of the spec's.
        deferrable: wait in the triggerer, not by looking again later; by default Airflow's `default_deferrable`.
        poll_s: seconds between two looks at the archive.
    """

    # the curated rows too, which its checks and verdicts are about
    reads: ClassVar[tuple[Data, ...]] = (Data.ARCHIVE, Data.REFERENCE, Data.LABELS, Data.CURATED)
    writes: ClassVar[tuple[Data, ...]] = (Data.CURATED, Data.PROFILE, Data.RESULTS, Data.PAGES)
    # after the evaluation too, which a failing page does not change: it records itself
    decides_day: ClassVar[bool] = False

    template_fields: Sequence[str] = ("partition", "spec_path", "evidently")

    def __init__(
        self,
        *,
        evidently: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_s: float = POLL_S,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.evidently = evidently
        self.deferrable = deferrable
        self.poll_s = poll_s

    def run_step(self, run: Run, partition: Partition, context: Context) -> dict[str, Any]:
        """Return status and alerts of the day, the days whose results were replaced, and what each step found."""
        try:
            self._await(run, partition, datetime.now(UTC))
            # a sixth of the time of a small day in a new process is garbage collection between its imports
            preload_run()
            from airflow_mlmon.pipeline.nightly import run_steps  # noqa: PLC0415 - heavy

            done = run_steps(run, partition)
        except AirflowRescheduleException:
            raise
        except Exception as error:
            if self.record_final(run, partition, context, error):
                self._tell_of_failure(run, partition)
            raise
        summary = to_json(done.evaluated) | _steps(done)
        summary |= self._tell(run, partition, done.evaluated.days)
        self._result = summary
        refuse_failed(context, partition, done.evaluated, summary)
        announce_day(context, run, done.prepared, done.evaluated)
        return summary

    def resume(self, context: Context, event: Any) -> Any:  # noqa: ARG002 - Airflow's signature
        """Look again when the trigger has fired: the day may have been reopened, and errors are reported here."""
        return self.execute(context)

    def _await(self, run: Run, partition: Partition, now: datetime) -> None:
        """Wait for the day outside the worker."""
        if is_complete(run.spec, partition, now):
            return
        if self.deferrable:
            self.defer(trigger=PartitionTrigger.of_day(run.spec, partition, self.poll_s), method_name="resume")
        again = min(now + timedelta(seconds=self.poll_s), deadline_of(run.spec, partition))
        raise AirflowRescheduleException(again)  # type: ignore[no-untyped-call]  # Airflow's is untyped

    def _tell(self, run: Run, partition: Partition, days: Sequence[str]) -> dict[str, Any]:
        """Write the pages and send the alerts; the alerts also when the pages fail."""
        told = {}
        try:
            told["write_report"] = write_day(run, partition, days, self.evidently)
        finally:
            told["send_alerts"] = send_pending(run, partition)
        return told

    def _tell_of_failure(self, run: Run, partition: Partition) -> None:
        try:
            self._tell(run, partition, ())
        except Exception:
            # the day's own failure is the one to raise
            self.log.exception("%s failed, and so did its page or a message", partition)


def _steps(done: EvaluatedDay) -> dict[str, Any]:
    """Summarise the steps as their own tasks do."""
    return {
        "prepare_partition": done.prepared.to_dict(),
        "validate_partition": count_checks(done.checks),
        "profile_partition": to_json(done.profiled),
        "detect_drift": count_scores(done.drift),
        "measure_performance": [to_json(entry) for entry in done.measured],
    }
