"""Verification of a bundle: what in it does not follow from its chain; nothing is unpacked to a disk."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_mlmon.errors import ConfigError, DataError
from airflow_mlmon.pipeline.evidence_bundle.archive import COMMENT, FORMAT, HEAD, INDEX, SIGNATURE, has_hash
from airflow_mlmon.pipeline.evidence_bundle.chain import START, follow_chain
from airflow_mlmon.pipeline.evidence_bundle.signature import is_signed_by

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DAYS, PEOPLE = "days.jsonl", "people.jsonl"
# JSON that repeats itself packs to a fiftieth; a bomb to a thousandth
_MOST_TIMES, _SMALL = 200, 1 << 20
_MOST_FILES = 60_000
_LONGEST_LINE, _MOST_HEAD = 1 << 24, 1 << 16
_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
_ENCRYPTED = 1
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, struct.error, UnicodeDecodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the verification of a bundle has found.

    Attributes:
        faults: What does not follow from the chain; none of a sound bundle.
        notes: What was not verified.
        statement: The head, as it lies in the bundle.
        head: Head of the chain of what was found.
        files: Number of files.
    """

    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    statement: Mapping[str, Any] = field(default_factory=dict)
    head: str = ""
    files: int = 0


def verify_bundle(path: Path, *, key: Ed25519PublicKey | None = None, head: str = "") -> Verification:
    """Verify that nothing in a bundle was changed, added, taken away or put in another order.

    Args:
        path: the archive.
        key: the public key of who should have signed it; None verifies no signature.
        head: the head as it was printed when the bundle was made; empty compares with none.

    Raises:
        ConfigError: there is no such file.
        DataError: it is no bundle, or is dangerous to read; nothing of it was read.
    """
    with open_bundle(path) as archive:
        return _Verifying(path, archive).verify(key, head.lower())


@contextmanager
def open_bundle(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose names and sizes are those of a bundle.

    Raises:
        ConfigError: there is no such file.
        DataError: it is no archive, or is dangerous to read.
    """
    try:
        opened = zipfile.ZipFile(path)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise ConfigError(f"{path}: cannot read the bundle: {error.strerror}.") from error
    except _BROKEN as error:
        raise DataError(f"{path} is truncated, or no evidence bundle: {error}.") from error
    with opened as archive:
        _refuse_danger(path, archive.infolist())
        yield archive


def read_lines(archive: zipfile.ZipFile, name: str) -> Iterator[str]:
    """Yield the lines of a file of a bundle.

    Raises:
        DataError: it is not there, is damaged, or has a line that is too long.
    """
    try:
        with archive.open(name) as file:
            while line := file.readline(_LONGEST_LINE):
                if not line.endswith(b"\n"):
                    raise DataError(f"{name}: its last line is cut off, or is too long.")
                yield line[:-1].decode()
    except KeyError:
        raise DataError(f"{name} is missing.") from None
    except _BROKEN as error:
        raise DataError(f"{name} is damaged: {error}.") from error


def read_statement(archive: zipfile.ZipFile) -> tuple[dict[str, Any], bytes]:
    """Read the head of a bundle, and its bytes, which are what is signed.

    Raises:
        DataError: it is not there, or is none.
    """
    content = _read_small(archive, HEAD)
    try:
        found = json.loads(content)
    except ValueError as error:
        raise DataError(f"{HEAD} is no JSON: it was changed.") from error
    if not isinstance(found, dict) or not isinstance(found.get("head"), str):
        raise DataError(f"{HEAD} names no head: it was changed.")
    if found.get("format") != FORMAT:
        raise DataError(f"{HEAD} has format {found.get('format')!r}; this release reads {FORMAT}.")
    return found, content


class _Verifying:
    """One bundle while it is verified."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self._faults: list[str] = []
        self._notes: list[str] = []
        self._hashes: dict[str, str] = {}

    def verify(self, key: Ed25519PublicKey | None, head: str) -> Verification:
        self._verify_bytes()
        found = self._follow_index()
        self._verify_order()
        days, people = self._follow(DAYS), self._follow(PEOPLE)
        statement: Mapping[str, Any] = {}
        with self._collected():
            statement, content = read_statement(self._archive)
            counted = {"head": found, "files": len(self._hashes), "days": days, "people": people}
            for name, value in counted.items():
                if statement.get(name) != value:
                    self._faults.append(f"{HEAD}: {name} is {statement.get(name)}, but {value} was found.")
            self._verify_signature(key, content)
        if head and head != found:
            self._faults.append(f"The head is {found}, not {head} as was expected: it is another bundle.")
        return Verification(
            faults=tuple(self._faults),
            notes=tuple(self._notes),
            statement=statement,
            head=found,
            files=len(self._hashes),
        )

    def _verify_bytes(self) -> None:
        if not self._archive.comment.startswith(COMMENT):
            self._faults.append("The archive does not end in the hash of its bytes: its end was changed.")
        elif not has_hash(self._path):
            self._faults.append("The bytes of the archive are not those that were written.")

    def _follow_index(self) -> str:
        """Compare each file with the index, and return the head of the index."""
        found = START
        with self._collected():
            for record, chain in follow_chain(read_lines(self._archive, INDEX), INDEX):
                found = chain
                name = str(record.get("name"))
                self._hashes[name] = str(record.get("sha256"))
                self._compare(name, record)
        return found

    def _compare(self, name: str, record: Mapping[str, Any]) -> None:
        try:
            digest, size = self._hash(name)
        except DataError as error:
            self._faults.append(str(error))
            return
        if digest != record.get("sha256"):
            told = f"{record.get('bytes')} bytes were written, {size} are there"
            self._faults.append(f"{name} was changed ({told}).")

    def _hash(self, name: str) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            with self._archive.open(name) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
        except KeyError:
            raise DataError(f"{name} is missing.") from None
        except _BROKEN as error:
            raise DataError(f"{name} is damaged: {error}.") from error
        return digest.hexdigest(), size

    def _verify_order(self) -> None:
        there = [info.filename for info in self._archive.infolist()]
        expected = [*self._hashes, INDEX, HEAD, *([SIGNATURE] if SIGNATURE in there else [])]
        self._faults += [f"{name} was added: the index does not name it." for name in there if name not in expected]
        kept = [name for name in there if name in expected]
        moved = [name for name, due in zip(kept, [one for one in expected if one in there], strict=True) if name != due]
        if moved:
            self._faults.append(f"The files are in another order than in the index, from {moved[0]} on.")

    def _follow(self, name: str) -> str:
        """Follow the chain of the days, or of what people did, and return its head."""
        found = START
        with self._collected():
            for record, chain in follow_chain(read_lines(self._archive, name), name):
                found = chain
                if name == DAYS:
                    self._compare_day(record)
        return found

    def _compare_day(self, record: Mapping[str, Any]) -> None:
        for name, digest in (record.get("sha256") or {}).items():
            ending = "jsonl" if name in {"verdicts", "checks", "metrics"} else "json"
            file = f"days/{record.get('day')}/{name}.{ending}"
            if self._hashes.get(file) != digest:
                self._faults.append(f"{DAYS}: the line of {record.get('day')} names another {file}.")

    def _verify_signature(self, key: Ed25519PublicKey | None, content: bytes) -> None:
        is_signed = SIGNATURE in self._archive.namelist()
        if key is None:
            unsigned = "It is not signed: compare the head with the one that was printed when it was made (--head)."
            self._notes.append("It is signed; --public-key verifies by whom." if is_signed else unsigned)
        elif not is_signed:
            self._faults.append("It is not signed.")
        elif not is_signed_by(key, _read_small(self._archive, SIGNATURE), content):
            self._faults.append("The signature is not by the owner of this key, or the head was changed since.")

    @contextmanager
    def _collected(self) -> Iterator[None]:
        """Take a fault that ends a part of the verification into the list."""
        try:
            yield
        except DataError as error:
            self._faults.append(str(error))


def _read_small(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        with archive.open(name) as file:
            return file.read(_MOST_HEAD)
    except KeyError:
        raise DataError(f"{name} is missing.") from None
    except _BROKEN as error:
        raise DataError(f"{name} is damaged: {error}.") from error


def _refuse_danger(path: Path, files: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that no bundle is like, before anything of it is unpacked.

    Raises:
        DataError: it has names outside itself, names twice, links, passwords, or unpacks to far more than its size.
    """
    names = [info.filename for info in files]
    if len(names) > _MOST_FILES:
        raise DataError(f"{path} has {len(names):,} files, more than any bundle: it was not read.")
    for info in files:
        if not _NAME.fullmatch(info.filename):
            raise DataError(f"{path} has a file {info.filename[:200]!r}, which no bundle has: it was not read.")
        is_plain = not info.flag_bits & _ENCRYPTED and (info.external_attr >> 16) & 0o170000 in {0, 0o100000}
        if not is_plain or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise DataError(
                f"{path}: {info.filename} is encrypted, a link, or packed in a foreign way: it was not read."
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path} has {twice} twice: it was not read.")
    size, packed = sum(info.file_size for info in files), path.stat().st_size
    if size > _MOST_TIMES * packed + _SMALL:
        raise DataError(f"{path} would unpack to {size / packed:,.0f} times its size: it was not read.")
