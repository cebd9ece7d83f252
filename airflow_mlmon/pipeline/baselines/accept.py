"""Accepts a baseline: from a day on that nobody has judged yet, and with enough nights behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.errors import ConfigError, StateError
from airflow_mlmon.partition import DAY, dates_before
from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.stored_profiles import ProfileState, stored_profiles
from airflow_mlmon.reports.wording import version_runs
from airflow_mlmon.spec import ModelSpec, Role
from airflow_mlmon.spec.baseline import Baseline, BaselineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The nights that a baseline would rest on.

    Attributes:
        title: The baseline in words.
        nights: How many of them have a profile under the pinned layout.
        needed: With fewer than this it is not accepted.
        missing: Those that have none, with the reason.
    """

    title: str
    nights: int
    needed: int
    missing: Mapping[date, ProfileState]

    @property
    def shortage(self) -> str:
        """In words, why that is too little; nothing when it is enough."""
        if self.nights >= self.needed:
            return ""
        runs = [
            f"{days[0]} to {days[-1]} ({state})" if len(days) > 1 else f"{days[0]} ({state})"
            for state, days in version_runs(self.missing)
        ]
        missing = f" Missing: {', '.join(runs)}." if runs else ""
        return f"{self.title}: {self.nights} profiled nights, at least {self.needed} are needed.{missing}"


def next_day(run: Run) -> date:
    """The day after the last judged night; before the first one, the first day of the spec."""
    last = run.store.last_judged_day(run.model)
    return run.spec.start if last is None else last + DAY


def weigh(run: Run, baseline: Baseline, day: date) -> Evidence:
    """What is stored of the nights that a baseline would be made of on a day.

    The night before is judged by how far neighbours lie in the trailing nights, so it rests on those.
    A baseline that asks for fewer nights than the spec's minimum needs all of them, a range of days
    as many as the minimum; the reference needs none but its own.

    Raises:
        StateError: the spec has changed since its layout was pinned.
    """
    if baseline.kind is BaselineKind.REFERENCE:
        return Evidence(title=baseline.title(), nights=0, needed=0, missing={})
    days = _days_behind(run.spec, baseline, day)
    stored = stored_profiles(run, required_reference(run), days)
    minimum = run.spec.history.minimum
    rolls = baseline.kind in {BaselineKind.TRAILING, BaselineKind.SAME_WEEKDAY}
    return Evidence(
        title=baseline.title(),
        nights=sum(found.profile is not None for found in stored),
        needed=min(minimum, len(days)) if rolls else minimum,
        missing={found.day: found.state for found in stored if found.profile is None},
    )


def accept(
    run: Run, baseline: Baseline, *, version: str | None, first: date | None, who: str, why: str, at: datetime
) -> BaselinePin:
    """Pin a baseline for the model, or for one version of it.

    Args:
        run: the model.
        baseline: what its nights are compared with.
        version: the version that it is for; None for the whole model.
        first: the first day that is compared with it; by default the day after the last judged night.
        who: who accepts it.
        why: the reason.
        at: the moment.

    Raises:
        ConfigError: a text is empty, the spec has no versions, or a range of days would still grow.
        StateError: the day was judged, or too few nights are profiled; or another was accepted meanwhile.
    """
    require_version(run.spec, version)
    for name, text in (("who", who), ("why", why)):
        if not text.strip():
            raise ConfigError(f"A baseline is accepted by somebody for a reason, and {name} is empty.")
    pins = run.store.baselines(run.model)
    following = next_day(run)
    if baseline.dates is not None and baseline.dates.last >= following:
        raise ConfigError(
            f"The range ends on {baseline.dates.last}, and the last judged night is {following - DAY}: it would grow.",
            hint="give days that were judged",
        )
    if shortage := weigh(run, baseline, following).shortage:
        raise StateError(
            shortage, hint="`mlmon backfill` runs nights, `mlmon reprofile` carries the pinned layout to them"
        )
    pin = BaselinePin(
        number=pins[-1].number + 1 if pins else 1,
        version=version,
        baseline=baseline,
        first=first or following,
        who=who.strip(),
        why=why.strip(),
        accepted_at=at,
    )
    run.store.save_baseline(run.model, pin)
    return pin


def require_version(spec: ModelSpec, version: str | None) -> None:
    """Refuse a version where the spec has none.

    Raises:
        ConfigError: the name is empty, or no column has the role version.
    """
    if version is None:
        return
    if not version:
        raise ConfigError("The name of the version is empty.", hint="leave it out to mean the whole model")
    if spec.column_of(Role.VERSION) is None:
        raise ConfigError(f"The spec of {spec.model} has no column with `role: version`.")


def _days_behind(spec: ModelSpec, baseline: Baseline, day: date) -> Sequence[date]:
    if baseline.kind is not BaselineKind.PREVIOUS:
        return baseline.days(day)
    return dates_before(day, spec.history.nights)
