"""Queue between the service and the writer, bounded in rows and in bytes."""

from __future__ import annotations

import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, RLock
from typing import Any, Protocol

from airflow_mlmon.capture.counters import ProcessCounters
from airflow_mlmon.capture.schema import CaptureError


class Sequenced(Protocol):
    """Whatever a queue holds: it bears its sequence number."""

    @property
    def sequence(self) -> int:
        """Number of the call that logged it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureLimits:
    """How much capture may hold, how long, and how its files are packed.

    Attributes:
        queue_rows: most rows in memory, those that are being written included.
        queue_bytes: their most bytes, roughly.
        flush_seconds: age at which waiting rows are written.
        file_rows: most rows of a file.
        file_bytes: most bytes of the rows of a file, as they lie in memory.
        spool: folder for files that cannot be published yet; None for one in the folder of temporary files.
        spool_bytes: most bytes of all files in the spool folder.
        close_seconds: how long the end of a process waits for files to be published; what is left stays in the spool.
        gzip: whether files of JSON Lines are compressed; those of Parquet always are.
    """

    queue_rows: int = 20_000
    queue_bytes: int = 8 << 20
    flush_seconds: float = 30.0
    file_rows: int = 10_000
    file_bytes: int = 2 << 20
    spool: str | Path | None = None
    spool_bytes: int = 256 << 20
    close_seconds: float = 5.0
    gzip: bool = False

    def __post_init__(self) -> None:
        """Refuse a limit that holds nothing."""
        for name in ("queue_rows", "queue_bytes", "flush_seconds", "file_rows", "file_bytes"):
            if not getattr(self, name) > 0:
                raise CaptureError(f"{name}: {getattr(self, name)}: more than 0 is expected")


class RowQueue:
    """Rows that wait to be written; it never blocks whoever puts one in, and counts what it cannot hold.

    It owns the process's id and sequence numbers. Everything here may be called from a signal handler that interrupts
    a call of the same thread: the lock is reentrant, and `SimpleQueue.put` is.

    Args:
        limits: how much it may hold.
        begin: called once in a process, by whoever is the first to ask for a number; it starts the writer.
    """

    def __init__(self, limits: CaptureLimits, begin: Callable[[], None]) -> None:
        self.limits = limits
        self._begin = begin
        self.renew()

    def renew(self) -> None:
        """Start anew as another process: after a fork, in the child."""
        self.process = uuid.uuid4().hex[:12]
        self.lock = RLock()
        self.counters = ProcessCounters()
        self.skipped: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.sampled_out = 0
        self.is_closed = False
        self.is_begun = False
        self._is_woken = False
        self._rows: deque[tuple[Any, int]] = deque()
        self._bytes = 0
        self._in_work = (0, 0)
        self._wake: SimpleQueue[Event | None] = SimpleQueue()

    def number(self) -> int:
        """Return the next sequence number of the process, from 1; whoever takes one puts a row in, or drops one."""
        with self.lock:
            if not (self.is_begun or self.is_closed):
                self.is_begun = self._try_to_begin()
            return self.counters.number()

    def _try_to_begin(self) -> bool:
        try:
            self._begin()
        except RuntimeError:
            # no thread can be started now: the process is at its end, or at a limit of its user
            return False
        return True

    def put(self, row: Sequenced, size: int) -> bool:
        """Append a row of about so many bytes, or count it as dropped and return False where there is no room."""
        limits = self.limits
        with self.lock:
            if self.is_closed or not self.is_begun:
                return self.drop("closed" if self.is_closed else "no_thread")
            rows, waiting = len(self._rows) + self._in_work[0], self._bytes + size
            if rows >= limits.queue_rows or waiting + self._in_work[1] > limits.queue_bytes:
                return self.drop("queue_full")
            self._rows.append((row, size))
            self._bytes = waiting
            if not self._is_woken and self.has_full_file:
                self._is_woken = True
                self._wake.put(None)
        return True

    def drop(self, reason: str, rows: int = 1) -> bool:
        """Count rows, which have their numbers, as lost; return False."""
        with self.lock:
            self.counters.drop(reason, rows)
        return False

    def sample_out(self, rows: int = 1) -> None:
        """Count rows that the sampling leaves out; they take no number."""
        with self.lock:
            self.sampled_out += rows

    def skip(self, reason: str, requests: int = 1) -> None:
        """Count requests that never became rows."""
        with self.lock:
            self.skipped[reason] += requests

    def refuse(self, reason: str, values: int = 1) -> None:
        """Count values that could not be kept, of rows that could."""
        with self.lock:
            self.refused[reason] += values

    def request(self, request: Event | None = None) -> None:
        """Wake the writer; it sets the event once everything that waits now has been dealt with."""
        self._wake.put(request)

    def wait(self, seconds: float) -> Event | None:
        """Wait until somebody wakes the writer, at most so long; return what is asked for."""
        try:
            request = self._wake.get(timeout=seconds)
        except Empty:
            return None
        if request is None:
            self._is_woken = False
        return request

    def take(self) -> list[Any]:
        """Move the oldest rows, at most those of one file, into work; `done` ends it."""
        limits, size = self.limits, 0
        taken: list[Any] = []
        with self.lock:
            while self._rows and len(taken) < limits.file_rows and size < limits.file_bytes:
                row, row_bytes = self._rows.popleft()
                taken.append(row)
                size += row_bytes
            self._bytes -= size
            self._in_work = (len(taken), size)
        return taken

    def done(self) -> None:
        """Note that the rows in work are safe or counted as lost."""
        with self.lock:
            self._in_work = (0, 0)

    @property
    def has_waiting(self) -> bool:
        """Whether rows wait."""
        return bool(self._rows)

    @property
    def has_full_file(self) -> bool:
        """Whether the rows of a whole file wait."""
        return len(self._rows) >= self.limits.file_rows or self._bytes >= self.limits.file_bytes

    @property
    def bytes(self) -> int:
        """Bytes of the rows in memory, roughly."""
        return self._bytes + self._in_work[1]

    def __len__(self) -> int:
        """Return the number of rows in memory."""
        return len(self._rows) + self._in_work[0]
