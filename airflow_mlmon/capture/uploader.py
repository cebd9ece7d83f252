"""Uploader: the thread that brings spooled files to the destination, and takes over those of processes that ended."""

from __future__ import annotations

import errno
import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timezone
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread

from airflow_mlmon.capture.complaints import Complaints
from airflow_mlmon.capture.destination import Destination, publish_file
from airflow_mlmon.capture.encoding import CapturedFile, FilePiece
from airflow_mlmon.capture.marks import SIDECARS, LostRows
from airflow_mlmon.capture.spool import DeadProcess, SpooledFile, SpoolFolder, read_spooled

LOOK_SECONDS = 30.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSALS = ("ACCESS_DENIED", "STATUS 401", "STATUS 403", "SIGNATURE", "NO_SUCH_BUCKET", "ACCESS KEY", "CREDENTIALS")


class Uploader:
    """Files of one process on their way from its spool to the destination.

    Args:
        model: name of the model.
        destination: where they go.
        folder: the day's folder of a time, relative to the destination's root.
        on_leave: called with the rows of every own file that has left the spool, and whether it is published.
        complaints: where failures are told.
    """

    def __init__(
        self,
        model: str,
        destination: Destination,
        folder: Callable[[datetime], str],
        on_leave: Callable[[int, bool], None],
        complaints: Complaints,
    ) -> None:
        self._model = model
        self._destination = destination
        self._folder = folder
        self._on_leave = on_leave
        self._complaints = complaints
        self._spool: SpoolFolder | None = None
        self._waiting: deque[SpooledFile] = deque()
        self._wake: SimpleQueue[Event | None] = SimpleQueue()
        self._asked: list[Event] = []
        self._pause = self._resume = self._look = 0.0
        self._is_ending = False
        self._last_moment = math.inf
        self.failures: Counter[str] = Counter()
        self.last_publish: float | None = None
        # of the writer and this thread, so that memory holds one upload
        self._turn = Lock()
        self.thread = Thread(target=self._run, name="mlmon-capture-upload", daemon=True)

    def start(self, spool: SpoolFolder | None) -> None:
        """Start the thread."""
        self._spool = spool
        self.thread.start()

    def add(self, spooled: SpooledFile) -> None:
        """Take on a file that the spool holds."""
        self._waiting.append(spooled)
        self._wake.put(None)

    def request(self, done: Event) -> None:
        """Set the event once every file taken on before is at the destination."""
        self._wake.put(done)

    def end(self) -> None:
        """End once everything is at the destination, or at the last moment."""
        self._is_ending = True
        self._resume = 0.0
        self._wake.put(None)

    def end_by(self, moment: float) -> None:
        """Set the last moment, in the time of `time.monotonic`."""
        self._last_moment = moment

    @property
    def is_pausing(self) -> bool:
        """Whether the last attempt failed, and the next one is yet to come."""
        return time.monotonic() < self._resume

    def publish_now(self, file: CapturedFile) -> str | None:
        """Publish a file that the spool could not take, and return None, or the reason why it is lost."""
        with self._turn:
            if self.is_pausing:
                # what was under way has failed meanwhile
                return "unreachable"
            try:
                publish_file(self._destination, file)
            except Exception as error:  # noqa: BLE001 - whatever a destination raises
                return self._fail(error)
            self._succeed()
            return None

    def _run(self) -> None:
        while not self._is_ending or (self._waiting and time.monotonic() < self._last_moment):
            self._wait()
            try:
                self._upload_own()
                self._look_around()
            except Exception as error:  # noqa: BLE001 - no error ends the thread
                self._fail(error)
        self._answer()

    def _look_around(self) -> None:
        if not (self._is_ending or self.is_pausing) and time.monotonic() >= self._look:
            self._look = time.monotonic() + LOOK_SECONDS
            self._upload_left()

    def _wait(self) -> None:
        """Wait for a file, a request, the end of a pause, or the time to look for what others left."""
        while True:
            until = min(self._resume if self._waiting else self._look, self._last_moment)
            try:
                request = self._wake.get(timeout=max(until - time.monotonic(), 0))
            except Empty:
                return
            if request is not None:
                self._asked.append(request)
            if not (self._waiting and self.is_pausing):
                return

    def _upload_own(self) -> None:
        while self._waiting:
            spooled = self._waiting[0]
            file = self._read(spooled)
            if file is not None and not self._upload(spooled, file):
                return
            self._waiting.popleft()
            self._on_leave(spooled.rows, file is not None)
        self._answer()

    def _answer(self) -> None:
        if not self._waiting:
            for asked in self._asked:
                asked.set()
            self._asked.clear()

    def _read(self, spooled: SpooledFile) -> CapturedFile | None:
        try:
            return read_spooled(spooled.path)
        except OSError as error:
            # somebody tidied up, or the disk is broken: the files after it shall not wait for it
            self._complaints.add("spool_lost", error)
            self._remove(spooled)
            return None

    def _remove(self, spooled: SpooledFile) -> None:
        try:
            if self._spool is not None:
                self._spool.remove(spooled)
        except OSError as error:
            # the next process publishes it once more, under the same name
            self._complaints.add("spool", error)

    def _upload(self, spooled: SpooledFile, file: CapturedFile) -> bool:
        with self._turn:
            try:
                publish_file(self._destination, file)
            except Exception as error:  # noqa: BLE001 - whatever a destination raises
                self._fail(error)
                return False
        self._remove(spooled)
        self._succeed()
        return True

    def _upload_left(self) -> None:
        """Publish what processes that have ended left in the spool, and what they lost."""
        try:
            for dead in self._spool.take_over() if self._spool is not None else ():
                if not self._upload_dead(dead):
                    return
        except OSError as error:
            self._complaints.add("spool", error)

    def _upload_dead(self, dead: DeadProcess) -> bool:
        for spooled in dead.files:
            file = self._read(spooled)
            if self._is_ending or (file is not None and not self._upload(spooled, file)):
                return False
            self._upload_own()
        if dead.counters.numbers and not dead.counters.is_closed and self.publish_now(self._lost(dead)):
            return False
        dead.forget()
        return True

    def _lost(self, dead: DeadProcess) -> CapturedFile:
        counters = dead.counters
        alive = datetime.fromtimestamp(counters.alive, timezone.utc)
        lost = LostRows(
            model=self._model,
            process=dead.folder.name,
            accepted=counters.numbers,
            published=counters.kept,
            lost=dead.lost,
            dropped=counters.untold,
            alive=alive.isoformat(),
        )
        name = f"{counters.folder or self._folder(alive)}{SIDECARS}/lost-{lost.process}.json"
        return CapturedFile(0, (FilePiece(name, lost.to_json()),))

    def _succeed(self) -> None:
        self._pause = self._resume = 0.0
        self.last_publish = time.time()

    def _fail(self, error: Exception) -> str:
        reason = reason_of(error)
        self.failures[reason] += 1
        self._complaints.add(reason, error)
        self._pause = FIRST_PAUSE if self._is_ending else min(LONGEST_PAUSE, max(FIRST_PAUSE, self._pause * 2))
        self._resume = time.monotonic() + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - spreads the load
        return reason


def reason_of(error: Exception) -> str:
    """Return the word for why a file could not be written or published."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return "disk_full"
    # what stands before it are names of objects
    said = str(error).upper().rpartition("AWS ERROR")[2]
    if isinstance(error, PermissionError) or any(word in said for word in _REFUSALS):
        return "refused"
    if isinstance(error, FileExistsError):
        return "name_taken"
    return "unreachable"
