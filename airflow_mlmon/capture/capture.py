"""Capture: the door through which a service logs its predictions."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from airflow_mlmon.capture.destination import open_destination
from airflow_mlmon.capture.queue import RowQueue
from airflow_mlmon.capture.rows import LoggedRow
from airflow_mlmon.capture.schema import CaptureSchema, read_schema
from airflow_mlmon.capture.writer import Writer


class Capture:
    """Rows that a service logs, written to the archive of its model in the background.

    `log` neither waits nor raises: what cannot be kept is counted, with the reason.

    Args:
        spec: spec of the model: its file, its content, or the schema read from it.
        destination: root of the archive, in the place of the one in `predictions.path`; None for that one.
        queue_rows: most rows that wait in memory.
        flush_seconds: age at which waiting rows are written.
        file_rows: most rows of a file.
    """

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | CaptureSchema,
        destination: str | Path | None = None,
        *,
        queue_rows: int = 20_000,
        flush_seconds: float = 30.0,
        file_rows: int = 10_000,
    ) -> None:
        self.schema = spec if isinstance(spec, CaptureSchema) else read_schema(spec)
        self.process = uuid.uuid4().hex[:12]
        root, _, folder = self.schema.path.partition("{")
        above, _, start = root.rpartition("/")
        self._sequence = itertools.count(1)
        self._queue = RowQueue(queue_rows)
        self._writer = Writer(
            self._queue,
            self.schema,
            open_destination(str(destination or above)),
            process=self.process,
            folder=f"{start}{{{folder}",
            seconds=flush_seconds,
            most=file_rows,
        )
        self._writer.start()

    def log(
        self,
        features: Mapping[str, Any],
        prediction: Any = None,
        *,
        id: str | None = None,  # noqa: A002 - the field's word
        version: str | None = None,
        at: float | None = None,
    ) -> str:
        """Log one prediction, and return its id, by which its label will be joined."""
        sequence = next(self._sequence)
        key = id or f"{self.process}-{sequence}"
        row = LoggedRow(sequence, time.time() if at is None else at, key, version, dict(features), prediction)
        self._queue.put(row)
        return key

    def close(self) -> None:
        """Write what waits, and end."""
        self._writer.close()

    def __enter__(self) -> Capture:  # noqa: PYI034 - Python 3.10 has no Self
        """Return the open capture."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
