"""Archive of a bundle: a zip whose bytes follow from its content, with an index of all files and a hash of all bytes.

Files have no times and lie in the order in which they were added; the index and the head are the last. The comment at
the end of the archive is a hash of every byte before it, which finds what was damaged on the way; what was changed on
purpose is found by the chain of the index, whose head is printed, registered and may be signed.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.evidence_bundle.chain import Chain, json_line

INDEX, HEAD, SIGNATURE = "index.jsonl", "head.json", "head.json.sig"
FORMAT = 1
COMMENT = b"mlmon evidence sha256 "
_DIGITS = 64
_NEVER = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_UNIX = 3
_CHUNK = 1 << 20
_LINES = 1000

Sign = Callable[[bytes], bytes]


@contextmanager
def write_archive(path: Path) -> Iterator[BundleWriter]:
    """Write an archive, which is there as a whole at the end, or not at all.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    if path.exists():
        raise ConfigError(f"{path} exists.", hint="evidence is never overwritten; give another name")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            archive.comment = COMMENT + b"0" * _DIGITS
            yield BundleWriter(archive)
        _write_hash(partial)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


class BundleWriter:
    """Writer of the files of an archive, which keeps what is needed for their index."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._index: list[str] = []
        self._chain = Chain()

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """Add a file, and return the hash of its content."""
        digest, size = _write(self._archive, name, chunks)
        self._index.append(self._chain.add({"name": name, "bytes": size, "sha256": digest}))
        return digest

    def add_records(self, name: str, records: Iterable[Mapping[str, Any]]) -> str:
        """Add a file of records, one a line, and return the hash of its content."""
        lines = (f"{json_line(record)}\n" for record in records)
        return self.add(name, iter(lambda: "".join(islice(lines, _LINES)).encode(), b""))

    def finish(self, statement: Mapping[str, Any], sign: Sign | None) -> str:
        """Add the index, and the head with a statement, which is signed; return the head of the chain."""
        _write(self._archive, INDEX, (f"{line}\n".encode() for line in self._index))
        head = {**statement, "format": FORMAT, "files": self._chain.length, "head": self._chain.head}
        content = f"{json_line(head)}\n".encode()
        _write(self._archive, HEAD, [content])
        if sign is not None:
            _write(self._archive, SIGNATURE, [sign(content)])
        return self._chain.head


def hash_of_bytes(path: Path, size: int) -> str:
    """Compute the hash of the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size > 0 and (chunk := file.read(min(size, _CHUNK))):
            digest.update(chunk)
            size -= len(chunk)
    return digest.hexdigest()


def has_hash(path: Path) -> bool:
    """Return whether the archive ends in the hash of all bytes before it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - _DIGITS, 0))
        return file.read() == hash_of_bytes(path, size - _DIGITS).encode()


def _write_hash(path: Path) -> None:
    size = path.stat().st_size - _DIGITS
    digest = hash_of_bytes(path, size)
    with path.open("r+b") as file:
        file.seek(size)
        file.write(digest.encode())


def _write(archive: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> tuple[str, int]:
    info = zipfile.ZipInfo(name, _NEVER)
    info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, _READABLE, _UNIX
    digest, size = hashlib.sha256(), 0
    with archive.open(info, "w") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
