"""The example of a text and an embedding runs its days."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Status, VerdictState
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from include.demo.announcements import announcement_objects
from include.demo.archive import to_parquet
from include.demo.flights import read_flights, serve
from tests.support.nightly_model import evaluate_day
from tests.support.runs import write_file

SPEC = Path(__file__).parents[2] / "include" / "models" / "flights_texts.yaml"
DAYS = [date(2013, 3, 4) + timedelta(days=offset) for offset in range(2)]
OF_TEXT = ("announcement.", "embedding")


def test_another_form_of_the_announcements_is_found(tmp_path):
    for key, content in announcement_objects(serve(read_flights(DAYS[0], DAYS[-1])), DAYS[-1]):
        write_file(f"{tmp_path}/archive/{key}", content)
    shout(tmp_path / "archive" / "flights_texts" / "predictions" / f"dt={DAYS[1]}" / "part-0.parquet")
    text = SPEC.read_text().replace("s3://mlmon-demo", f"{tmp_path}/archive")
    with MetricStore(f"sqlite:///{tmp_path / 'store.db'}") as store:
        run = Run(
            spec=parse_spec(text, SPEC.name), store=store, storage=Storage(), workspace=str(tmp_path / "workspace")
        )
        partitions = [Partition.of_day("flights_texts", day) for day in DAYS]
        for partition in partitions:
            evaluate_day(run, partition)
        states = [store.state(partition) for partition in partitions]
        breached = [
            {
                one.column
                for one in store.verdicts(partition)
                if one.state is VerdictState.BREACH and (one.column or "").startswith(OF_TEXT)
            }
            for partition in partitions
        ]

    assert [state.status for state in states if state] == [Status.OK] * len(DAYS)
    assert breached == [set(), {"announcement.upper", "announcement.pattern", "announcement.matches"}]


def shout(path: Path) -> None:
    """Write the announcements of a file in capitals; their embeddings stay."""
    rows = pq.read_table(path).to_pandas()
    schema = pq.read_schema(path)
    path.write_bytes(to_parquet(rows.assign(announcement=rows["announcement"].str.upper()), schema))
