"""Object store whose calls are spans of OpenTelemetry, with the object and its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from opentelemetry.trace import Span, SpanKind

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.storage.objects import ObjectStore, StoredObject
from airflow_mlmon.tracing import spanning

_BYTES = "mlmon.bytes"


class ObservedStore:
    """Another object store, each call of which is a span named for the system and the call.

    Args:
        store: the store that does the work.
        system: scheme of its URIs.
    """

    def __init__(self, store: ObjectStore, system: str) -> None:
        self._store = store
        self._system = system

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose URI begins so; see `ObjectStore`."""
        with self._calling("list", folder) as span:
            found = self._store.list(folder)
            span.set_attribute("mlmon.objects", len(found))
            return found

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        with self._calling("read", uri) as span:
            content = self._store.read(uri)
            span.set_attribute(_BYTES, len(content))
            return content

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read a part of an object."""
        with self._calling("read", uri) as span:
            content = self._store.read_range(uri, start, size)
            span.set_attribute(_BYTES, len(content))
            return content

    def write(self, uri: str, data: bytes) -> None:
        """Write an object."""
        with self._calling("write", uri) as span:
            span.set_attribute(_BYTES, len(data))
            self._store.write(uri, data)

    def upload(self, uri: str, path: Path) -> None:
        """Write an object from a local file."""
        with self._calling("write", uri) as span:
            span.set_attribute(_BYTES, path.stat().st_size)
            self._store.upload(uri, path)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store."""
        with self._calling("copy", source) as span:
            span.set_attribute("mlmon.target", target)
            self._store.copy(source, target)

    def delete(self, uri: str) -> None:
        """Delete an object."""
        with self._calling("delete", uri):
            self._store.delete(uri)

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield a file with the object's bytes; the span is of its download alone."""
        with ExitStack() as copied:
            with self._calling("read", uri) as span:
                path = copied.enter_context(self._store.local_copy(uri, etag=etag))
                span.set_attribute(_BYTES, path.stat().st_size)
            yield path

    def url(self, uri: str, *, seconds: int) -> str:
        """Return a URL from which anybody may read the object, which takes no call."""
        return self._store.url(uri, seconds=seconds)

    @contextmanager
    def _calling(self, call: str, uri: str) -> Iterator[Span]:
        absent = None
        with spanning(f"{self._system} {call}", {"mlmon.uri": uri}, kind=SpanKind.CLIENT) as span:
            try:
                yield span
            except NotFoundError as error:
                # an answer like another: some files need not be there
                absent = error
        if absent is not None:
            raise absent
