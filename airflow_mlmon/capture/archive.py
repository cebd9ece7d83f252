"""Archive of one schema, as capture writes it: arrangement, conversion and writer together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_mlmon.capture.arrangement import Arrangement
from airflow_mlmon.capture.folders import ArchivePath
from airflow_mlmon.capture.marks import Marks, key_id
from airflow_mlmon.capture.protection import find_hash_key, protections
from airflow_mlmon.capture.queue import CaptureLimits
from airflow_mlmon.capture.ranges import Range, check_ranges
from airflow_mlmon.capture.rows import LoggedRow, RowConverter
from airflow_mlmon.capture.schema import CaptureSchema
from airflow_mlmon.capture.values import NO_ZONE, Unkept, to_time
from airflow_mlmon.capture.writer import Writer


class CapturedArchive:
    """Archive that rows are put into; a destination replaces the root of its path or, with placeholders, all of it."""

    def __init__(
        self,
        schema: CaptureSchema,
        destination: str | None,
        limits: CaptureLimits,
        *,
        hash_key: bytes | str | None = None,
        sample: float = 1.0,
        tags: Mapping[str, Any] | None = None,
        mark: str | None = None,
        ranges: Mapping[str, Range] | None = None,
        longest: int,
    ) -> None:
        key = find_hash_key(schema, hash_key)
        if destination is not None and "{" in destination:
            schema, destination = replace(schema, path=destination), None
        path = ArchivePath(schema, destination)
        protected = protections(schema)
        is_hashed = any(column.personal == "hash" for column in schema.columns.values())
        self.arrangement = Arrangement(schema, tags or {}, longest)
        self.convert = RowConverter(
            schema,
            path,
            key=key,
            mark=mark,
            ranges=None if mark is None else check_ranges(schema, mark, ranges),
        )
        marks = Marks(
            model=schema.model,
            process="",
            first=0,
            last=0,
            rows=0,
            protected=protected,
            key=key_id(key) if is_hashed and key else None,
            sampled=sample,
            roles={name: column.role for name, column in schema.kept.items() if column.role != "feature"},
        )
        self.writer = Writer(
            self.convert,
            path.root,
            marks=marks,
            folder=path.folder_at,
            file_format=schema.format,
            limits=limits,
        )

    def read_time(self, at: Any) -> int | str:
        """Return a moment in microseconds since 1970, or the reason for which a row without one is lost."""
        found = to_time(at, self.convert.zone, "s")
        if found is None or isinstance(found, Unkept):
            return "naive_time" if found == Unkept(NO_ZONE) else "bad_time"
        return found

    def put(self, values: list[Any], key: str | None, microseconds: int) -> None:
        """Queue a row of arranged values."""
        self.arrangement.set_key(values, key, microseconds)
        size = self.arrangement.bound(values)
        queue = self.writer.queue
        queue.put(LoggedRow(queue.number(), microseconds, tuple(values)), size)

    def drop(self, reason: str, rows: int = 1) -> None:
        """Count rows as lost."""
        queue = self.writer.queue
        for _ in range(rows):
            queue.number()
        queue.drop(reason, rows)
