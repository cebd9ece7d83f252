"""The DAG of labels in Airflow itself: it takes in the deliveries that no run has read."""

from __future__ import annotations

from tests.support.archive import FIRST, partition
from tests.support.nightly_model import evaluate_day
from tests.support.runs import local_archive, opened


def test_labels_dag_redoes_the_days_of_a_delivery(run_dag, tmp_path):
    archive = local_archive(tmp_path, 1)
    with opened(tmp_path, archive) as run:
        evaluate_day(run, partition(0))

    by_hand = ("  positive_name: repaid\n", "  positive_name: repaid\n  schedule: manual\n")
    done = run_dag(archive, partition(2).key, by_hand, dag_id="loans_labels")

    assert done["tasks"] == {"take_labels": "success", "day_evaluated": "success", "send_alerts": "success"}
    assert done["values"]["take_labels"] == {
        "delivered": {partition(1).key: 60, partition(2).key: 20},
        "told": {},
        "days": [str(FIRST)],
    }
    with opened(tmp_path, archive) as run:
        assert run.store.metrics("loans", FIRST, FIRST)[FIRST, "label_coverage", None] == 1
