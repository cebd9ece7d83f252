"""Search for the files of a path or a glob, and strict reading of one at a time."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.storage import Storage, is_hidden
from airflow_mlmon.storage.around import look_around
from airflow_mlmon.tables.damage import naming_damage, refuse_file
from airflow_mlmon.tables.formats import (
    ENDINGS,
    HEAD,
    PACKED_ENDINGS,
    TEXT_FORMATS,
    Compression,
    compression_of_head,
    format_of_head,
    format_of_name,
    split_compression,
)
from airflow_mlmon.tables.parquet import open_parquet, read_parquet
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading

_CLASS = re.compile(r"\[[^\]/]+\]")
_SUPPORTED = f"{', '.join(ENDINGS)}, and texts with {', '.join(PACKED_ENDINGS)} after it, such as .csv.gz"
_AS_DECLARED = Reading()
_AS_WRITTEN = Reading(nested=True)
# their first bytes reveal them
_BINARY = (FileFormat.PARQUET, FileFormat.AVRO, FileFormat.ORC)


def find_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob, sorted by name.

    In a folder, markers and hidden files and folders (`_…`, `.…`) are skipped, and so are files that neither their
    ending nor their first bytes reveal.

    Raises:
        NotFoundError: no file was found.
        ConfigError: the path names a file of another format.
    """
    found = match_files(path, storage)
    if not found:
        there = ", ".join(look_around(storage.at(path), re.split(r"[*?\[]", path, maxsplit=1)[0]))
        raise NotFoundError(
            f"No data files found at {path}.",
            hint=f"there are {there}" if there else f"supported extensions: {_SUPPORTED}",
        )
    for uri in found:
        if format_of_name(uri) is None and _sniff(uri, storage) is None:
            raise ConfigError(f"{uri} has an unsupported extension.", hint=f"supported extensions: {_SUPPORTED}")
    return found


def match_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob of either; there may be none, or one of an unknown format."""
    is_remote = "://" in path and not path.startswith("file:")
    return _find_s3(path, storage) if is_remote else _find_local(path, storage)


def read_file(uri: str, storage: Storage, reading: Reading = _AS_WRITTEN) -> Iterator[Piece]:
    """Read the rows of one file in pieces.

    Raises:
        DataError: the file is damaged or ambiguous; the message names it and, where it can, the column.
    """
    with storage.at(uri).local_copy(uri) as path:
        yield from read_path(path, uri, reading)


def read_path(path: Path, origin: str, reading: Reading = _AS_DECLARED) -> Iterator[Piece]:
    """Read a local copy of the file `origin`, of the format declared or, by default, recognised.

    The first piece has the columns of the file and no row, save of JSON, whose keys are known at its end. A piece holds
    131,072 rows at most.

    Raises:
        DataError: the file is damaged or ambiguous; the message names it and, where it can, the column.
    """
    # most files are Parquet, for which the other readers need not be imported
    found, compression = recognise(path, origin, reading.format)
    if found is FileFormat.PARQUET:
        yield from read_parquet(path, origin, reading)
    elif found is FileFormat.AVRO:
        from airflow_mlmon.tables.avro import read_avro  # noqa: PLC0415

        yield from read_avro(path, origin, reading)
    elif found is FileFormat.ORC:
        from airflow_mlmon.tables.orc import read_orc  # noqa: PLC0415

        yield from read_orc(path, origin, reading)
    elif found in (FileFormat.JSON, FileFormat.JSON_LINES):
        from airflow_mlmon.tables.json_records import read_json_rows  # noqa: PLC0415

        yield from read_json_rows(path, origin, compression, reading)
    else:
        from airflow_mlmon.tables.delimited import read_delimited  # noqa: PLC0415

        is_tabbed = found is FileFormat.TSV
        yield from read_delimited(path, origin, compression, reading, separator="\t" if is_tabbed else None)


def recognise(path: Path, origin: str, declared: FileFormat | None) -> tuple[FileFormat, Compression | None]:
    """Recognise the format and the compression of a file: as declared, by its ending, or by its first bytes.

    Raises:
        UnreadableFileError: its format is unknown.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    declared = None if declared is FileFormat.DELTA else declared
    found = declared or format_of_name(origin) or format_of_head(head)
    packed = split_compression(origin)[0] or compression_of_head(head)
    if found is None and packed:
        with naming_damage(origin, packed), pa.input_stream(str(path), compression=packed.value) as stream:
            found = format_of_head(stream.read(HEAD))
        found = found if found in TEXT_FORMATS else None
    if found is None:
        raise refuse_file(origin, "is of no known format", hint="declare its `format`")
    return found, packed if found in TEXT_FORMATS else None


def describe_file(path: Path, origin: str, reading: Reading = _AS_DECLARED) -> str:
    """Say of which format and compression a file is, and by what its fields are separated.

    Raises:
        UnreadableFileError: its format is unknown, or its header is damaged.
    """
    found, compression = recognise(path, origin, reading.format)
    said = f"{found.value}, {compression.value}" if compression else found.value
    if found is FileFormat.CSV:
        from airflow_mlmon.tables.delimited import read_separator  # noqa: PLC0415 - as above

        separator = reading.separator or read_separator(path, origin, compression)
        said += f", separated by {'tabs' if separator == chr(9) else separator}"
    return said


def is_local_parquet(uri: str) -> bool:
    """Return whether the file can be read in place, column by column.

    >>> is_local_parquet("a/b.parquet"), is_local_parquet("s3://a/b.parquet")
    (True, False)
    """
    return "://" not in uri and format_of_name(uri) is FileFormat.PARQUET


def open_files(files: Sequence[str]) -> Iterator[Piece]:
    """Open local Parquet files one after the other, without reading their rows.

    Raises:
        DataError: a file is not a Parquet file.
    """
    return (open_parquet(Path(file), file) for file in files)


def _sniff(uri: str, storage: Storage) -> FileFormat | None:
    """Return the format that the first bytes of a file reveal."""
    with storage.at(uri).local_copy(uri) as path, path.open("rb") as file:
        return format_of_head(file.read(HEAD))


def _choose_data(uris: list[str], folder: str, storage: Storage) -> list[str]:
    """Choose the data files of a folder: those with a known ending; if there are none, those whose bytes are known."""
    shown = [uri for uri in uris if not is_below_hidden(uri, folder)]
    by_name = [uri for uri in shown if format_of_name(uri)]
    return by_name or [uri for uri in shown if _sniff(uri, storage) in _BINARY]


def is_below_hidden(uri: str, folder: str) -> bool:
    """Return whether a file, or a folder between it and `folder`, is a marker or hidden.

    >>> is_below_hidden("a/_x/b/.tmp/c.csv", "a/_x/"), is_below_hidden("a/_x/b.csv", "a/_x/")
    (True, False)
    """
    return any(map(is_hidden, uri.removeprefix(folder).strip("/").split("/")))


def _find_local(path: str, storage: Storage) -> list[str]:
    plain = path.removeprefix("file://")
    here = Path(plain)
    if here.is_dir():
        return _find_in_folder(here, storage)
    if here.exists():
        return [plain]
    matched = sorted(glob.glob(plain, recursive=True))  # noqa: PTH207 - absolute
    if files := [file for file in matched if Path(file).is_file()]:
        return files
    return sorted({file for folder in matched for file in _find_in_folder(Path(folder), storage)})


def _find_in_folder(folder: Path, storage: Storage) -> list[str]:
    return _choose_data([str(file) for file in sorted(folder.rglob("*")) if file.is_file()], str(folder), storage)


def _find_s3(path: str, storage: Storage) -> list[str]:
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    # of an empty folder there may be an object of its own
    listed = [item.uri for item in storage.at(path).list(fixed) if not item.uri.endswith("/")]
    if path in listed:
        return [path]
    if fixed != path:
        pattern = _to_pattern(path)
        if files := [uri for uri in listed if re.fullmatch(pattern, uri)]:
            return files
        below = re.compile(f"({pattern.removesuffix('/')}/).*")
        folders: dict[str, list[str]] = {}
        for uri in listed:
            if found := below.fullmatch(uri):
                folders.setdefault(found[1], []).append(uri)
        return sorted(uri for folder, uris in folders.items() for uri in _choose_data(uris, folder, storage))
    folder = path.rstrip("/") + "/"
    return _choose_data([uri for uri in listed if uri.startswith(folder)], folder, storage)


def _to_pattern(path: str) -> str:
    r"""Convert a glob to a regular expression: *, ? and [...] stay within a folder, ** does not.

    >>> _to_pattern("s3://b/**/x*[!0-9].csv")
    's3://b/(?:.*/)?x[^/]*[^0-9]\\.csv'
    """
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    found = re.split(rf"(\*\*/|\*\*|\*|\?|{_CLASS.pattern})", path)
    return "".join(
        parts.get(part) or (_to_class(part) if _CLASS.fullmatch(part) else re.escape(part)) for part in found
    )


def _to_class(part: str) -> str:
    inner = part[1:-1].replace("\\", r"\\").replace("^", r"\^")
    return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
