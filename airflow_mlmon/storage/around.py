"""Objects around a path at which there are none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_mlmon.storage.local import to_path
from airflow_mlmon.storage.objects import ObjectStore

_MOST = 20
_VISITED = 5_000


def look_around(store: ObjectStore, path: str) -> tuple[str, ...]:
    """Return the objects in the nearest folder above a path that has any: the first of each of its 20 first folders.

    Of an object store the bucket is not left, of local files the nearest folder that exists.
    """
    if "://" not in path or path.startswith("file:"):
        local = to_path(path).absolute()
        return _first_of_each(_walk(next(folder for folder in (local, *local.parents) if folder.is_dir())))
    scheme, _, rest = path.partition("://")
    parts = rest.strip("/").split("/")
    for kept in range(len(parts), 0, -1):
        if found := store.list(f"{scheme}://{'/'.join(parts[:kept])}/"):
            return _first_of_each(item.uri for item in found)
    return ()


def list_children(store: ObjectStore, folder: str) -> tuple[str, ...]:
    """Return the paths of the folders and files right below a folder, by name, without hidden ones and markers."""
    if "://" not in folder or folder.startswith("file:"):
        local = to_path(folder)
        names = sorted(path.name for path in local.iterdir()) if local.is_dir() else []
    else:
        below = (
            item.uri.rpartition(f"{folder.rstrip('/').rpartition('/')[2]}/")[2] for item in store.list(f"{folder}/")
        )
        names = list(dict.fromkeys(sorted(name.partition("/")[0] for name in below)))
    plain = folder.rstrip("/")
    return tuple(name if plain == "." else f"{plain}/{name}" for name in names if name and name[0] not in "._")


def _first_of_each(uris: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for uri in uris:
        found.setdefault(uri.rpartition("/")[0], uri)
        if len(found) == _MOST:
            break
    return tuple(found.values())


def _walk(folder: Path) -> Iterator[str]:
    """Yield the files below a folder, of very many the first."""
    visited = 0
    for parent, folders, names in os.walk(folder):
        folders.sort()
        visited += len(names) + len(folders)
        yield from (str(Path(parent, name)) for name in sorted(names))
        if visited > _VISITED:
            return
