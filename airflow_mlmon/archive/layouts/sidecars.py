"""Objects beside the data of an archive: markers, checksums, leftovers of writers and folders."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import cache

from airflow_mlmon.capture.marks import SIDECARS
from airflow_mlmon.storage import StoredObject
from airflow_mlmon.tables.formats import format_of_name

_FOLDER_MARK = "_$folder$"
_ENDINGS = (
    *(".crc", ".md5", ".sha1", ".sha256", ".sha512", ".metadata", ".meta", ".sig", ".asc"),
    *(".md", ".rst", ".html", ".pdf", ".png", ".py", ".sql", ".sh", ".ipynb", ".yaml", ".yml", ".xml"),
    *(".done", ".success", ".ready", ".complete", ".ok", ".trigger"),
    *(".tmp", ".temp", ".swp", ".bak", ".lock", ".inprogress", ".pending", ".filepart", "._copying_", "~"),
)
_NAMES = re.compile(
    r"(?:.*manifest|.*\.metadata|readme|license|changelog|metadata|schema|checksums|(?:md5|sha\d+)sums)"
    r"(?:\.(?:json|jsonl|csv|txt))?|(?:done|success|ready)(?:\.txt)?|thumbs\.db|desktop\.ini|.*\.(?:inprogress|pending)\..*"
)


def explain_no_data(path: str, size: int, *, is_named: bool = False) -> str:
    """Explain why an object is no data, by its path below the day's folder; empty if it may be.

    `is_named` says that the path of the archive names the object itself.

    >>> explain_no_data("_temporary/0/part-1.parquet", 9), explain_no_data("hour=00/part-1", 9)
    ('is below _temporary', '')
    """
    *folders, name = path.split("/")
    hidden = next((folder for folder in folders if _is_hidden(folder)), None)
    if hidden is not None:
        return f"is below {hidden}"
    if not name or name.endswith(_FOLDER_MARK):
        return "is a folder"
    if name.startswith(("_", ".")) and not is_named:
        return "is hidden or a marker"
    plain = name.lower()
    if plain.endswith(_ENDINGS) or _NAMES.fullmatch(plain):
        return "is no file of data by its name"
    return "is empty" if not size and format_of_name(name) is None else ""


def find_folder_objects(items: Iterable[StoredObject]) -> set[str]:
    """Find the empty objects that stand for the folder of other objects."""
    items = list(items)
    empty = {item.uri for item in items if not item.size}
    return {folder for item in items for folder in _parents(item.uri) if folder in empty} if empty else set()


def find_marks(uri: str, there: Container[str]) -> str | None:
    """Find the sidecar of the marks of a captured file among the objects that are there.

    >>> find_marks("a/dt=1/x.jsonl", {"a/dt=1/_capture/x.jsonl.json"})
    'a/dt=1/_capture/x.jsonl.json'
    """
    sidecar = marks_uri(uri)
    return sidecar if sidecar in there else None


def marks_uri(uri: str) -> str:
    """Return where capture writes the marks of a file that cannot hold them itself."""
    folder, _, name = uri.rpartition("/")
    return f"{folder}/{SIDECARS}/{name}.json"


def matches_glob(path: str, glob: str) -> bool:
    """Say whether a glob matches a path, or without a slash its last part; * stays within a folder, ** does not.

    >>> matches_glob("v1/a.csv", "*.csv"), matches_glob("v1/a.csv", "v2/*.csv"), matches_glob("a/b/c.csv", "**/c.csv")
    (True, False, True)
    """
    return _regex(glob).fullmatch(path if "/" in glob else path.rpartition("/")[2]) is not None


@cache
def _regex(glob: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob)))


def _is_hidden(folder: str) -> bool:
    # as Spark has it: a partition column may begin with an underscore
    return folder.startswith(".") or (folder.startswith("_") and "=" not in folder)


def _parents(uri: str) -> Iterable[str]:
    return (uri[:end] for end, letter in enumerate(uri) if letter == "/")
