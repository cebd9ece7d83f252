"""What is counted of the rows of a day while they are read, so that no later step reads them for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyarrow as pa

from airflow_mlmon.archive.curation.keyed import Watch
from airflow_mlmon.drift.rows.contents import ContentStream
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import StoredReference, ensure_reference
from airflow_mlmon.pipeline.workspace.row_contents import write_contents
from airflow_mlmon.profiles.engine.local import profile_parquet
from airflow_mlmon.profiles.engine.stream import ProfileStream
from airflow_mlmon.spec.druid import Engine


@dataclass(slots=True, kw_only=True)
class RowStreams:
    """Profile and contents of the rows of a day, as they come."""

    run: Run
    partition: Partition
    reference: StoredReference
    _profile: ProfileStream = field(init=False)
    _contents: ContentStream = field(init=False)

    @classmethod
    def of_day(cls, run: Run, partition: Partition) -> Self | None:
        """Return those of a day; None where Druid counts its rows."""
        if run.spec.druid.engine is not Engine.LOCAL:
            return None
        return cls(run=run, partition=partition, reference=ensure_reference(run, partition.day))

    def open(self) -> Watch:
        """Start with no rows, and return what is to be given them."""
        self._profile = ProfileStream(self.reference.schema, self.run.clock)
        self._contents = ContentStream(self.reference.rows.contents)
        return self._add

    def _add(self, rows: pa.Table) -> None:
        self._profile.add(rows)
        if self.reference.rows.contents:
            self._contents.add(rows)

    def write(self, version: str, curated: Path, *, is_whole: bool) -> None:
        """Write what was counted of a version; if rows were dropped since, its profile is counted from its file."""
        run, partition, schema = self.run, self.partition, self.reference.schema
        if is_whole:
            profile = self._profile.total()
        else:
            run.progress("profiling")
            profile = profile_parquet([curated], schema, clock=run.clock)
        run.files.write(profile_uri(run, partition, version, schema.id), profile.to_bytes())
        # without those of a day that dropped rows, its evaluation reads them
        if is_whole and self.reference.rows.contents:
            write_contents(run, partition, version, self.reference.rows, self._contents.total())
