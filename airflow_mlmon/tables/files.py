"""Search for the files of a path or a glob, and strict reading of one at a time."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.storage import Storage, is_hidden
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.readers import GZIP, open_parquet, read_csv, read_json_lines, read_parquet

_Reader = Callable[[Path, str, Sequence[str]], Iterator[Piece]]

_READERS: dict[str, _Reader] = {
    ".parquet": read_parquet,
    ".pq": read_parquet,
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_lines,
}
_READERS |= {f"{ending}{GZIP}": reader for ending, reader in _READERS.items() if reader is not read_parquet}


def find_files(path: str, storage: Storage) -> list[str]:
    """Find the files of a path, a folder or a glob, sorted by name.

    In a folder, markers and hidden files (`_…`, `.…`) and files with other extensions are skipped.

    Raises:
        NotFoundError: no file was found.
        ConfigError: the path names a file with another extension.
    """
    found = _find_s3(path, storage) if "://" in path and not path.startswith("file:") else _find_local(path)
    if not found:
        raise NotFoundError(f"No data files found at {path}.", hint=f"supported extensions: {', '.join(_READERS)}")
    for uri in found:
        if _ending(uri) not in _READERS:
            raise ConfigError(
                f"{uri} has an unsupported extension.", hint=f"supported extensions: {', '.join(_READERS)}"
            )
    return found


def read_file(uri: str, storage: Storage, null_texts: Sequence[str]) -> Iterator[Piece]:
    """Read the rows of one file in pieces; in a CSV, `null_texts` are missing values.

    Raises:
        DataError: the file is damaged or ambiguous; the message names it and, where it can, the column.
    """
    with storage.at(uri).local_copy(uri) as path:
        yield from _READERS[_ending(uri)](path, uri, null_texts)


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
        return [str(file) for file in sorted(here.rglob("*")) if file.is_file() and _is_data(str(file))]
    if here.exists():
        return [plain]
    return sorted(file for file in glob.glob(plain, recursive=True) if Path(file).is_file())  # noqa: PTH207 - absolute


def _find_s3(path: str, storage: Storage) -> list[str]:
    fixed = re.split(r"[*?]", path, maxsplit=1)[0]
    listed = [item.uri for item in storage.at(path).list(fixed)]
    if path in listed:
        return [path]
    if fixed != path:
        pattern = re.compile(_to_pattern(path))
        return [uri for uri in listed if pattern.fullmatch(uri)]
    folder = path.rstrip("/") + "/"
    return [uri for uri in listed if uri.startswith(folder) and _is_data(uri)]


def _to_pattern(path: str) -> str:
    r"""Convert a glob to a regular expression: * and ? stay within a folder, ** does not.

    >>> _to_pattern("s3://b/**/x*.csv")
    's3://b/(?:.*/)?x[^/]*\\.csv'
    """
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    found = re.split(r"(\*\*/|\*\*|\*|\?)", path)
    return "".join(parts.get(part) or re.escape(part) for part in found)


def _is_data(uri: str) -> bool:
    return _ending(uri) in _READERS and not is_hidden(uri)


def _ending(uri: str) -> str:
    """Return the extension without compression; only text files may be compressed."""
    path = Path(uri.lower())
    packed = path.stem if path.suffix == GZIP else ""
    return Path(packed).suffix + GZIP if packed else path.suffix
