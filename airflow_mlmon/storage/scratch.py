"""Local files of a process: locked while it lives, and removed by the next one if it was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from airflow_mlmon.errors import ServiceUnavailableError

_PREFIX = "mlmon-scratch-"
_LOCK = ".lock"
# what the system says of a disk or a quota that is full
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty local folder, which is removed on exit; what killed processes left is removed first.

    Raises:
        ServiceUnavailableError: the disk is full.
    """
    root = Path(tempfile.gettempdir())
    sweep(root, _PREFIX)
    while True:
        with _full_disk_named(root), tempfile.TemporaryDirectory(prefix=_PREFIX) as name, _open_lock(name) as lock:
            if _hold(lock):
                content = Path(name, "content")
                content.mkdir()
                yield content
                return


@contextmanager
def scratch_file(suffix: str) -> Iterator[IO[bytes]]:
    """Yield an empty local file with a name, which is removed on exit.

    Raises:
        ServiceUnavailableError: the disk is full.
    """
    root = Path(tempfile.gettempdir())
    with _full_disk_named(root), locked_file(root, _PREFIX, suffix) as file:
        try:
            yield file
        finally:
            Path(file.name).unlink()


@contextmanager
def locked_file(folder: Path, prefix: str, suffix: str = "") -> Iterator[IO[bytes]]:
    """Yield a new file of the folder, which `sweep` leaves alone while it is open."""
    while True:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=prefix, suffix=suffix, delete=False) as file:
            if _hold(file):
                yield file
                return


def sweep(folder: Path, prefix: str) -> None:
    """Remove the files and folders with a prefix that no living process has locked."""
    for path in folder.glob(f"{prefix}*"):
        # of another user, just removed, or on a file system without locks
        with suppress(OSError):
            is_folder = path.is_dir() and not path.is_symlink()
            handle = os.open(path / _LOCK if is_folder else path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if is_folder else path.unlink()
            finally:
                os.close(handle)


def _open_lock(folder: str) -> IO[bytes]:
    return Path(folder, _LOCK).open("wb")


def _hold(file: IO[bytes]) -> bool:
    """Lock a new file, and return whether it is still there: another process may have swept it before."""
    # on a file system without locks nothing is swept
    with suppress(OSError):
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    return os.fstat(file.fileno()).st_nlink > 0


@contextmanager
def _full_disk_named(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise ServiceUnavailableError(
            f"The disk of {root} is full: {os.strerror(error.errno)}.",
            hint="free space there, or let TMPDIR name a larger disk; the rows of a day are written there first",
        ) from error
