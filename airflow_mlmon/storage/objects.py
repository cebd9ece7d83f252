"""Interface of an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """Object as listed; `etag` changes when its bytes do.

    `modified` is the UTC time of its last write; None where the store does not report it.
    """

    uri: str
    size: int
    etag: str
    modified: datetime | None = field(default=None, compare=False)


class ObjectStore(Protocol):
    """Interface of an object store. URIs are complete: s3://bucket/key or a path.

    Every method raises `NotFoundError` for an absent object, `ServiceRejectedError` when the store
    refuses (wrong credentials, no bucket), and `ServiceUnavailableError` when it does not answer.
    """

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose URI begins so, sorted by URI: those below a folder, if it ends with a slash."""
        ...

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        ...

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read so many bytes of an object, one at least, from a start on; those that there are."""
        ...

    def write(self, uri: str, data: bytes) -> None:
        """Write an object atomically, replacing an existing one."""
        ...

    def upload(self, uri: str, path: Path) -> None:
        """Write an object atomically from a local file, in memory that does not grow with it."""
        ...

    def copy(self, source: str, target: str) -> None:
        """Copy an object atomically to another URI of the same store, replacing an existing one."""
        ...

    def delete(self, uri: str) -> None:
        """Delete an object; an absent one is no error."""
        ...

    def local_copy(self, uri: str, *, etag: str | None = None) -> AbstractContextManager[Path]:
        """Yield a readable file with the object's bytes, valid within the context.

        With `etag`, an object that has changed since it was listed raises `PartitionConflictError`.
        """
        ...

    def url(self, uri: str, *, seconds: int) -> str:
        """Return a URL from which anybody may read the object for `seconds`."""
        ...


class Cache(Protocol):
    """Cache in front of an object store, which may forget entries or be unavailable at any time.

    It never raises: what it cannot give is absent, and the log says why.
    """

    def read(self, key: str) -> bytes | None:
        """Read the bytes stored under the key; None if absent."""
        ...

    def write(self, key: str, data: bytes, *, seconds: int) -> None:
        """Store the bytes under the key for `seconds`, if possible."""
        ...


def is_hidden(uri: str) -> bool:
    """Return whether a file is a marker or hidden (_SUCCESS, .tmp), and hence not data."""
    return uri.rsplit("/", 1)[-1].startswith(("_", "."))


def join_uri(folder: str, *parts: str) -> str:
    """Join a folder and names to a URI.

    >>> join_uri("s3://bucket/mlmon/", "flights", "profile.bin")
    's3://bucket/mlmon/flights/profile.bin'
    """
    return "/".join([folder.rstrip("/"), *parts])
