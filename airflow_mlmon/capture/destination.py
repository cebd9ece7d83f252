"""Destinations: where files of captured rows are published."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Protocol

from airflow_mlmon.capture.encoding import CapturedFile
from airflow_mlmon.capture.schema import CaptureError

# of file systems without hard links, such as a bucket that is mounted
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}


class Destination(Protocol):
    """Folder or bucket in which an object appears whole or not at all."""

    def publish(self, name: str, content: bytes) -> None:
        """Write an object; raise FileExistsError where another one has its name, and OSError if it fails."""


class LocalFolder:
    """Folder of this machine, or of a file system that is mounted here."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, name: str, content: bytes) -> None:
        """Write the object beside its place, and link it there: never over another one."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            write_durably(part, content)
            link_new(part, path, content)
        finally:
            part.unlink(missing_ok=True)


def open_destination(uri: str) -> Destination:
    """Open the destination of a path without placeholders, such as `s3://bucket/fraud/` or a folder.

    Raises:
        CaptureError: it is of a kind to which capture does not write.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return LocalFolder(Path(uri))
    if scheme == "file":
        return LocalFolder(Path(rest))
    if scheme in {"s3", "s3a"}:
        from airflow_mlmon.capture.s3 import S3Bucket  # noqa: PLC0415 - it imports this module

        return S3Bucket(f"s3://{rest}")
    raise CaptureError(f"{uri}: capture writes to a folder or to s3://; another store needs a mount or a sync")


def publish_file(destination: Destination, file: CapturedFile) -> None:
    """Publish the pieces of a file in their order, under another name where its own is taken.

    Raises:
        OSError: that fails.
    """
    try:
        _publish_pieces(destination, file)
    except FileExistsError:
        _publish_pieces(destination, file.renamed())


def write_durably(path: Path, content: bytes) -> None:
    """Write a new file, down to the disk."""
    with path.open("xb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())


def link_new(part: Path, path: Path, content: bytes) -> None:
    """Give a written file its name, unless the same content has it already.

    Raises:
        FileExistsError: other content has the name.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        if path.read_bytes() != content:
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_new(part, path, content)


def _rename_new(part: Path, path: Path, content: bytes) -> None:
    """Rename a file where there are no links; nobody else writes the name, which bears the id of the process."""
    if not path.exists():
        part.rename(path)
    elif path.read_bytes() != content:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _publish_pieces(destination: Destination, file: CapturedFile) -> None:
    for piece in file.pieces:
        destination.publish(piece.name, piece.content)
