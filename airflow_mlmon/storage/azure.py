"""Azure Blob Storage as an object store; the only module that imports the optional package obstore."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from airflow_mlmon.errors import (
    ConfigError,
    NotFoundError,
    PartitionConflictError,
    ServiceRejectedError,
    ServiceUnavailableError,
)
from airflow_mlmon.storage.objects import StoredObject
from airflow_mlmon.storage.scratch import scratch_file

try:
    import obstore
    from obstore.exceptions import BaseError, PermissionDeniedError, PreconditionError, UnauthenticatedError
except ModuleNotFoundError as error:
    raise ConfigError(
        "A path is in abfs://, but the package `obstore` is not installed.", hint="pip install airflow-mlmon[azure]"
    ) from error

_CHUNK = 1 << 20
_PART = 8 << 20
# a large object takes as long as it takes, as long as bytes arrive
_CLIENT: Any = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "6h"}
_RETRIES: Any = {"max_retries": 4, "retry_timeout": timedelta(minutes=2)}
_REFUSED = range(400, 500)
_BUSY = (408, 425, 429)


class AzureStore:
    """Object store of Azure; a URI is `abfs://container/path` or `abfs://container@account…/path`.

    `options` are obstore's names of an account, its endpoint and credentials; what is absent is taken from the
    environment, as by Azure's own tools.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = dict(options)
        self._containers: dict[str, Any] = {}

    def list(self, folder: str) -> list[StoredObject]:
        """List the objects whose path begins with the folder's."""
        place, path = _split(folder)
        root = folder.removesuffix(path)
        # Azure is asked for whole folders; the rest of a name is compared here
        with _mapped(folder):
            pages = obstore.list(self._open(place), path.rpartition("/")[0] or None)
            found = [
                StoredObject(f"{root}{item['path']}", item["size"], item["e_tag"] or "", item["last_modified"])
                for page in pages
                for item in page
                if item["path"].startswith(path)
            ]
        return sorted(found)

    def read(self, uri: str) -> bytes:
        """Read the bytes of an object."""
        place, path = _split(uri)
        with _mapped(uri):
            return bytes(obstore.get(self._open(place), path).bytes())

    def read_range(self, uri: str, start: int, size: int) -> bytes:
        """Read a part of an object."""
        place, path = _split(uri)
        with _mapped(uri):
            return bytes(obstore.get_range(self._open(place), path, start=start, length=size))

    def write(self, uri: str, data: bytes) -> None:
        """Upload; Azure shows the object once it is complete."""
        self._put(uri, data)

    def upload(self, uri: str, path: Path) -> None:
        """Upload in parts, a few of them in memory; Azure shows the object once it is complete."""
        self._put(uri, path)

    def copy(self, source: str, target: str) -> None:
        """Copy within a container, or through this process to another one."""
        (place, path), (other, path_there) = _split(source), _split(target)
        if place == other:
            with _mapped(source):
                obstore.copy(self._open(place), path, path_there)
        else:
            with self.local_copy(source) as copied:
                self.upload(target, copied)

    def delete(self, uri: str) -> None:
        """Delete the object, if it exists."""
        place, path = _split(uri)
        try:
            with _mapped(uri):
                obstore.delete(self._open(place), path)
        except NotFoundError:
            return

    @contextmanager
    def local_copy(self, uri: str, *, etag: str | None = None) -> Iterator[Path]:
        """Yield a temporary file with the object's bytes."""
        place, path = _split(uri)
        # listings give an ETag without the quotes that a condition needs
        options: Any = {"if_match": f'"{etag.strip(chr(34))}"'} if etag else {}
        with scratch_file(Path(path).suffix) as file:
            with _mapped(uri):
                for chunk in obstore.get(self._open(place), path, options=options).stream(_CHUNK):
                    file.write(chunk)
            file.flush()
            yield Path(file.name)

    def url(self, uri: str, *, seconds: int) -> str:
        """Return a URL with a shared access signature."""
        place, path = _split(uri)
        with _mapped(uri):
            return str(obstore.sign(self._open(place), "GET", path, timedelta(seconds=seconds)))

    def _put(self, uri: str, content: bytes | Path) -> None:
        place, path = _split(uri)
        with _mapped(uri):
            obstore.put(self._open(place), path, content, chunk_size=_PART, max_concurrency=4)

    def _open(self, place: str) -> Any:
        """Open the container of `container` or `container@account.dfs.core.windows.net`, once."""
        if place not in self._containers:
            container, _, host = place.partition("@")
            options: Any = self._options | ({"account_name": host.partition(".")[0]} if host else {})
            is_plain = options.get("endpoint", "").startswith("http://")
            self._containers[place] = obstore.store.AzureStore(
                container, config=options, client_options=_CLIENT | {"allow_http": is_plain}, retry_config=_RETRIES
            )
        return self._containers[place]


def _split(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    place, _, path = rest.partition("/")
    if scheme not in {"abfs", "abfss"} or not place:
        raise ConfigError(f"{uri!r} is not a URI of Azure.", hint="write abfs://container/path")
    return place, path


@contextmanager
def _mapped(uri: str) -> Iterator[None]:
    try:
        yield
    except PreconditionError:
        raise PartitionConflictError(f"{uri} has changed since it was listed.", hint="rerun the partition") from None
    except (FileNotFoundError, BaseError) as error:
        _raise_mapped(uri, error)


def _raise_mapped(uri: str, error: Exception) -> NoReturn:
    """Raise the error in words of ours; obstore's own may hold a signed URL, and is hence not its cause."""
    text = str(error)
    code = _find(r"<Code>(\w+)</Code>", text)
    if code == "ContainerNotFound":
        message = f"Azure container {_split(uri)[0]!r} does not exist ({uri})."
        raise ServiceRejectedError(message, hint="check the path in the spec") from None
    if isinstance(error, FileNotFoundError):
        raise NotFoundError(f"Object {uri} does not exist.") from None
    status = int(_find(r"status code: (\d{3})", text) or 0)
    is_refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
    if is_refused or (status in _REFUSED and status not in _BUSY):
        raise ServiceRejectedError(
            f"Azure refused the request for {uri}: {code or type(error).__name__} ({status}).",
            hint="check the connection's account and key, and its permissions",
            uri=uri,
        ) from None
    reason = f"{status} {code}" if status else re.sub(r"\?\S*", "", text.partition("\n")[0])
    raise ServiceUnavailableError(
        f"Azure did not answer the request for {uri}: {reason}",
        hint="check the connection's account, endpoint and credentials",
        uri=uri,
    ) from None


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found[1] if found else ""
