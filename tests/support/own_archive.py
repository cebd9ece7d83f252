"""An archive of a model with a spec of its own, in a folder: a day's labels come on the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.archive import to_bytes
from tests.support.runs import write_file


@dataclass(frozen=True, kw_only=True)
class OwnArchive:
    """Writes an archive: the table of a day with its labels, and the column that they are in."""

    root: Path
    spec: str
    table: Callable[..., pa.Table]
    label: str
    first: date
    reference_days: int

    def write_reference(self, **changes: Any) -> None:
        days = [self.first - timedelta(days=n) for n in range(self.reference_days, 0, -1)]
        past = pa.concat_tables([self.table(day, **changes) for day in days])
        write_file(f"{self.root}/reference/part-0.parquet", to_bytes(past))

    def write_day(self, offset: int, **changes: Any) -> None:
        """Write a day and, on the next, its labels."""
        day = self.first + timedelta(days=offset)
        table = self.table(day, **changes)
        write_file(f"{self.root}/predictions/dt={day}/part-0.parquet", to_bytes(table.drop_columns([self.label])))
        labels = to_bytes(table.select(["id", self.label]))
        write_file(f"{self.root}/labels/dt={day + timedelta(days=1)}/of-{day}.parquet", labels)

    def spec_text(self, *replacements: tuple[str, str]) -> str:
        text = self.spec.format(root=self.root)
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        return text


@contextmanager
def opened_archive(folder: Path, model: str, text: str) -> Iterator[Run]:
    """The run of a model in a folder, which gets its spec."""
    (folder / f"{model}.yaml").write_text(text)
    with MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        yield Run(
            spec=parse_spec(text, f"{model}.yaml"), store=store, storage=Storage(), workspace=str(folder / "workspace")
        )
