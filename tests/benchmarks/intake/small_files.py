"""Days in very many small files: what each of them costs."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from airflow_mlmon.archive.curation.curate import required_columns
from airflow_mlmon.archive.curation.intake import take_in
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.layouts.layout import list_below
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage.local import LocalStore
from airflow_mlmon.tables.reading import Reading
from tests.benchmarks.intake.data import DAY, spec_text, write_day
from tests.benchmarks.measured import Measured

FILES, ROWS = 2_000, 10


def measure() -> Measured:
    """Measure the CPU of a file, milliseconds."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_day(folder / "day", FILES * ROWS, file_rows=ROWS)
        spec = parse_spec(spec_text(name), "m.yaml")
        partition, store = Partition.from_key("m", DAY), LocalStore()
        before = time.process_time()
        source = ListedSource(
            store=store,
            files=list_below(store, str(folder / "day")).files,
            columns=spec.predictions.columns,
            required=required_columns(spec, partition),
            reading=Reading.of(spec.predictions, columns=spec.predictions.columns),
        )
        (folder / "intake").mkdir()
        intake = take_in(source, spec, partition, hash_key=None, folder=folder / "intake")
        intake.accepted.rows.finish()
        seconds = time.process_time() - before
    if intake.accepted.rows.rows != FILES * ROWS:
        raise RuntimeError("rows are missing")
    return Measured(figure=1_000 * seconds / FILES, note=f"{FILES:,} files")
