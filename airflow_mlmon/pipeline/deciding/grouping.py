"""Incidents of a day: its breaches in groups, each under the one that most likely explains the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from airflow_mlmon.drift.attributions import attribution_shifts
from airflow_mlmon.evaluation.association import explained_drifts
from airflow_mlmon.evaluation.consequence import output_shifts
from airflow_mlmon.evaluation.drift import ColumnHistory
from airflow_mlmon.evaluation.incidents import Incident, group_breaches
from airflow_mlmon.pipeline.baselines.choose import choose_baselines
from airflow_mlmon.pipeline.baselines.window import Span
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.reference import StoredReference, read_reference_sample
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import Verdict
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.spec.metrics import DRIFT
from airflow_mlmon.tasks.registry import task_of

_Columns = Mapping[str, ColumnProfile]


def find_incidents(
    run: Run,
    day: date,
    breaches: Sequence[Verdict],
    columns: Mapping[str, ColumnHistory],
    rows: tuple[StoredReference, Profile] | None,
) -> tuple[Incident, ...]:
    """Group the breaches of a day, the most important incident first.

    Args:
        run: the model.
        day: the day.
        breaches: the breaches.
        columns: the evidence of each column over the days.
        rows: the reference and the profile of the day's rows; None for the metrics of labels.
    """
    spec = run.spec
    shifts: Mapping[str, float] = {}
    explained: Collection[tuple[str, str]] = ()
    if rows is not None and breaches:
        reference, profile = rows
        chosen = choose_baselines(run, reference, Span(days=(day,)))
        baseline = {name: one.whole.columns[name] for one in chosen for name in one.facts.columns}
        shifts = _shifts(run, reference, profile, baseline, breaches)
        explained = _explained(run, reference, profile, baseline, breaches)
    incidents = group_breaches(breaches, columns, shifts, spec.outputs, texts=spec.derived, explained=explained)
    is_attributed = bool(spec.columns_of(Role.ATTRIBUTION))
    return tuple(replace(incident, is_attributed=is_attributed) for incident in incidents)


def _shifts(
    run: Run, reference: StoredReference, profile: Profile, baseline: _Columns, breaches: Sequence[Verdict]
) -> dict[str, float]:
    """Estimate the change of the mean output by each column in breach: by its attributions, else from a sample."""
    spec = run.spec
    output = task_of(spec).mean_output(spec)
    # a saturation is no column of the profile
    names = {str(breach.column) for breach in breaches if breach.column in profile.columns}
    names -= set(spec.outputs)
    if not names or (output is None and not spec.columns_of(Role.ATTRIBUTION)):
        return {}
    moved = attribution_shifts(spec, profile.columns, baseline)
    if moved or output is None:
        return {name: shift for name, shift in moved.items() if name in names}
    now = {name: profile.columns[name] for name in names}
    return output_shifts(read_reference_sample(run, reference), output[1], now, baseline)


def _explained(
    run: Run, reference: StoredReference, profile: Profile, baseline: _Columns, breaches: Sequence[Verdict]
) -> Collection[tuple[str, str]]:
    """Return the pairs of drifted columns of which the first's drift explains the second's."""
    drifted = list(dict.fromkeys(str(one.column) for one in breaches if one.metric == DRIFT and one.segment is None))
    if len(drifted) <= 1:
        return ()
    return explained_drifts(read_reference_sample(run, reference), drifted, profile.columns, baseline)
