"""The recipes of include/serving/recipes, run over an archive in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.records import PartitionState
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import to_bytes
from tests.support.base_day import FIRST, REFERENCE_DAYS, day_table, run_day
from tests.support.environments import ROOT
from tests.support.runs import write_file

RECIPES = ROOT / "include" / "serving" / "recipes"
BUCKET = "s3://acme-ml"


class Recipe:
    """Spec of a recipe, with a folder in the place of its bucket and the reference that it names."""

    def __init__(self, system: str, folder: Path, *replacements: tuple[str, str]) -> None:
        self.folder = folder
        self.root = folder / "archive"
        text = (RECIPES / system / "model.yaml").read_text()
        for old, new in ((BUCKET, str(self.root)), *replacements):
            assert old in text, old
            text = text.replace(old, new)
        self.spec_text = text
        self.spec_path = folder / "fraud.yaml"
        self.spec_path.write_text(text)
        past = [day_table(FIRST - timedelta(days=back)) for back in range(REFERENCE_DAYS, 0, -1)]
        self.write("fraud/training.parquet", to_bytes(pa.concat_tables(past)))

    def write(self, name: str, content: bytes) -> Path:
        """Write a file below the bucket."""
        write_file(f"{self.root}/{name}", content)
        return self.root / name

    @contextmanager
    def opened(self) -> Iterator[Run]:
        """The run of the model; store and workspace are in the folder."""
        with MetricStore(f"sqlite:///{self.folder / 'store.db'}") as store:
            workspace = str(self.folder / "workspace")
            spec = parse_spec(self.spec_text, "fraud.yaml")
            yield Run(spec=spec, storage=Storage(), store=store, workspace=workspace)

    def read_day(self, day: date) -> tuple[PartitionState, list[dict[str, Any]]]:
        """Run a day up to its verdicts; its record, and its curated rows in the order of the ids."""
        with self.opened() as run:
            state = run_day(run, day)
            rows = read_curated(run, run.partition(day), state.version).to_pylist()
        names = list(run.spec.predictions.columns)
        return state, sorted(rows, key=lambda row: str(row[names[0]]))


def noon_zone() -> str:
    """A zone in which it is noon now: tests with the clock of a real server do not run into midnight."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}"
