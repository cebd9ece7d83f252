"""Every step after the join finds of days in shards what it finds of others, also where files cut the groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.workspace.curated import curated_uris
from tests.support.nightly_model import evaluate_day
from tests.support.searches import SearchArchive, opened_searches, search_day
from tests.support.sharded import prepare_in_shards

DAYS = 2


def found(folder: Path, prepare: Any, files: int) -> list[Any]:
    """What the store has of the days of a ranking after all of them were run."""
    archive = SearchArchive(folder / "archive")
    archive.write_reference()
    for offset in range(DAYS):
        archive.write_day(offset, noise=2.0 * offset)
    days = [search_day(offset) for offset in range(DAYS)]
    with opened_searches(folder, ("history:", "shards: {megabytes: 0.0001}\nhistory:")) as run:
        versions = [evaluate_day(run, day, prepare) for day in days]
        held = [len(curated_uris(run, day, version)) for day, version in zip(days, versions, strict=True)]
        store = run.store
        assert held == [files] * DAYS
        alerts = store.alerts(run.model, days[0].day, days[-1].day)
        return [alerts, *([store.metric_values(day), store.verdicts(day), store.checks(day)] for day in days)]


def test_a_ranking_whose_groups_lie_in_two_shards_is_measured_and_evaluated_as_in_one(tmp_path: Path):
    single = found(tmp_path / "single", prepare_partition, 1)
    sharded = found(tmp_path / "sharded", prepare_in_shards, 2)

    assert any(value.metric == "ndcg_at_k" and value.value for value in sharded[1][0])
    assert sharded == single
