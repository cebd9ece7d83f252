"""Writer: the thread that turns queued rows into published files."""

from __future__ import annotations

from threading import Event, Thread

import pyarrow as pa
import pyarrow.parquet as pq

from airflow_mlmon.capture.destination import Destination
from airflow_mlmon.capture.marks import METADATA_KEY, Marks
from airflow_mlmon.capture.queue import RowQueue
from airflow_mlmon.capture.rows import to_parts
from airflow_mlmon.capture.schema import CaptureSchema


class Writer:
    """Background thread of a capture."""

    def __init__(
        self,
        queue: RowQueue,
        schema: CaptureSchema,
        destination: Destination,
        *,
        process: str,
        folder: str,
        seconds: float,
        most: int,
    ) -> None:
        self._queue = queue
        self._schema = schema
        self._destination = destination
        self._process = process
        self._folder = folder
        self._seconds = seconds
        self._most = most
        self._is_closed = Event()
        self._thread = Thread(target=self._run, name="mlmon-capture", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._is_closed.set()
        self._queue.is_due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            self._queue.is_due.wait(self._seconds)
            self._queue.is_due.clear()
            self._write()

    def _write(self) -> None:
        while rows := self._queue.take(self._most):
            first, last = rows[0].sequence, rows[-1].sequence
            for part in to_parts(rows, self._schema):
                marks = Marks(
                    model=self._schema.model,
                    process=self._process,
                    first=first,
                    last=last,
                    rows=part.table.num_rows,
                    bound=self._queue.bound,
                )
                name = f"{self._folder.format(date=part.day)}{self._process}-{first:012d}.parquet"
                self._destination.publish(name, encode_parquet(part.table, marks))


def encode_parquet(table: pa.Table, marks: Marks) -> bytes:
    """Return a Parquet file of the rows with its marks."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: marks.to_json()}), sink, compression="zstd")
    return bytes(sink.getvalue())
