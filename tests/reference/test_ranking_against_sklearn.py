"""Every metric of a ranking, against scikit-learn and against a plain loop over the groups."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import ndcg_score, roc_auc_score

from airflow_mlmon.tasks.ranking.description import Ranking
from airflow_mlmon.tasks.ranking.metrics import random_scores
from tests.support.ranked import random_groups

CUTOFF = 5


def measured(table: pa.Table, cutoff: int = CUTOFF, coverage: float = 0.8) -> dict[str, float | None]:
    task = Ranking(cutoff=cutoff, coverage=coverage)
    outcomes = task.profile_outcomes(table, task.pin_outcomes({}, table))
    return {value.metric: value.value for value in task.measure(outcomes, 0.0)}


def groups_of(table: pa.Table, coverage: float = 0.8) -> list[tuple[np.ndarray, np.ndarray]]:
    """The scores and labels of each group that counts, by a loop."""
    frame = table.to_pandas()
    frame = frame[~frame["excluded"] & frame["score"].notna()]
    found = []
    for _, rows in frame.groupby("group"):
        known = rows[rows["label"].notna()]
        if len(known) >= 2 and len(known) >= coverage * len(rows):
            found.append((known["score"].to_numpy(), known["label"].to_numpy()))
    return found


def expected(groups: list[tuple[np.ndarray, np.ndarray]], k: int) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for scores, labels in groups:
        # the less relevant of equal scores first
        order = np.lexsort((labels, -scores))
        hits = [bool(label > 0) for label in labels[order]]
        places = [place for place, hit in enumerate(hits, 1) if hit]
        own = {
            "mrr": 1 / places[0] if places else 0.0,
            "hit_rate_at_k": float(any(hits[:k])),
            "precision_at_k": sum(hits[:k]) / min(k, len(hits)),
        }
        if places:
            own["ndcg_at_k"] = ndcg_score([labels], [scores], k=k)
            own["recall_at_k"] = sum(hits[:k]) / len(places)
            own["map_at_k"] = sum(sum(hits[:place]) / place for place in places if place <= k) / min(k, len(places))
        if places and len(places) < len(hits):
            own["group_auc"] = roc_auc_score(labels > 0, scores)
        for name, value in own.items():
            values.setdefault(name, []).append(value)
    return {name: float(np.mean(found)) for name, found in values.items()}


@pytest.mark.parametrize("size", [3, 20])
@pytest.mark.parametrize("k", [1, 5, 100])
def test_metrics_are_those_of_a_loop_with_scikit_learn(size, k):
    table = random_groups(3_000, seed=size, size=size)
    found = measured(table, k)

    for name, value in expected(groups_of(table), k).items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


def test_a_rank_orders_as_the_score_does_whose_place_it_is():
    table = random_groups(2_000, seed=3)
    frame = table.to_pandas()
    frame["score"] += np.random.default_rng(0).normal(scale=1e-6, size=len(frame))
    ranks = frame.groupby("group")["score"].rank(ascending=False)
    by_score = table.set_column(0, "score", pa.array(frame["score"]))
    by_rank = table.set_column(0, "score", pa.nulls(2_000, pa.float64())).set_column(1, "rank", pa.array(ranks))

    assert measured(by_score) == measured(by_rank)


@pytest.mark.parametrize("labels", [[1, 0, 0], [2, 0, 1, 0], [1, 1, 1], [3, 1, 0, 0, 0]])
@pytest.mark.parametrize("k", [1, 2, 10])
def test_a_random_order_scores_what_is_the_mean_over_all_orders(labels, k):
    task = Ranking(cutoff=k, coverage=0.0)
    rows = len(labels)

    def outcomes_of(scores: list[int]):
        columns = {
            "score": pa.array(scores, pa.float64()),
            "rank": pa.nulls(rows, pa.int64()),
            "group": ["g"] * rows,
            "item": pa.nulls(rows, pa.string()),
            "label": pa.array(labels, pa.float64()),
            "excluded": [False] * rows,
        }
        table = pa.table(columns)
        return task.profile_outcomes(table, task.pin_outcomes({}, table))

    orders = [outcomes_of(list(order)) for order in permutations(range(rows))]
    values = {value.metric: value.value for value in task.measure(task.sum_outcomes(orders), 0.0)}
    for name, value in random_scores(orders[0]).items():
        assert value == pytest.approx(values[name], abs=1e-9), name
