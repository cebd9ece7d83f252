"""Small days on which nothing happens, through every step: neither a verdict nor an inferred check makes an alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import to_bytes
from tests.support.drawn import draw, spec
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

DAYS = 20
ROWS = 50
# of each of the three kinds, 1 % of each column empty
EACH = 4
START = date(2026, 1, 1)


def table(random: np.random.Generator, day: date, rows: int) -> pa.Table:
    """A day as it is archived."""
    drawn = draw(random, rows, each=EACH).table(random)
    times = pa.array(np.datetime64(day) + np.sort(random.integers(0, 86_400, rows)).astype("m8[s]"))
    return drawn.append_column("id", pa.array([f"{day}-{at}" for at in range(rows)])).append_column(
        "at", times.cast(pa.timestamp("us", "UTC"))
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[Run]:
    folder: Path = tmp_path_factory.mktemp("healthy")
    random = np.random.default_rng(1)
    declared = spec(EACH).model_dump(mode="json", by_alias=True, exclude_none=True)
    declared["predictions"]["path"] = f"{folder}/predictions/{{date}}"
    declared["reference"] |= {"path": f"{folder}/reference", "dated": False}
    write_file(f"{folder}/reference/a.parquet", to_bytes(draw(random, 5_000, each=EACH).table(random)))
    for offset in range(DAYS):
        day = START + timedelta(days=offset)
        write_file(f"{folder}/predictions/{day}/a.parquet", to_bytes(table(random, day, ROWS)))
    with MetricStore(f"sqlite:///{folder}/store.db") as store:
        yield Run(
            spec=ModelSpec.model_validate(declared), store=store, storage=Storage(), workspace=f"{folder}/workspace"
        )


def test_healthy_days_alarm_no_more_often_than_the_rate(run):
    for offset in range(DAYS):
        evaluate_day(run, Partition.of_day("healthy", START + timedelta(days=offset)))
    alerts = run.store.alerts("healthy", START, START + timedelta(days=DAYS), include_resolved=True)

    # 5 % of 20 days, and two standard deviations of that
    assert len({alert.partition.day for alert in alerts}) <= 3, [alert.text for alert in alerts]
    assert {state.status.value for state in run.store.states("healthy", START, START + timedelta(days=DAYS))} == {"OK"}
