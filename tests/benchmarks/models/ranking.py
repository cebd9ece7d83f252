"""Figures of rankings: errors against scikit-learn and a loop, false alarms, and faults that are found."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
import pyarrow as pa
from sklearn.metrics import ndcg_score, roc_auc_score

from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.ranking.description import Ranking
from tests.benchmarks.measured import Measured
from tests.benchmarks.models import days
from tests.benchmarks.models.days import Draw

TASK = Ranking(cutoff=10, has_items=False)
SIZE = 20
ERRORS = ("ndcg_at_k", "map_at_k", "mrr", "hit_rate_at_k", "precision_at_k", "recall_at_k", "group_auc")
_ROWS = 40_000
_DAILY = 0.1
_SKILL = 1.0
_HALF_SD, _TENTH = 0.5, 0.1


def error(metric: str) -> Measured:
    """The distance from the exact value, as a share of it."""
    values, exact = _compared()
    found = abs(float(values[metric].value or 0.0) - exact[metric]) / exact[metric]
    return Measured(figure=found, note=f"of {_ROWS:,} rows in groups of {SIZE}")


@cache
def _compared() -> tuple[dict[str, MetricValue], dict[str, float]]:
    table = _draw(np.random.default_rng(7), _ROWS, skill=_SKILL, daily=0.0)
    outcomes = TASK.profile_outcomes(table, TASK.pin_outcomes({}, table))
    found: dict[str, list[float]] = {}
    for _, rows in table.to_pandas().groupby("group"):
        own = _by_loop(rows["score"].to_numpy(), rows["label"].to_numpy(), TASK.cutoff)
        for name, value in own.items():
            found.setdefault(name, []).append(value)
    return (
        {value.metric: value for value in TASK.measure(outcomes, 0.5)},
        {name: float(np.mean(values)) for name, values in found.items()},
    )


def _by_loop(scores: np.ndarray, labels: np.ndarray, k: int) -> dict[str, float]:
    hits = [bool(label > 0) for label in labels[np.lexsort((labels, -scores))]]
    places = [place for place, hit in enumerate(hits, 1) if hit]
    found = {
        "mrr": 1 / places[0] if places else 0.0,
        "hit_rate_at_k": float(any(hits[:k])),
        "precision_at_k": sum(hits[:k]) / min(k, len(hits)),
    }
    if places:
        found["ndcg_at_k"] = float(ndcg_score([labels], [scores], k=k))
        found["recall_at_k"] = sum(hits[:k]) / len(places)
        found["map_at_k"] = sum(sum(hits[:at]) / at for at in places if at <= k) / min(k, len(places))
    if places and len(places) < len(hits):
        found["group_auc"] = float(roc_auc_score(labels > 0, scores))
    return found


def null_alarm() -> Measured:
    """Healthy days."""
    return days.null_alarm(TASK, _drawn())


def null_alarm_daily() -> Measured:
    """Healthy days on which the score's skill varies by 0.1 standard deviations of its noise."""
    return days.null_alarm(TASK, _drawn(daily=_DAILY))


def power() -> Measured:
    """Days on which NDCG is lower by half of its standard deviation between groups, and by a tenth of its value."""
    mean, deviation = _ndcg(_SKILL)
    half, tenth = (_skill_of(mean - lost) for lost in (_HALF_SD * deviation, _TENTH * mean))
    return days.power(TASK, _drawn(), {"loss of 0.5 sd": _drawn(skill=half), "loss of 10 %": _drawn(skill=tenth)})


@cache
def _ndcg(skill: float) -> tuple[float, float]:
    """Return the mean of NDCG at a skill, and its standard deviation between groups."""
    table = _draw(np.random.default_rng(3), 200_000, skill=skill, daily=0.0)
    outcomes = TASK.profile_outcomes(table, TASK.pin_outcomes({}, table))
    [value] = [value for value in TASK.measure(outcomes, 0.5) if value.metric == "ndcg_at_k"]
    return float(value.value or 0.0), TASK.scales(outcomes)["ndcg_at_k"]


def _skill_of(ndcg: float) -> float:
    """Find the skill at which NDCG has a value, by halving."""
    low, high = 0.0, _SKILL
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _ndcg(middle)[0] < ndcg else (low, middle)
    return low


def _drawn(*, skill: float = _SKILL, daily: float = 0.0) -> Draw:
    return partial(_draw, skill=skill, daily=daily)


def _draw(random: np.random.Generator, rows: int, *, skill: float, daily: float) -> pa.Table:
    """Draw groups with some relevant rows each, whose scores follow their appeal and noise."""
    appeal = random.normal(size=rows)
    return pa.table(
        {
            "score": (skill + daily * random.normal()) * appeal + random.normal(size=rows),
            "rank": pa.nulls(rows, pa.int64()),
            "group": np.arange(rows) // SIZE,
            "item": pa.nulls(rows, pa.string()),
            "label": np.clip(np.floor(appeal + random.normal(size=rows)), 0, 3),
            "excluded": np.zeros(rows, dtype=bool),
        }
    )
