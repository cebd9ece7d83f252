"""Performance of a ranking from its outcome profile: means over groups, with their normal intervals by groups."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.intervals import Interval, mean_interval_of_sums
from airflow_mlmon.tasks.coverage import measure_under_coverage, value_of
from airflow_mlmon.tasks.ranking.outcome import OFFERED, SHOWN, SumKeys
from airflow_mlmon.tasks.ranking.table import (
    AUC,
    GROUPS,
    HIT_RATE,
    IRRELEVANT,
    ITEM_COVERAGE,
    LEFT_OUT,
    MAP,
    MRR,
    NDCG,
    POPULARITY_BIAS,
    PRECISION,
    RECALL,
)
from airflow_mlmon.tasks.regression.table import LABEL_MEAN
from airflow_mlmon.tasks.sums import UNIT, OutcomeSums

BY_GROUP = (NDCG, MAP, MRR, HIT_RATE, PRECISION, RECALL, AUC)
# values that say how they vary
_FEWEST = 2
_NO_ITEM = "no row has an item"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean:
    """Mean of a metric over groups, or of the labels, with the standard deviation of one."""

    value: float
    deviation: float
    count: int

    @property
    def variance(self) -> float:
        """Variance of the mean."""
        return self.deviation**2 / self.count


def measure_ranking(profile: OutcomeSums, min_coverage: float, names: Sequence[str]) -> list[MetricValue]:
    """Measure the metrics with these names that need labels, in the order of their table."""
    found = measure_under_coverage(
        profile,
        min_coverage,
        of_labels=[_label_mean(profile), *_counts(profile)],
        performance=[*(_mean(profile, metric) for metric in BY_GROUP), *_items(profile)],
    )
    return [value for value in found if value.metric in names]


def random_scores(profile: OutcomeSums) -> Mapping[str, float]:
    """Return what a random order of the same groups is expected to score."""
    keys = {metric: SumKeys(metric=metric) for metric in BY_GROUP}
    return {
        metric: profile.sum(key.random) * UNIT / groups
        for metric, key in keys.items()
        if (groups := profile.sum(key.groups))
    }


def mean_of(profile: OutcomeSums, metric: str) -> GroupMean | None:
    """Return the mean of a metric by groups, or of the labels; None if its variance is unknown."""
    if metric == LABEL_MEAN:
        label = profile.label
        if not isinstance(label, NumericProfile) or label.mean is None or label.std is None:
            return None
        return GroupMean(value=label.mean, deviation=label.std, count=label.observed)
    count, total, squares = _moments(profile, metric)
    if count < _FEWEST:
        return None
    spread = max(squares - total * total / count, 0.0)
    return GroupMean(value=total / count, deviation=math.sqrt(spread / (count - 1)), count=count)


def group_scales(profile: OutcomeSums) -> Mapping[str, float]:
    """Return the standard deviation between groups of each metric that is a mean over them, and of the labels."""
    means = {metric: mean_of(profile, metric) for metric in (*BY_GROUP, LABEL_MEAN)}
    return {metric: found.deviation for metric, found in means.items() if found and found.deviation}


def _moments(profile: OutcomeSums, metric: str) -> tuple[int, float, float]:
    """Return the number of groups that have a metric, and the sums of its values and of their squares."""
    keys = SumKeys(metric=metric)
    return profile.sum(keys.groups), profile.sum(keys.total) * UNIT, profile.sum(keys.squares) * UNIT


def _label_mean(profile: OutcomeSums) -> MetricValue:
    label = profile.label
    rows = label.observed
    if not rows or not isinstance(label, NumericProfile):
        return MetricValue(metric=LABEL_MEAN, value=None, rows=0, reason="no labels")
    return MetricValue(metric=LABEL_MEAN, value=label.mean, rows=rows).within(label.mean_interval)


def _counts(profile: OutcomeSums) -> Iterator[MetricValue]:
    groups = profile.sum(GROUPS)
    irrelevant = groups - profile.sum(SumKeys(metric=NDCG).groups)
    counts = {GROUPS: groups, IRRELEVANT: irrelevant, **{name: profile.sum(name) for name in LEFT_OUT}}
    reason = "" if profile.labelled else "no labels"
    for metric, count in counts.items():
        yield MetricValue(metric=metric, value=None if reason else float(count), rows=profile.rows, reason=reason)


def _mean(profile: OutcomeSums, metric: str) -> MetricValue:
    groups, total, squares = _moments(profile, metric)
    measured = value_of(metric, total, groups, _why_none(profile))
    return measured.within(_within_bounds(mean_interval_of_sums(groups, total, squares)))


def _why_none(profile: OutcomeSums) -> str:
    """Say why no group has a metric."""
    if groups := profile.sum(GROUPS):
        return f"none of {groups} groups has both relevant and other rows"
    said = [f"{count} groups {why}" for name, why in LEFT_OUT.items() if (count := profile.sum(name))]
    return "; ".join(said) or "no row has a label, a group and a place"


def _within_bounds(interval: Interval | None) -> Interval | None:
    return interval and (max(interval[0], 0.0), min(interval[1], 1.0))


def _items(profile: OutcomeSums) -> Iterator[MetricValue]:
    """Measure the share of items shown, and the Gini index of how often (Fleder and Hosanagar, 2009)."""
    offered, shown = profile.tally(OFFERED), profile.tally(SHOWN)
    groups = profile.sum(GROUPS)
    yield value_of(ITEM_COVERAGE, len(shown), len(offered), _NO_ITEM, rows=groups)
    often = np.sort(shown.spread(offered.keys))
    items, total = len(often), int(often.sum())
    # with one item there is nothing to prefer
    is_measured = items > 1 and total > 0
    gini = 2 * float(np.sum(np.arange(1, items + 1) * often)) / (items * total) - (items + 1) / items if total else 0.0
    yield MetricValue(
        metric=POPULARITY_BIAS,
        value=gini if is_measured else None,
        rows=groups,
        reason="" if is_measured else "fewer than two items" if items else _NO_ITEM,
    )
