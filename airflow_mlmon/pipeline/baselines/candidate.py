"""Comparison of a candidate baseline with the one in force, from stored profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.drift.compare import ColumnDrift
from airflow_mlmon.drift.metrics import score_metric
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.evaluation.columns import drifted, evaluate_pair, evaluated
from airflow_mlmon.pipeline.baselines.accept import Evidence, next_day, require_version, weigh
from airflow_mlmon.pipeline.baselines.choose import (
    ChosenBaseline,
    compare_with,
    of_all_versions,
    of_value,
    sum_baseline,
)
from airflow_mlmon.pipeline.baselines.in_force import InForce, in_force
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.mlflow_source import with_named_versions
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.baseline import Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateDrift:
    """Drift of a candidate from the baseline in force.

    Attributes:
        day: The day for which both are taken: the next one to be evaluated.
        held: The baseline in force.
        before: Its content.
        after: The content of the candidate.
        evidence: The days of the candidate, for its acceptance.
        columns: The distance of the candidate from the one in force.
        verdicts: The verdict on each column, by sampling error only.
        own: Columns with their own baseline, which no pin replaces.
    """

    day: date
    held: InForce
    before: ChosenBaseline
    after: ChosenBaseline
    evidence: Evidence
    columns: Sequence[ColumnDrift]
    verdicts: Mapping[str, Verdict]
    own: Mapping[str, Baseline]

    @property
    def drifted(self) -> int | None:
        """Return the number of drifted columns; None if none was evaluated."""
        return len(drifted(self.verdicts)) if evaluated(self.verdicts) else None


def _rows_of(run: Run, chosen: ChosenBaseline, version: str | None) -> ChosenBaseline:
    """Return the rows of a version in a baseline, for the comparison with its days; otherwise all rows."""
    if version is None:
        return chosen
    return of_value(chosen, str(run.spec.version_column), version) or of_all_versions(chosen)


def compare_candidate(run: Run, candidate: Baseline, version: str | None = None) -> CandidateDrift:
    """Evaluate the drift from the baseline in force, of the model or a version, to a candidate.

    Raises:
        ConfigError: the spec has no versions, or its own baseline for each column.
        StateError: the spec has changed since its profile schema was pinned.
    """
    require_version(run.spec, version)
    reference = required_reference(run)
    names = [column.name for column in reference.schema.columns]
    columns = [name for name in names if name not in run.spec.baselines]
    if not columns:
        raise ConfigError(
            f"Each column in the spec of {run.model} has its own baseline, which a pin does not replace.",
            hint="remove columns from `baselines`",
        )
    day = next_day(run)
    held = in_force(with_named_versions(run, day), run.store.baselines(run.model), day, version)
    span = Span(days=(day,))
    before, after = (
        _rows_of(run, sum_baseline(run, reference, baseline, columns, span), version)
        for baseline in (held.baseline, candidate)
    )
    drift = compare_with(run, before.schema, [before], after.profile, {})
    scores = [score_metric(column, before.facts.title) for column in drift]
    return CandidateDrift(
        day=day,
        held=held,
        before=before,
        after=after,
        evidence=weigh(run, candidate, day),
        columns=drift,
        # past days show how single days vary, and neither side is one
        verdicts=evaluate_pair(day, before.profile, after.profile, scores, run.spec.alerts.evaluation),
        own={name: run.spec.baselines[name] for name in names if name in run.spec.baselines},
    )
