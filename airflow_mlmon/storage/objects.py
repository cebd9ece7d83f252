"""The interface of an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, order=True)
class StoredObject:
    """One object as the listing shows it; `etag` changes when its bytes do.

    `modified` is when it was written, in UTC; None where the store does not say.
    """

    uri: str
    size: int
    etag: str
    modified: datetime | None = field(default=None, compare=False)


class ObjectStore(Protocol):
    """What the pipeline needs of an object store. URIs are whole: s3://bucket/key or a path.

    Raises, in every method: `NotFoundError` for an absent object, `ServiceRejectedError` when
    the store refuses (wrong key, no bucket), `ServiceUnavailableError` when it does not answer.
    """

    def list(self, folder: str) -> list[StoredObject]:
        """Every object below a folder, sorted by URI; none when there is no such folder."""
        ...

    def read(self, uri: str) -> bytes:
        """The bytes of an object."""
        ...

    def write(self, uri: str, data: bytes) -> None:
        """Put an object there, whole or not at all, in the place of one that was there."""
        ...

    def delete(self, uri: str) -> None:
        """See that there is no such object any more; one that is absent already is no error."""
        ...

    def local_copy(self, uri: str, *, etag: str | None = None) -> AbstractContextManager[Path]:
        """A readable file with the object's bytes, for as long as the context lasts.

        With `etag`, an object that has changed since it was listed raises `PartitionConflictError`.
        """
        ...

    def url(self, uri: str, *, seconds: int) -> str:
        """An address from which anybody may read the object for `seconds`."""
        ...


class Cache(Protocol):
    """A place that is quicker to read than an object store, and may forget or be away at any time.

    It never fails: what it cannot give is absent, and the log says why.
    """

    def read(self, key: str) -> bytes | None:
        """What was written under the key, or None."""
        ...

    def write(self, key: str, data: bytes, *, seconds: int) -> None:
        """Keep the bytes under the key for so long, where that can be done."""
        ...


def is_hidden(uri: str) -> bool:
    """Whether a file is a marker or hidden, by a name such as _SUCCESS or .tmp, and hence no data."""
    return uri.rsplit("/", 1)[-1].startswith(("_", "."))


def join_uri(folder: str, *parts: str) -> str:
    """The URI of a file below a folder.

    >>> join_uri("s3://bucket/mlmon/", "flights", "profile.bin")
    's3://bucket/mlmon/flights/profile.bin'
    """
    return "/".join([folder.rstrip("/"), *parts])
