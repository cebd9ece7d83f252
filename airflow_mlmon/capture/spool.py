"""Spool: the folder of this machine in which files wait until they can be published.

Every process has a folder of its own in it, with its counter file and the files that wait. The lock of the counter
file says that the process lives; a later one takes over the folders of those that ended.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from airflow_mlmon.capture.counters import COUNTER_FILE, DeadCounters, create_counter_file, lock_dead, read_dead, settle
from airflow_mlmon.capture.encoding import CapturedFile, FilePiece

_NAME = re.compile(r"(\d{8})-(\d+)\.spooled")
_LOOK_SECONDS = 5.0


class SpoolFullError(OSError):
    """The spool holds as many bytes as it may."""


class SpooledFile(NamedTuple):
    """File that waits: its serial number in its process, its rows, its bytes, and where it lies."""

    serial: int
    rows: int
    size: int
    path: Path


class SpoolFolder:
    """Folder of one process in the spool of an archive.

    Args:
        root: folder of the archive's spool, shared by all processes that capture into it.
        process: id of the process.
        bound: most bytes of all processes together.

    Raises:
        OSError: the folder cannot be made, or is another user's.
    """

    def __init__(self, root: Path, process: str, bound: int) -> None:
        self.root = root
        self.bound = bound
        self._folder = root / process
        self._serial = 0
        self._others = (0, -_LOOK_SECONDS)
        self._counting = Lock()
        self.bytes = 0
        _make_private(root)
        self._folder.mkdir(mode=0o700)
        self.counter_file = create_counter_file(self._folder)

    def add(self, file: CapturedFile) -> SpooledFile:
        """Keep a file on the disk.

        Raises:
            SpoolFullError: there is no room within the bound.
            OSError: the disk is full or refuses.
        """
        content = _pack(file)
        if self.bytes + len(content) + self._bytes_of_others() > self.bound:
            raise SpoolFullError(f"{self.root}: more than {self.bound} bytes")
        serial = self._serial + 1
        path = self._folder / f"{serial:08d}-{file.rows}.spooled"
        part = self._folder / f".{path.name}"
        try:
            part.write_bytes(content)
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._serial = serial
        with self._counting:
            self.bytes += len(content)
        return SpooledFile(serial, file.rows, len(content), path)

    def remove(self, spooled: SpooledFile) -> None:
        """Delete a file that is published, or cannot be read any more."""
        spooled.path.unlink(missing_ok=True)
        if spooled.path.parent == self._folder:
            with self._counting:
                self.bytes -= spooled.size

    def end(self) -> None:
        """Delete the folder if no file waits in it."""
        if not list_spooled(self._folder):
            shutil.rmtree(self._folder, ignore_errors=True)

    def take_over(self) -> Iterator[DeadProcess]:
        """Yield the folders of processes that have ended, each locked until the next one is asked for."""
        for folder in sorted(self.root.iterdir()):
            if folder == self._folder or (file := lock_dead(folder)) is None:
                continue
            try:
                yield _settled(folder, file)
            except ValueError:
                continue
            finally:
                os.close(file)

    def _bytes_of_others(self) -> int:
        size, looked = self._others
        now = time.monotonic()
        if now - looked >= _LOOK_SECONDS:
            folders = [folder for folder in self.root.iterdir() if folder != self._folder]
            size = sum(spooled.size for folder in folders for spooled in list_spooled(folder))
            self._others = (size, now)
        return size


class DeadProcess(NamedTuple):
    """What a process that has ended left in the spool."""

    folder: Path
    counters: DeadCounters
    files: list[SpooledFile]

    @property
    def lost(self) -> int:
        """Rows that died with its memory."""
        counters = self.counters
        return max(counters.numbers - counters.kept - sum(counters.dropped.values()), 0)

    def forget(self) -> None:
        """Delete its folder; the counter file goes last, so that a half-deleted folder is found again."""
        for path in self.folder.iterdir():
            if path.name != COUNTER_FILE:
                path.unlink()
        shutil.rmtree(self.folder)


def choose_spool(spool: str | Path | None, model: str, archive: str) -> Path:
    """Return the folder of an archive's spool: below the given one, or below that of temporary files."""
    above = Path(spool) if spool is not None else Path(tempfile.gettempdir()) / f"mlmon-capture-{os.getuid()}"
    digest = hashlib.sha256(archive.encode()).hexdigest()[:8]
    return above / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', model).lstrip('.')[:60]}-{digest}"


def read_spooled(path: Path) -> CapturedFile:
    """Read a file that waits.

    Raises:
        OSError: it is not there any more, or is none.
    """
    content = path.read_bytes()
    head, newline, body = content.partition(b"\n")
    try:
        header = json.loads(head) if newline else {}
        sizes = [(str(name), int(size)) for name, size in header["pieces"]]
        rows = int(header["rows"])
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(f"{path}: not a spooled file") from error
    pieces, start = [], 0
    for name, size in sizes:
        pieces.append(FilePiece(name, body[start : start + size]))
        start += size
    return CapturedFile(rows, tuple(pieces))


def list_spooled(folder: Path) -> list[SpooledFile]:
    """Return the files that wait in the folder of a process, oldest first."""
    try:
        found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    except OSError:
        # its process has just ended, and deleted it; or it is none
        return []
    return sorted(SpooledFile(int(match[1]), int(match[2]), _size_of(path), path) for match, path in found)


def _settled(folder: Path, file: int) -> DeadProcess:
    """Count the files that the process had no time to count, before any of them is published and deleted."""
    counters, files = read_dead(file), list_spooled(folder)
    if late := [found for found in files if found.serial > counters.serial]:
        kept = counters.kept + sum(found.rows for found in late)
        settle(file, kept, late[-1].serial)
        counters = read_dead(file)
    return DeadProcess(folder, counters, files)


def _pack(file: CapturedFile) -> bytes:
    header = {"rows": file.rows, "pieces": [(piece.name, len(piece.content)) for piece in file.pieces]}
    return b"".join([json.dumps(header).encode(), b"\n", *(piece.content for piece in file.pieces)])


def _make_private(root: Path) -> None:
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (root, root.parent) if root.parent.name.startswith("mlmon-capture-") else (root,):
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{folder}: another user's, or no folder")
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
