"""Model versions for the page of a day."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.evaluation.columns import drift_by_column
from airflow_mlmon.pipeline.baselines.versions import counts_in, marks_until
from airflow_mlmon.pipeline.deciding.champion_challenger import challenges
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.profiles.keys import column_key
from airflow_mlmon.records import MetricValue, PartitionState, Verdict
from airflow_mlmon.reports.versions import Challenge, VersionRow, Versions


def versions_of(
    run: Run, state: PartitionState, metrics: Sequence[MetricValue], verdicts: Sequence[Verdict]
) -> Versions | None:
    """Collect the versions of a day; None if there is one and nothing to mark."""
    counts = counts_in(run.spec, metrics)
    mark = marks_until(run, state.partition.day).get(state.partition.day, "")
    if len(counts) < 2 and not mark:  # noqa: PLR2004 - a single version is not shown
        return None
    total = sum(counts.values())
    return Versions(
        mark=mark,
        rows=tuple(_row(run, metrics, verdicts, (version, total)) for version in sorted(counts)),
        challenges=_challenges(run, state),
    )


def _row(run: Run, metrics: Sequence[MetricValue], verdicts: Sequence[Verdict], of: tuple[str, int]) -> VersionRow:
    version, total = of
    segment = column_key(str(run.spec.version_column), version)
    own = {value.metric: value for value in metrics if value.segment == segment and value.column is None}
    baselines = [value.drift.baseline for value in metrics if value.segment == segment and value.drift]
    rows = int(own["rows"].value or 0) if "rows" in own else 0
    return VersionRow(
        name=version,
        rows=rows,
        share=rows / total,
        metrics=own,
        verdicts=drift_by_column(verdicts, segment),
        baselines=tuple(dict.fromkeys(baselines)),
    )


def _challenges(run: Run, state: PartitionState) -> tuple[Challenge, ...]:
    reference = pinned_reference(run, state.partition.day)
    if reference is None or reference.schema.id != state.schema:
        return ()
    return tuple(challenges(run, reference, state.partition.day))
