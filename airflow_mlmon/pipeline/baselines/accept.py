"""Acceptance of a baseline, from a day that is not evaluated yet and with enough days behind it."""

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
    """Days that a baseline would consist of.

    Attributes:
        title: The title of the baseline.
        days: Number of days with a profile under the pinned schema.
        needed: The minimum for acceptance.
        missing: Days without such a profile, with the reason.
    """

    title: str
    days: int
    needed: int
    missing: Mapping[date, ProfileState]

    @property
    def shortage(self) -> str:
        """Return the reason why there are too few days; empty if there are enough."""
        if self.days >= self.needed:
            return ""
        runs = [
            f"{days[0]} to {days[-1]} ({state})" if len(days) > 1 else f"{days[0]} ({state})"
            for state, days in version_runs(self.missing)
        ]
        missing = f" Missing: {', '.join(runs)}." if runs else ""
        return f"{self.title}: {self.days} profiled days, at least {self.needed} are needed.{missing}"


def next_day(run: Run) -> date:
    """Return the day after the last evaluated one; before that, the first day of the spec."""
    last = run.store.last_evaluated_day(run.model)
    return run.spec.start if last is None else last + DAY


def weigh(run: Run, baseline: Baseline, day: date) -> Evidence:
    """Collect the stored days of which a baseline would consist on a day.

    The baseline of the previous day is evaluated by the distances of neighbours in the trailing days, and depends on
    those. A baseline of fewer days than the spec's minimum needs all of them, a range of days the minimum; the
    reference needs only itself.

    Raises:
        StateError: the spec has changed since its profile schema was pinned.
    """
    if baseline.kind is BaselineKind.REFERENCE:
        return Evidence(title=baseline.title(), days=0, needed=0, missing={})
    days = _days_behind(run.spec, baseline, day)
    stored = stored_profiles(run, required_reference(run), days)
    minimum = run.spec.history.minimum
    rolls = baseline.kind in {BaselineKind.TRAILING, BaselineKind.SAME_WEEKDAY}
    return Evidence(
        title=baseline.title(),
        days=sum(found.profile is not None for found in stored),
        needed=min(minimum, len(days)) if rolls else minimum,
        missing={found.day: found.state for found in stored if found.profile is None},
    )


def accept(
    run: Run, baseline: Baseline, *, version: str | None, first: date | None, who: str, why: str, at: datetime
) -> BaselinePin:
    """Pin a baseline for the model, or for one version of it.

    Args:
        run: the model.
        baseline: the baseline of its days.
        version: its version; None for the whole model.
        first: the first day that is compared with it; by default the day after the last evaluated one.
        who: the person who accepts it.
        why: the reason.
        at: the time.

    Raises:
        ConfigError: a text is empty, the spec has no versions, or a range of days is not complete yet.
        StateError: the day is already evaluated, too few days are profiled, or another baseline was accepted meanwhile.
    """
    require_version(run.spec, version)
    for name, text in (("who", who), ("why", why)):
        if not text.strip():
            raise ConfigError(f"The acceptance of a baseline needs a name and a reason; {name} is empty.")
    pins = run.store.baselines(run.model)
    following = next_day(run)
    if baseline.dates is not None and baseline.dates.last >= following:
        raise ConfigError(
            f"The range ends on {baseline.dates.last}, after the last evaluated day {following - DAY}.",
            hint="give a range of evaluated days",
        )
    if shortage := weigh(run, baseline, following).shortage:
        raise StateError(
            shortage,
            hint="run days with `mlmon backfill`, or profile them under the pinned schema with `mlmon reprofile`",
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
    """Raise an error for a version if the spec has none.

    Raises:
        ConfigError: the name is empty, or no column has the role version.
    """
    if version is None:
        return
    if not version:
        raise ConfigError("The name of the version is empty.", hint="leave it out for the whole model")
    if spec.column_of(Role.VERSION) is None:
        raise ConfigError(f"The spec of {spec.model} has no column with `role: version`.")


def _days_behind(spec: ModelSpec, baseline: Baseline, day: date) -> Sequence[date]:
    if baseline.kind is not BaselineKind.PREVIOUS:
        return baseline.days(day)
    return dates_before(day, spec.history.days)
