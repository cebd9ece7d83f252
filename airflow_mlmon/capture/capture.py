"""Capture: the door through which a service logs its predictions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from airflow_mlmon.capture.marks import Marks
from airflow_mlmon.capture.queue import CaptureLimits
from airflow_mlmon.capture.rows import LoggedRow, to_parts
from airflow_mlmon.capture.schema import CaptureSchema, read_schema
from airflow_mlmon.capture.writer import Writer

_ROW_BYTES = 1_000


class Capture:
    """Rows that a service logs, written to the archive of its model in the background.

    `log` neither waits nor raises: what cannot be kept is counted, with the reason.

    Args:
        spec: spec of the model: its file, its content, or the schema read from it.
        destination: root of the archive, in the place of the one in `predictions.path`; None for that one.
        limits: how much may be held, and how long: fields of `CaptureLimits`.
    """

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | CaptureSchema,
        destination: str | Path | None = None,
        **limits: Any,
    ) -> None:
        self.schema = spec if isinstance(spec, CaptureSchema) else read_schema(spec)
        root, _, folder = self.schema.path.partition("{")
        above, _, start = root.rpartition("/")
        template = f"{start}{{{folder}"
        template = template if template.endswith("/") else f"{template}/"

        def folder_of(at: Any) -> str:
            return template.format(date=at.date())

        self._writer = Writer(
            partial(to_parts, schema=self.schema, folder=folder_of),
            str(destination or above),
            marks=Marks(model=self.schema.model, process="", first=0, last=0, rows=0),
            folder=folder_of,
            file_format=self.schema.format,
            limits=CaptureLimits(**limits),
        )

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
        queue = self._writer.queue
        number = queue.number()
        key = id or f"{queue.process}-{number}"
        row = LoggedRow(number, time.time() if at is None else at, key, version, dict(features), prediction)
        queue.put(row, _ROW_BYTES)
        return key

    @property
    def counters(self) -> dict[str, Any]:
        """What became of the rows of this process, as plain numbers."""
        return self._writer.snapshot()

    def flush(self, seconds: float | None = None) -> bool:
        """Write what waits; return whether it is all at the destination within the time."""
        return self._writer.flush(seconds)

    def close(self, seconds: float | None = None) -> None:
        """Write what waits, and end; what is not published within the time stays in the spool."""
        self._writer.close(seconds)

    def __enter__(self) -> Capture:  # noqa: PYI034 - Python 3.10 has no Self
        """Return the open capture."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
