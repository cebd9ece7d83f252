"""One real model: days of a thousand rows with labels and a few drifted ones, run as they would be, and more to run."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.loading import load_spec
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.benchmarks.day.data import START, spec_text, write_day, write_reference

MODEL = "model_000"
RAN_DAYS, MORE_DAYS, REFERENCE_DAYS = 42, 7, 59
_ROWS, _NUMBERS = 1_000, 1
# an alert that came and went, and one that still holds
_DRIFTED = (12, 13, 14, 40, 41)
_SHIFT = 3.0


def day_at(number: int) -> date:
    """The day at a place in the order of the runs."""
    return START + timedelta(days=number)


def write_template(folder: Path) -> None:
    """Write the archive, and run its days but for the last ones, into a store and a workspace below `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    write_reference(folder / "archive", _ROWS, numbers=_NUMBERS)
    for number in range(RAN_DAYS + MORE_DAYS):
        files = write_day(folder / "archive", day_at(number), _ROWS, numbers=_NUMBERS)
        if number in _DRIFTED:
            _drift(files[0])
    text = spec_text(folder.resolve() / "archive", numbers=_NUMBERS).replace(
        "model: large", f"model: {MODEL}\nowner: risk"
    )
    (folder / "spec.yaml").write_text(text)
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        run = open_model(folder, store, folder / "workspace")
        for number in range(RAN_DAYS):
            run_partition(run, run.partition(day_at(number)))
        day = day_at(RAN_DAYS - 1)
        standing = [alert for alert in store.tracked_alerts(MODEL) if alert.resolved_on is None]
        seen = Action(kind=ActionKind.ACKNOWLEDGE, day=day, who="ana", why="seen", at=datetime.now(UTC))
        store.act(MODEL, [alert.fingerprint for alert in standing[:1]], seen)


def open_model(folder: Path, store: MetricStore, workspace: Path) -> Run:
    """Open the model on a store and a workspace."""
    return Run(spec=load_spec(folder / "spec.yaml"), store=store, storage=Storage(), workspace=str(workspace))


def _drift(file: Path) -> None:
    table = pq.read_table(file)
    place = table.schema.get_field_index("x0")
    pq.write_table(table.set_column(place, "x0", pc.add(table.column("x0"), pa.scalar(_SHIFT))), file)
