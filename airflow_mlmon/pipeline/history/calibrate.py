"""Replay of stored days at several sensitivities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.evaluation.evidence import Comparisons
from airflow_mlmon.evaluation.incidents import Incident
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.deciding.evidence import PartitionEvaluator
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.compared_days import PastDay
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import MetricValue, PartitionState, SubjectKey, Verdict, VerdictState
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import ROWS
from airflow_mlmon.tasks.registry import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Breaches of one day at one sensitivity.

    Attributes:
        opened: New breaches.
        lasting: Breaches that the previous day had too.
        incidents: All breaches by incident, the likely cause first.
    """

    opened: tuple[Verdict, ...]
    lasting: tuple[Verdict, ...]
    incidents: tuple[Incident, ...]


@dataclass(kw_only=True)
class _Replay:
    """Replay at one sensitivity, with its own breaches as the past."""

    policy: EvaluationPolicy
    breached: dict[SubjectKey, set[date]] = field(default_factory=dict)
    open: set[SubjectKey] = field(default_factory=set)

    def note(self, day: date, verdicts: Sequence[Verdict], incidents: Sequence[Incident]) -> Replayed:
        """Record the breaches of a day and return the new ones."""
        evaluated = {verdict.key for verdict in verdicts if verdict.state is not VerdictState.INSUFFICIENT_DATA}
        breaches = [verdict for verdict in verdicts if verdict.state is VerdictState.BREACH]
        opened = tuple(breach for breach in breaches if breach.key not in self.open)
        lasting = tuple(breach for breach in breaches if breach.key in self.open)
        for breach in breaches:
            self.breached.setdefault(breach.key, set()).add(day)
        self.open = (self.open - evaluated) | {breach.key for breach in breaches}
        return Replayed(opened=opened, lasting=lasting, incidents=tuple(incidents))


def calibrate(
    run: Run, first: date, last: date, policies: Sequence[EvaluationPolicy]
) -> Iterator[tuple[date, list[Replayed]]]:
    """Evaluate each day of a range at each sensitivity, oldest first, without storing anything.

    Each replay starts with a past without breaches and then uses its own breaches only, and what was accepted as
    normal. Days whose profile is missing or has another schema, or whose metrics were pruned, are left
    out.

    Raises:
        StateError: the spec has changed since its profile schema was pinned.
    """
    reference = required_reference(run)
    replays = [_Replay(policy=policy) for policy in policies]
    comparisons = Comparisons()
    profiles: dict[date, PastDay] = {}
    evaluates = [
        PartitionEvaluator(run=run, breached=replay.breached, comparisons=comparisons, profiles=profiles)
        for replay in replays
    ]
    for state in run.store.states(run.model, first, last):
        if not state.evaluated or state.schema != reference.schema.id or not state.rows_accepted:
            continue
        values = run.store.metric_values(state.partition)
        if {value.metric for value in values} <= {ROWS}:
            # the others were pruned
            continue
        try:
            profile = _profile(run, state, reference.schema.id)
        except NotFoundError:
            continue
        run.progress(f"replaying {state.partition.key}")
        by_labels = _by_labels(values)
        found = []
        for replay, evaluate in zip(replays, evaluates, strict=True):
            rows = evaluate.evaluate(state.partition, by_labels[False], profile, policy=replay.policy)
            labels = evaluate.evaluate(state.partition, by_labels[True], policy=replay.policy)
            verdicts, incidents = (*rows.verdicts, *labels.verdicts), (*rows.incidents, *labels.incidents)
            found.append(replay.note(state.partition.day, verdicts, incidents))
        yield state.partition.day, found


def _profile(run: Run, state: PartitionState, schema: str) -> Profile:
    if state.version is None:
        raise NotFoundError(f"{state.partition} has no curated rows.")
    return Profile.from_bytes(run.files.read(profile_uri(run, state.partition, state.version, schema)))


def _by_labels(metrics: Sequence[MetricValue]) -> Mapping[bool, list[MetricValue]]:
    known = [value for value in metrics if value.metric in METRICS]
    return {
        is_of_labels: [value for value in known if METRICS[value.metric].needs_labels is is_of_labels]
        for is_of_labels in (False, True)
    }
