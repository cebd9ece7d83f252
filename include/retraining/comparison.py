"""Comparison of a canary with the champion on the days that both served: runs beside the monitoring."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any

from airflow_mlmon.pipeline.baselines.window_drift import required_reference
from airflow_mlmon.pipeline.deciding.champion_challenger import challenges
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.reports.versions import Challenge
from airflow_mlmon.spec.metric import Worse
from airflow_mlmon.tasks.contrast import Difference
from airflow_mlmon.tasks.registry import METRICS


class Outcome(StrEnum):
    """What the days so far say of the challenger."""

    WAITING = "waiting"
    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


def compare_canary(run: Run, version: str, *, metric: str, days: int, since: date, patience: int) -> dict[str, Any]:
    """Compare a version with the one that it is to replace, on all days so far that both served.

    Args:
        run: the model.
        version: the challenger.
        metric: the metric that decides, where its interval excludes zero.
        days: number of days, with labels, that are waited for.
        since: last day that was evaluated before the canary began.
        patience: number of days after which it is undecided for want of labels.
    """
    last = run.store.last_evaluated_day(run.model) or since
    found = next((one for one in challenges(run, required_reference(run), last) if one.challenger == version), None)
    deciding = next((one for one in found.differences if one.metric == metric), None) if found else None
    is_enough = found is not None and len(found.days) >= days and deciding is not None and deciding.after is not None
    if is_enough and deciding is not None:
        outcome = _outcome(deciding)
    else:
        outcome = Outcome.UNDECIDED if (last - since).days >= patience else Outcome.WAITING
    return {"outcome": outcome.value, "version": version, "metric": metric, "until": str(last), **_as_json(found)}


def _outcome(difference: Difference) -> Outcome:
    if not difference.is_apart:
        return Outcome.UNDECIDED
    is_above = (difference.difference or 0) > 0
    return Outcome.WORSE if is_above is (METRICS[difference.metric].worse is Worse.ABOVE) else Outcome.BETTER


def _as_json(found: Challenge | None) -> dict[str, Any]:
    if found is None:
        return {"champion": None, "days": [], "rows": [0, 0], "metrics": []}
    return {
        "champion": found.champion,
        "days": [str(day) for day in found.days],
        "rows": list(found.rows),
        "metrics": [
            {"metric": one.metric, "old": one.before, "new": one.after, "low": one.low, "high": one.high}
            for one in found.differences
            if one.difference is not None
        ],
    }
