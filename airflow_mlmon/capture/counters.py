"""Counters of a process in a memory-mapped file, which outlives a process that is killed."""

from __future__ import annotations

import fcntl
import mmap
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

COUNTER_FILE = "counters"
MOST_REASONS = 60
OTHER = "other"
_MAGIC = 0x6D6C6D6F6E_01
_NUMBERS, _KEPT, _PUBLISHED, _ALIVE, _CLOSED = range(1, 6)
_TOTALS = 8
_TOLD = _TOTALS + MOST_REASONS
_NAMES = 8 * (_TOLD + MOST_REASONS)
_NAME_BYTES = 48
_FOLDER = _NAMES + MOST_REASONS * _NAME_BYTES
_FOLDER_BYTES = 512
_SIZE = _FOLDER + _FOLDER_BYTES
_ROWS = (1 << 40) - 1


class DeadCounters(NamedTuple):
    """What the counters of a process say after its end.

    Attributes:
        numbers: sequence numbers that it gave out.
        kept: rows in its files, published or spooled, of which the last has the serial number `serial`.
        serial: serial number of the last spooled file in `kept`.
        dropped: rows dropped, by reason.
        untold: those that none of its files tells of.
        alive: its last sign of life, in seconds since 1970.
        is_closed: whether it ended in order.
        folder: folder of its newest rows, relative to the destination; empty if it has published none.
    """

    numbers: int
    kept: int
    serial: int
    dropped: Mapping[str, int]
    untold: Mapping[str, int]
    alive: float
    is_closed: bool
    folder: str


class ProcessCounters:
    """Counters of this process, in plain memory until they are given a file.

    Each is one aligned word of eight bytes, so that a kill leaves none half written. `kept` shares its word with the
    serial number of the file that brought it there: whoever comes after the kill knows which files are in the count.
    The caller takes turns (`RowQueue` has the lock).
    """

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, _SIZE)
        self._cells = memoryview(self._map).cast("Q")
        self._slots: dict[str, int] = {}
        self._file: int | None = None
        self._cells[0] = _MAGIC
        self.folder = ""

    def move_to(self, file: int) -> None:
        """Go on in a file that is open and locked; it is closed with the counters."""
        moved = mmap.mmap(file, _SIZE)
        moved[:] = self._map[:]
        self._cells.release()
        self._map.close()
        self._map, self._file = moved, file
        self._cells = memoryview(moved).cast("Q")

    def number(self) -> int:
        """Return the next sequence number, from 1."""
        number = self._cells[_NUMBERS] + 1
        self._cells[_NUMBERS] = number
        return number

    def drop(self, reason: str, rows: int) -> None:
        """Count rows that are lost."""
        self._cells[_TOTALS + self._slot(reason)] += rows

    def keep(self, rows: int, serial: int | None) -> None:
        """Count rows that are safe in a file: the spooled one of that serial number, or a published one.

        Rows below 0 were, and are no more.
        """
        word = self._cells[_KEPT]
        serial = word >> 40 if serial is None else serial
        self._cells[_KEPT] = serial << 40 | (word & _ROWS) + rows

    def reach(self, folder: str) -> None:
        """Note the folder of rows that are kept, if it is the newest: the one that sorts last."""
        text = folder.encode()
        if folder > self.folder and len(text) <= _FOLDER_BYTES:
            self.folder = folder
            self._map[_FOLDER:_SIZE] = text.ljust(_FOLDER_BYTES, b"\0")

    def publish(self, rows: int) -> None:
        """Count rows that have come to the destination."""
        self._cells[_PUBLISHED] += rows

    def live(self, now: float) -> None:
        """Give a sign of life."""
        self._cells[_ALIVE] = int(now * 1000)

    def untold(self) -> dict[str, int]:
        """Return the rows lost, by reason, that no file tells of yet."""
        return _untold(self._cells, self._slots)

    def tell(self, told: Mapping[str, int]) -> None:
        """Note that a file tells of these lost rows."""
        for reason, rows in told.items():
            self._cells[_TOLD + self._slots[reason]] += rows

    def end(self) -> None:
        """Note that the process has ended in order."""
        self._cells[_CLOSED] = 1

    @property
    def numbers(self) -> int:
        """Sequence numbers given out."""
        return self._cells[_NUMBERS]

    @property
    def kept(self) -> int:
        """Rows in files, published or spooled."""
        return self._cells[_KEPT] & _ROWS

    @property
    def published(self) -> int:
        """Rows at the destination."""
        return self._cells[_PUBLISHED]

    @property
    def dropped(self) -> dict[str, int]:
        """Rows lost, by reason."""
        return {reason: self._cells[_TOTALS + slot] for reason, slot in self._slots.items()}

    def release(self) -> None:
        """Give the file and its lock back, and go on in plain memory."""
        if self._file is None:
            return
        file, self._file = self._file, None
        memory = mmap.mmap(-1, _SIZE)
        memory[:] = self._map[:]
        self._cells.release()
        self._map.close()
        self._map = memory
        self._cells = memoryview(memory).cast("Q")
        os.close(file)

    def _slot(self, reason: str) -> int:
        slot = self._slots.get(reason)
        if slot is None:
            if len(self._slots) >= MOST_REASONS - 1:
                reason = OTHER
            slot = self._slots.setdefault(reason, len(self._slots))
            name = reason.encode()[:_NAME_BYTES]
            start = _NAMES + slot * _NAME_BYTES
            self._map[start : start + len(name)] = name
        return slot


def create_counter_file(folder: Path) -> int:
    """Create the counter file of a process in its folder, locked before anyone can see it.

    Raises:
        OSError: the disk is full or refuses.
    """
    part = folder / f".{COUNTER_FILE}"
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # written, not only sized: a write into the map of a full disk would kill the process
        with os.fdopen(os.dup(file), "wb") as sink:
            sink.write(bytes(_SIZE))
        part.rename(folder / COUNTER_FILE)
    except OSError:
        os.close(file)
        part.unlink(missing_ok=True)
        raise
    return file


def lock_dead(folder: Path) -> int | None:
    """Return the open, locked counter file of a process that has ended, or None if it lives or has none.

    The lock tells, for a process id may be another's by now. Whoever closes the file gives the lock back.
    """
    try:
        file = os.open(folder / COUNTER_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def read_dead(file: int) -> DeadCounters:
    """Read the counters of a process that has ended.

    Raises:
        ValueError: it is not the counter file of this release.
    """
    content = os.pread(file, _SIZE, 0)
    if len(content) != _SIZE:
        raise ValueError("not a counter file")
    cells = memoryview(content).cast("Q")
    # a process may have died before it wrote anything
    if cells[0] not in (0, _MAGIC):
        raise ValueError("not a counter file, or of a later release")
    names = [content[start : start + _NAME_BYTES].rstrip(b"\0") for start in range(_NAMES, _FOLDER, _NAME_BYTES)]
    slots = {name.decode(errors="replace"): slot for slot, name in enumerate(names) if name}
    return DeadCounters(
        numbers=cells[_NUMBERS],
        kept=cells[_KEPT] & _ROWS,
        serial=cells[_KEPT] >> 40,
        dropped={reason: cells[_TOTALS + slot] for reason, slot in slots.items()},
        untold=_untold(cells, slots),
        alive=cells[_ALIVE] / 1000,
        is_closed=bool(cells[_CLOSED]),
        folder=content[_FOLDER:].rstrip(b"\0").decode(errors="replace"),
    )


def settle(file: int, kept: int, serial: int) -> None:
    """Write into the counter file of an ended process what its last files add to `kept`."""
    os.pwrite(file, (serial << 40 | kept).to_bytes(8, sys.byteorder), 8 * _KEPT)


def _untold(cells: memoryview, slots: Mapping[str, int]) -> dict[str, int]:
    untold = {reason: cells[_TOTALS + slot] - cells[_TOLD + slot] for reason, slot in slots.items()}
    return {reason: rows for reason, rows in untold.items() if rows > 0}
