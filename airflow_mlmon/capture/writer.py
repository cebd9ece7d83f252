"""Writer: the thread that turns queued rows into files, and hands them to the spool and the uploader."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event, Thread
from typing import Any

import pyarrow as pa

from airflow_mlmon.capture import lifecycle
from airflow_mlmon.capture.complaints import Complaints
from airflow_mlmon.capture.destination import open_destination
from airflow_mlmon.capture.encoding import CapturedFile, encode_end, encode_rows
from airflow_mlmon.capture.marks import Marks
from airflow_mlmon.capture.queue import CaptureLimits, RowQueue
from airflow_mlmon.capture.rows import CapturedRows
from airflow_mlmon.capture.spool import SpooledFile, SpoolFolder, SpoolFullError, choose_spool
from airflow_mlmon.capture.uploader import Uploader, reason_of

HEARTBEAT_SECONDS = 5.0
_LAST_SECONDS = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Writer:
    """What is behind the queue of one archive: rows come in at `queue`, files go out at the destination.

    Nothing runs before the first row. In a forked process it begins anew, as another process: the rows of the first
    are written by the first alone.

    Args:
        convert: makes the tables of the folders from rows; what it raises costs the rows that make it raise.
        destination: root of the archive.
        marks: marks of its files, of which model and protection are filled in.
        folder: folder of a time, relative to the root, with "/" at its end.
        file_format: `parquet` or `jsonl`.
        limits: how much may be held, and how long.

    Raises:
        CaptureError: capture does not write to such a destination.
    """

    def __init__(
        self,
        convert: Callable[[Sequence[Any]], CapturedRows],
        destination: str,
        *,
        marks: Marks,
        folder: Callable[[datetime], str],
        file_format: str = "parquet",
        limits: CaptureLimits | None = None,
    ) -> None:
        self._convert = convert
        self._destination = open_destination(destination)
        self._marks = marks
        self._folder = folder
        self._limits = limits or CaptureLimits()
        self._format = f"{file_format}.gz" if self._limits.gzip and file_format == "jsonl" else file_format
        self._spool_root = choose_spool(self._limits.spool, marks.model, f"{destination} {folder(_EPOCH)}")
        _load_all(marks, self._format)
        self.queue = RowQueue(self._limits, self._begin)
        self._prepare()
        lifecycle.watch(self)

    def flush(self, seconds: float | None = None) -> bool:
        """Write what waits; return whether it is all at the destination, or counted as lost, within the time."""
        if not self.queue.is_begun:
            return True
        done = Event()
        self.queue.request(done)
        return done.wait(self._limits.close_seconds if seconds is None else seconds)

    def begin_close(self, *, quiet: bool = False) -> None:
        """Take no more rows, and have the threads end."""
        self._complaints.is_quiet = quiet
        with self.queue.lock:
            self.queue.is_closed = True
        if self.queue.is_begun:
            self.queue.request()

    def close(self, seconds: float | None = None) -> None:
        """Write what waits, and end; what is not published within the time stays in the spool."""
        if not self.queue.is_closed:
            self.begin_close()
        if not self.queue.is_begun:
            return
        until = time.monotonic() + (self._limits.close_seconds if seconds is None else seconds)
        self._uploader.end_by(until)
        for thread in (self._thread, self._uploader.thread):
            if thread.ident is not None:
                thread.join(max(until - time.monotonic(), 0) + _LAST_SECONDS)
        self._leave()

    def renew(self) -> None:
        """Begin anew in a forked process."""
        self.queue.counters.release()
        self.queue.renew()
        self._prepare()

    @property
    def is_interrupted(self) -> bool:
        """Whether this thread holds the queue's lock: so it is only in a signal handler."""
        return self.queue.lock._is_owned()  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - as `Condition` asks

    def snapshot(self) -> dict[str, Any]:
        """Return what became of the rows of this process, as plain numbers."""
        queue, uploader = self.queue, self._uploader
        with queue.lock:
            counters = queue.counters
            return {
                "accepted": counters.numbers,
                "published": counters.published,
                "spooled": counters.kept - counters.published,
                "dropped": counters.dropped,
                "refused": dict(queue.refused),
                "skipped": dict(queue.skipped),
                "sampled_out": queue.sampled_out,
                "queue_rows": len(queue),
                "queue_bytes": queue.bytes,
                "spool_bytes": self._spool.bytes if self._spool else 0,
                "publish_failures": dict(uploader.failures),
                "last_publish": uploader.last_publish,
            }

    def _prepare(self) -> None:
        self._complaints = Complaints(self._marks.model)
        self._spool: SpoolFolder | None = None
        self._told_refused: Counter[str] = Counter()
        self._is_ended = self._is_left = False
        self._has_told_end = False
        self._thread = Thread(target=self._run, name="mlmon-capture", daemon=True)
        self._uploader = Uploader(
            self._marks.model, self._destination, self._folder, self._leave_spool, self._complaints
        )

    def _begin(self) -> None:
        lifecycle.join_process()
        self._thread.start()

    def _run(self) -> None:
        self._open_spool()
        self._uploader.start(self._spool)
        due = time.monotonic() + self._limits.flush_seconds
        while not self._is_ended:
            try:
                due = self._turn(due)
            except Exception as error:  # noqa: BLE001, PERF203 - no error ends the thread
                self._complaints.add("writer", error)
        self._uploader.end()

    def _turn(self, due: float) -> float:
        """Wait for work and do it; return when the rows that come next are due."""
        queue = self.queue
        request = queue.wait(max(min(due - time.monotonic(), HEARTBEAT_SECONDS), 0))
        is_closing = queue.is_closed
        is_due = is_closing or request is not None or time.monotonic() >= due
        with queue.lock:
            queue.counters.live(time.time())
        # what comes meanwhile waits for its own time, lest it go out in files of a few rows
        left = len(queue) if is_due else 0
        while (left > 0 or queue.has_full_file) and (rows := queue.take()):
            left -= len(rows)
            try:
                self._write(rows, is_last=is_closing and not queue.has_waiting)
            finally:
                queue.done()
                # the allocator would else keep what a file took, some 10 MB, for the next one
                pa.default_memory_pool().release_unused()
        if is_closing and not queue.has_waiting:
            self._end()
        if request is not None:
            self._uploader.request(request)
        return time.monotonic() + self._limits.flush_seconds if is_due else due

    def _write(self, rows: Sequence[Any], *, is_last: bool) -> None:
        try:
            converted = self._convert(rows)
        except Exception as error:  # noqa: BLE001 - one row may not cost the others
            self._complaints.add("unconvertible", error)
            if len(rows) == 1:
                self.queue.drop("unconvertible")
                return
            middle = len(rows) // 2
            self._write(rows[:middle], is_last=False)
            self._write(rows[middle:], is_last=is_last)
            return
        for reason, number in converted.lost.items():
            self.queue.drop(reason, number)
        for reason, number in converted.refused.items():
            self.queue.refuse(reason, number)
        numbers = [row.sequence for row in rows]
        parts = [part for part in converted.parts if part.table.num_rows]
        for place, part in enumerate(parts, 1):
            marks = self._mark(min(numbers), max(numbers), part.table.num_rows, is_last and place == len(parts))
            try:
                file = encode_rows(part.table, marks, part.folder, self._format)
            except Exception as error:  # noqa: BLE001 - as above
                self._complaints.add("unwritable", error)
                self.queue.drop("unwritable", part.table.num_rows)
                continue
            self._keep(file, marks, part.folder)

    def _end(self) -> None:
        """Tell that the process ends in order, and of what it lost, where no file of rows has."""
        numbers = self.queue.counters.numbers
        marks = self._mark(numbers, numbers, 0, is_closing=True)
        if not self._has_told_end or marks.dropped or marks.refused:
            folder = self.queue.counters.folder or self._folder(datetime.now(timezone.utc))
            self._keep(encode_end(marks, folder), marks, folder)
        self._is_ended = True

    def _mark(self, first: int, last: int, rows: int, is_closing: bool) -> Marks:  # noqa: FBT001
        with self.queue.lock:
            return replace(
                self._marks,
                process=self.queue.process,
                first=first,
                last=last,
                rows=rows,
                dropped=self.queue.counters.untold(),
                refused=dict(self.queue.refused - self._told_refused),
                bound=self._limits.queue_rows,
                closing=is_closing,
            )

    def _keep(self, file: CapturedFile, marks: Marks, folder: str) -> None:
        """Bring a file to safety, in the spool or else at the destination, or count its rows as lost."""
        queue = self.queue
        spooled, reason = self._spool_file(file)
        if spooled is None and not self._uploader.is_pausing:
            failed = self._uploader.publish_now(file)
            reason = (reason or failed) if failed else None
        with queue.lock:
            if spooled is None and reason is not None:
                if file.rows:
                    queue.drop(reason, file.rows)
                return
            queue.counters.keep(file.rows, spooled.serial if spooled else None)
            queue.counters.reach(folder)
            queue.counters.tell(marks.dropped)
            self._told_refused.update(marks.refused)
            self._has_told_end = marks.closing
            if spooled is None:
                queue.counters.publish(file.rows)
        if spooled is not None:
            self._uploader.add(spooled)

    def _spool_file(self, file: CapturedFile) -> tuple[SpooledFile | None, str | None]:
        """Return the spooled file, or why there is none; without a spool the reason is the destination's."""
        if self._spool is None:
            return None, "unreachable" if self._uploader.is_pausing else None
        try:
            return self._spool.add(file), None
        except OSError as error:
            reason = "spool_full" if isinstance(error, SpoolFullError) else "disk_full"
            self._complaints.add(reason, error)
            return None, reason

    def _leave_spool(self, rows: int, is_published: bool) -> None:  # noqa: FBT001
        with self.queue.lock:
            if is_published:
                self.queue.counters.publish(rows)
            else:
                self.queue.counters.keep(-rows, None)
                self.queue.drop("spool_lost", rows)

    def _open_spool(self) -> None:
        queue = self.queue
        try:
            spool = SpoolFolder(self._spool_root, queue.process, self._limits.spool_bytes)
            with queue.lock:
                queue.counters.move_to(spool.counter_file)
                queue.counters.live(time.time())
        except (OSError, ValueError) as error:
            self._complaints.add(f"no spool ({reason_of(error)})", error)
            return
        self._spool = spool

    def _leave(self) -> None:
        with self.queue.lock:
            if self._has_told_end:
                self.queue.counters.end()
            if self._is_left or self._thread.is_alive() or self._uploader.thread.is_alive():
                return
            self._is_left = True
            if self._spool is not None:
                self._spool.end()
            self.queue.counters.release()


def _load_all(marks: Marks, file_format: str) -> None:
    """Load now what pyarrow loads with its first array and file, pandas among it where that is installed.

    In the thread, a fork in the meantime would leave the child with an import that never ends.
    """
    encode_rows(pa.table({"loaded": pa.array([0.0])}), marks, "", file_format)
