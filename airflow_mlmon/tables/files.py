"""Search for the files of a path or a glob, and strict reading of one at a time."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.storage import Storage, is_hidden
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.readers import GZIP, open_parquet, read_csv, read_json_lines, read_parquet

_Reader = Callable[[Path, str, Sequence[str]], Iterator[Piece]]

_CLASS = re.compile(r"\[[^\]/]+\]")
_READERS: dict[str, _Reader] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
}
_READERS |= {f"{ending}{GZIP}": reader for ending, reader in _READERS.items() if reader is not read_parquet}


class FormatOfFiles(NamedTuple):
    """Format of files, where their names do not say it."""

    format: str | None = None
    null_texts: tuple[str, ...] = ()


def find_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob, sorted by name.

    In a folder, markers and hidden files (`_…`, `.…`) and files with other extensions are skipped.

    Raises:
        NotFoundError: no file was found.
        ConfigError: the path names a file with another extension.
    """
    found = match_files(path, storage)
    if not found:
        raise NotFoundError(f"No data files found at {path}.", hint=f"supported extensions: {', '.join(_READERS)}")
    for uri in found:
        if _ending(uri) not in _READERS:
            raise ConfigError(
                f"{uri} has an unsupported extension.", hint=f"supported extensions: {', '.join(_READERS)}"
            )
    return found


def match_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob of either; there may be none, or one with an unknown extension."""
    return _find_s3(path, storage) if "://" in path and not path.startswith("file:") else _find_local(path)


def read_file(uri: str, storage: Storage, null_texts: Sequence[str] = ()) -> Iterator[Piece]:
    """Read the rows of one file in pieces; in a CSV, `null_texts` are missing values.

    Raises:
        DataError: the file is damaged or ambiguous; the message names it and, where it can, the column.
    """
    with storage.at(uri).local_copy(uri) as path:
        yield from read_path(path, uri, null_texts=null_texts)


def read_path(
    path: Path, origin: str, reading: FormatOfFiles | None = None, null_texts: Sequence[str] = ()
) -> Iterator[Piece]:
    """Read a local copy of the file `origin`, whose ending says of which format it is.

    Raises:
        DataError: the file is damaged or ambiguous; the message names it and, where it can, the column.
    """
    del reading
    yield from _READERS[_ending(origin)](path, origin, null_texts)


def read_head(uri: str, storage: Storage, rows: int) -> pa.Table:
    """Read the first rows of a file.

    Raises:
        DataError: the file is damaged or ambiguous.
    """
    taken: list[pa.Table] = []
    for piece in read_file(uri, storage):
        taken.append(piece.table.slice(0, rows))
        rows -= taken[-1].num_rows
        if rows <= 0:
            break
    return pa.concat_tables(taken)


def is_local_parquet(uri: str) -> bool:
    """Return whether the file can be read in place, column by column.

    >>> is_local_parquet("a/b.parquet"), is_local_parquet("s3://a/b.parquet")
    (True, False)
    """
    return "://" not in uri and _READERS[_ending(uri)] is read_parquet


def open_files(files: Sequence[str]) -> Iterator[Piece]:
    """Open local Parquet files one after the other, without reading their rows.

    Raises:
        DataError: a file is not a Parquet file.
    """
    return (open_parquet(Path(file), file) for file in files)


def _find_local(path: str) -> list[str]:
    plain = path.removeprefix("file://")
    here = Path(plain)
    if here.is_dir():
        return _find_in_folder(here)
    if here.exists():
        return [plain]
    matched = sorted(glob.glob(plain, recursive=True))  # noqa: PTH207 - absolute
    if files := [file for file in matched if Path(file).is_file()]:
        return files
    return sorted({file for folder in matched for file in _find_in_folder(Path(folder))})


def _find_in_folder(folder: Path) -> list[str]:
    return [str(file) for file in sorted(folder.rglob("*")) if file.is_file() and _is_data(str(file))]


def _find_s3(path: str, storage: Storage) -> list[str]:
    fixed = re.split(r"[*?\[]", path, maxsplit=1)[0]
    listed = [item.uri for item in storage.at(path).list(fixed)]
    if path in listed:
        return [path]
    if fixed != path:
        pattern = _to_pattern(path)
        if files := [uri for uri in listed if re.fullmatch(pattern, uri)]:
            return files
        return [uri for uri in listed if re.fullmatch(f"{pattern.removesuffix('/')}/.*", uri) and _is_data(uri)]
    folder = path.rstrip("/") + "/"
    return [uri for uri in listed if uri.startswith(folder) and _is_data(uri)]


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


def _is_data(uri: str) -> bool:
    return _ending(uri) in _READERS and not is_hidden(uri)


def _ending(uri: str) -> str:
    """Return the extension without compression; only text files may be compressed."""
    path = Path(uri.lower())
    packed = path.stem if path.suffix == GZIP else ""
    return Path(packed).suffix + GZIP if packed else path.suffix
