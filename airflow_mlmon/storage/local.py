"""Local folder as an object store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from airflow_mlmon.errors import (
    ConfigError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.storage.objects import StoredObject
from airflow_mlmon.storage.scratch import FULL, locked_file, sweep

_WRITING = ".writing-"
_CHUNK = 1 << 20


class LocalStore:
    """Object store of local files; a URI is `file:///path` or a plain path."""

    def __init__(self) -> None:
        # folders without files of processes that were killed while they wrote
        self._swept: set[Path] = set()

    def list(self, folder: str) -> list[StoredObject]:
        """List the files below the folder, without those that are being written by `write` or `upload`.

        A path that is no folder is the beginning of names, as in an object store.
        """
        root = to_path(folder)
        begins = "" if folder.endswith("/") or root.is_dir() else root.name
        found = []
        for parent, folders, names in os.walk(root.parent if begins else root):
            if begins and Path(parent) == root.parent:
                folders[:] = [name for name in folders if name.startswith(begins)]
                names = [name for name in names if name.startswith(begins)]  # noqa: PLW2901 - as os.walk has it
            for name in names:
                # a file may be deleted while the folder is listed
                with suppress(FileNotFoundError):
                    if not name.startswith(_WRITING):
                        path = Path(parent, name)
                        stat = path.stat()
                        modified = datetime.fromtimestamp(stat.st_mtime, UTC)
                        found.append(StoredObject(str(path), stat.st_size, _etag(stat), modified))
        return sorted(found)

    def read(self, uri: str) -> bytes:
        """Read the bytes of a file."""
        with _mapped(uri):
            return to_path(uri).read_bytes()

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read a part of a file."""
        with _mapped(uri), to_path(uri).open("rb") as file:
            file.seek(start)
            return file.read(size)

    def write(self, uri: str, data: bytes) -> None:
        """Write beside the target, then rename, so that readers see the old file or the new one."""
        with self._replacing(uri) as file:
            file.write(data)

    def upload(self, uri: str, path: Path) -> None:
        """Copy beside the target, then rename, so that readers see the old file or the new one."""
        with path.open("rb") as source, self._replacing(uri) as file:
            shutil.copyfileobj(source, file, _CHUNK)

    def copy(self, source: str, target: str) -> None:
        """Copy beside the target, then rename."""
        with _mapped(source):
            self.upload(target, to_path(source))

    @contextmanager
    def _replacing(self, uri: str) -> Iterator[IO[bytes]]:
        """Yield a file that replaces the one at `uri` once it is complete and on the disk."""
        path = to_path(uri)
        with _mapped(uri):
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent not in self._swept:
                sweep(path.parent, _WRITING)
                self._swept.add(path.parent)
            with locked_file(path.parent, _WRITING) as file:
                try:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).chmod(0o644)
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink()
                    raise

    def delete(self, uri: str) -> None:
        """Delete the file, if it exists."""
        with _mapped(uri):
            to_path(uri).unlink(missing_ok=True)

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield the path of the file itself, and raise afterwards if it was written to meanwhile."""
        path = to_path(uri)
        with _mapped(uri):
            _demand_same(path, etag)
            path.open("rb").close()
        try:
            yield path
        except Exception:
            # what seems damaged may have been half written
            with _mapped(uri):
                _demand_same(path, etag)
            raise
        with _mapped(uri):
            _demand_same(path, etag)

    def url(self, uri: str, *, seconds: int) -> str:  # noqa: ARG002 - a file has no signature that ends
        """Return a file:// URL."""
        return to_path(uri).absolute().as_uri()


def to_path(uri: str) -> Path:
    """Convert a `file://` URI or a plain path to a path.

    Raises:
        ConfigError: it has a character that no path has.
    """
    if "\0" in unquote(uri):
        raise ConfigError(f"{uri!r} is no path: it has a NUL character.")
    if uri.startswith("file:"):
        return Path(unquote(urlsplit(uri).path))
    return Path(uri)


def _demand_same(path: Path, etag: str | None) -> None:
    if etag is not None and _etag(path.stat()) != etag:
        raise PartitionConflictError(f"{path} has changed since it was listed.", hint="rerun the partition")


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_size}-{stat.st_mtime_ns}"


@contextmanager
def _mapped(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"File {uri} does not exist.") from error
    except OSError as error:
        if error.errno in FULL:
            raise ServiceUnavailableError(
                f"The disk is full, so that {uri} cannot be written: {error.strerror}.",
                hint="free space there: `mlmon prune` deletes what is older than `retention` in the spec says",
                uri=uri,
            ) from error
        raise ServiceRejectedError(f"Cannot access {uri}: {error.strerror}.", uri=uri) from error
