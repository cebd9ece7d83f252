"""Metrics of a ranking: means over groups, of the first k rows of each (`cutoff` in the spec).

A row is relevant if its label is above 0. Groups below the label coverage, of one row, or with a label below 0 are
counted and in no mean; groups without a relevant row have neither NDCG, MAP, recall nor AUC, and count as 0 in the
others.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_mlmon.spec.metric import Measure, Metric, Worse
from airflow_mlmon.tasks.binary.table import METRICS as OF_SCORES
from airflow_mlmon.tasks.binary.table import SCORE_MEAN
from airflow_mlmon.tasks.regression.table import LABEL_MEAN
from airflow_mlmon.tasks.regression.table import METRICS as OF_NUMBERS

GROUPS = "groups"
NDCG, MAP, MRR = "ndcg_at_k", "map_at_k", "mrr"
HIT_RATE, PRECISION, RECALL = "hit_rate_at_k", "precision_at_k", "recall_at_k"
AUC = "group_auc"
ITEM_COVERAGE = "item_coverage"
POPULARITY_BIAS = "popularity_bias"
# groups that are in no mean, by the reason
LEFT_OUT: Mapping[str, str] = {
    "groups_unlabelled": "with a smaller share of labels than the label coverage",
    "groups_of_one": "of a single row",
    "groups_below_zero": "with a label below 0",
}
IRRELEVANT = "groups_irrelevant"


def _mean(title: str, description: str, measure: Measure = Measure.MEAN, *, is_share: bool = False) -> Metric:
    return Metric(
        title,
        description,
        is_share=is_share,
        needs_labels=True,
        of_model=True,
        measure=measure,
        worse=Worse.BELOW,
    )


def _count(title: str, description: str) -> Metric:
    return Metric(title, description, is_count=True, needs_labels=True)


METRICS: Mapping[str, Metric] = {
    SCORE_MEAN: OF_SCORES[SCORE_MEAN],
    LABEL_MEAN: OF_NUMBERS[LABEL_MEAN],
    GROUPS: _count("groups", "Groups that are ranked and have their labels."),
    IRRELEVANT: _count("groups without relevance", "Ranked groups without a relevant row."),
    **{name: _count(f"{name.replace('_', ' ')}", f"Groups {why}, in no mean.") for name, why in LEFT_OUT.items()},
    NDCG: _mean("NDCG@k", "Discounted gain of the first k rows, of the largest possible; ties share their gain."),
    MAP: _mean("MAP@k", "Mean of the precisions at the relevant rows among the first k."),
    MRR: _mean("MRR", "Mean of 1 / place of the first relevant row."),
    HIT_RATE: _mean("hit rate@k", "Share of the groups with a relevant row among the first k.", is_share=True),
    PRECISION: _mean("precision@k", "Share of the first k rows that are relevant.", is_share=True),
    RECALL: _mean("recall@k", "Share of the relevant rows that are among the first k.", is_share=True),
    AUC: _mean("AUC by group", "Mean over groups of the share of pairs in the right order; ties count half."),
    ITEM_COVERAGE: _mean(
        "item coverage", "Share of the items offered that are among the first k.", Measure.AREA, is_share=True
    ),
    POPULARITY_BIAS: Metric(
        "popularity bias",
        "Gini index of how often each item is among the first k; 0: equally often, 1: always the same.",
        needs_labels=True,
        of_model=True,
        measure=Measure.AREA,
        worse=Worse.ABOVE,
    ),
}
