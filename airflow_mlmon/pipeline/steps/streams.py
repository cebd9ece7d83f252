"""What is counted of the rows of a day while they are read, so that no later step reads them for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

import pyarrow as pa

from airflow_mlmon.archive.curation.keyed import Watch
from airflow_mlmon.archive.layouts.layout import ListedFile
from airflow_mlmon.drift.rows.contents import ContentStream
from airflow_mlmon.drift.rows.evenly import step_of
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.even_rows import EvenRows, count_listed_rows
from airflow_mlmon.pipeline.workspace.losses import asked_columns
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference
from airflow_mlmon.pipeline.workspace.row_contents import write_contents
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.spec.druid import Engine


@dataclass(slots=True, kw_only=True)
class RowStreams:
    """Profile and contents of the rows of a day, as they come, and rows that are evenly spread over a large one.

    Attributes:
        run: The model.
        partition: The day.
        reference: Its reference.
        folder: A local folder for rows.
        rows: How many there seem to be; 0 if nothing tells.
    """

    run: Run
    partition: Partition
    reference: StoredReference
    folder: Path
    rows: int
    _profile: ProfileStream = field(init=False)
    _contents: ContentStream = field(init=False)
    _even: EvenRows | None = field(init=False)

    @classmethod
    def of_day(cls, run: Run, partition: Partition, files: Sequence[ListedFile], folder: Path) -> Self | None:
        """Return those of a day, whose rows are in these files; None where Druid counts its rows."""
        if run.spec.druid.engine is not Engine.LOCAL:
            return None
        reference, rows = ensure_reference(run, partition.day), count_listed_rows(run.archive, files)
        return cls(run=run, partition=partition, reference=reference, folder=folder, rows=rows)

    def open(self) -> Watch:
        """Start with no rows, and return what is to be given them."""
        self._profile = ProfileStream(self.reference.schema, self.run.clock)
        self._contents = ContentStream(self.reference.rows.contents)
        reference, is_large = self.reference, step_of(self.rows) > 1
        columns = asked_columns(self.run, reference.folder, reference.schema) if is_large else []
        self._even = EvenRows(Path(mkdtemp(dir=self.folder)), columns, self.rows) if columns else None
        return self._add

    def _add(self, rows: pa.Table) -> None:
        self._profile.add(rows)
        if self.reference.rows.contents:
            self._contents.add(rows)
        if self._even:
            self._even.add(rows)

    def write(self, version: str, curated: Path, *, is_whole: bool) -> None:
        """Write what was counted of a version; if rows were dropped since, its profile is counted from its file."""
        run, partition, schema = self.run, self.partition, self.reference.schema
        if is_whole:
            profile = self._profile.total()
        else:
            run.progress("profiling")
            profile = profile_parquet([curated], schema, clock=run.clock)
        run.files.write(profile_uri(run, partition, version, schema.id), profile.to_bytes())
        if is_whole and self._even:
            self._even.write(run, partition, version)
        # without those of a day that dropped rows, its evaluation reads them
        if is_whole and self.reference.rows.contents:
            write_contents(run, partition, version, self.reference.rows, self._contents.total())
