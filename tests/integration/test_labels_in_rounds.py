"""A large delivery: its keys are sought a part at a time, with what is found at once, in memory for the part alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from airflow_mlmon.archive.sought_keys import Matched
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import take_delivery
from airflow_mlmon.pipeline.workspace import matched_keys
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.matched_keys import match_delivery, read_keys
from tests.support.base_day import LABELS, BaseArchive, day_of, day_table, labels_of, run_day

DAYS, UNKNOWN, PART, BATCH = 2, 90, 64, 32


@pytest.fixture(scope="module", params=["in the order of the rows", "in any order"])
def run(request, tmp_path_factory):
    """A delivery of the labels of two days and of unknown ids."""
    archive = BaseArchive(tmp_path_factory.mktemp("rounds"), labels=LABELS)
    unknown = day_table(day_of(9), UNKNOWN)
    tables = [*(day_table(day_of(offset)) for offset in range(DAYS)), unknown]
    for offset in range(DAYS):
        archive.write_day(day_of(offset))
    labels = pa.concat_tables(labels_of(table) for table in tables)
    if request.param == "in any order":
        labels = labels.take(pa.array(np.random.default_rng(3).permutation(labels.num_rows)))
    archive.write_labels(day_of(DAYS), labels)
    with archive.opened() as run:
        for offset in range(DAYS):
            run_day(run, day_of(offset))
        take_delivery(run, run.partition(day_of(DAYS)))
        yield run


def pairs(batches: Sequence[Matched]) -> list[tuple[int, int]]:
    return [pair for batch in batches for pair in zip(batch.positions.tolist(), batch.rows.tolist(), strict=True)]


@pytest.mark.parametrize("part", [PART, 10_000], ids=["rounds", "at-once"])
def test_every_prediction_gets_its_label(run: Run, monkeypatch, part):
    monkeypatch.setattr(matched_keys, "_AT_ONCE", part)
    monkeypatch.setattr(matched_keys, "_BATCH", BATCH)
    [delivery] = run.store.deliveries("m", day_of(DAYS), day_of(DAYS))
    states = run.store.states("m", day_of(0), day_of(DAYS - 1))
    days = {state.partition: str(state.version) for state in states}

    found = {day: list(batches) for day, batches in match_delivery(run, delivery, days)}

    keys = read_keys(run, delivery).combine_chunks()
    for day, version in days.items():
        rows = pc.index_in(read_curated(run, day, version, ["id"]).column("id"), keys).to_pylist()
        assert pairs(found[day]) == list(enumerate(rows))
        assert max(len(batch.rows) for batch in found[day]) == BATCH
