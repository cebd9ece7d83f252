"""Readiness of a day: the signs that its files are complete."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow_mlmon.archive.layouts.layout import Scanned, moments_of, scan, wanted_of
from airflow_mlmon.archive.layouts.patterns import Pattern
from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.storage import ObjectStore, StoredObject


def explain_unready(
    store: ObjectStore, predictions: Predictions, partition: Partition, now: datetime | None = None
) -> str:
    """Say which sign of a complete day is missing; empty if the day is complete, or the spec asks for no sign.

    Without `now`, the time since the last write does not count.
    """
    ready = predictions.ready
    if ready is None:
        return ""
    wanted = wanted_of(predictions, partition)
    scanned = {
        path: scan(store, Pattern(path), moments_of(predictions, path, partition), wanted) for path in predictions.paths
    }
    objects = [one for found in scanned.values() for one in found]
    problems = []
    for name in filter(None, (ready.marker, ready.manifest)):
        absent = [
            folder
            for path, found in scanned.items()
            for folder in _folders_without(name, Pattern(path), moments_of(predictions, path, partition), found)
        ]
        if absent:
            more = f" and {len(absent) - 1} more folders" if len(absent) > 1 else ""
            at_root = [root for path in scanned if _find_at_root(store, root := Pattern(path).root, name)]
            hint = f", but one in {at_root[0]}: did you mean `ready: {{root: {name}}}`?" if at_root else ""
            problems.append(f"no {name} in {absent[0]}{more}{hint}")
    if ready.root:
        problems += [problem for path in scanned if (problem := _explain_root(store, path, ready.root, partition.end))]
    if ready.manifest:
        problems += list(_absent_files(store, objects, ready.manifest))
    files = [one.item for one in objects if not one.reason]
    if ready.min_files and len(files) < ready.min_files:
        problems.append(f"{len(files)} files of at least {ready.min_files}")
    if ready.unchanged_minutes and now is not None:
        earliest = now - timedelta(minutes=ready.unchanged_minutes)
        if now < partition.end or any(file.modified is None or file.modified > earliest for file in files):
            problems.append(f"files were written within {ready.unchanged_minutes:g} minutes")
    return "; ".join(problems)


def _folders_without(name: str, pattern: Pattern, moments: list[datetime], scanned: list[Scanned]) -> Iterator[str]:
    """Yield the folders of the day that lack a file directly in them: one for each moment, and all that hold data."""
    matches = [(one.match, one.reason) for one in scanned if one.match is not None]
    there = {match.folder for match, _ in matches if match.rest == name}
    filled = {match.folder: match.time for match, reason in matches if not reason}
    times = {match.time for match, _ in matches if match.folder in there} | set(filled.values())
    yield from (folder for folder in filled if folder not in there)
    yield from (pattern.fill(moment) for moment in moments if pattern.time_of(moment) not in times)


def _explain_root(store: ObjectStore, path: str, name: str, end: datetime) -> str:
    root = Pattern(path).root
    found = _find_at_root(store, root, name)
    if not found:
        return f"no {name} in {root}"
    modified = found[0].modified
    return "" if modified is not None and modified >= end else f"{name} in {root} was not written since the day ended"


def _find_at_root(store: ObjectStore, root: str, name: str) -> list[StoredObject]:
    return [item for item in store.list(f"{root}{name}") if item.uri == f"{root}{name}"]


def _absent_files(store: ObjectStore, objects: list[Scanned], name: str) -> Iterator[str]:
    """Yield what a manifest in a folder of the day names and is not there, or is of another size."""
    sizes = {one.item.uri: one.item.size for one in objects}
    for one in objects:
        if one.match is None or one.match.rest != name:
            continue
        for named, size in read_manifest(store.read(one.item.uri)):
            uri = named if named in sizes else f"{one.match.folder}{named}"
            if uri not in sizes:
                yield f"{named}, which {name} lists, is absent"
            elif size is not None and size != sizes[uri]:
                yield f"{named} has {sizes[uri]} of the {size} bytes that {name} lists"


def read_manifest(content: bytes) -> list[tuple[str, int | None]]:
    r"""Read the names of the files that a manifest lists, and their sizes where it says them.

    >>> read_manifest(b'{"entries": [{"url": "s3://b/x", "meta": {"content_length": 7}}]}')
    [('s3://b/x', 7)]
    >>> read_manifest(b'[{"prefix": "s3://b/out/"}, "a.csv.out"]'), read_manifest(b"s3://b/x\n")
    ([('s3://b/out/a.csv.out', None)], [('s3://b/x', None)])
    """
    text = content.decode("utf-8", errors="replace")
    try:
        found = json.loads(text)
    except ValueError:
        return [(line.strip(), None) for line in text.splitlines() if line.strip()]
    if isinstance(found, dict):
        found = next((found[key] for key in ("entries", "files", "manifest") if isinstance(found.get(key), list)), [])
    return list(_entries(found)) if isinstance(found, list) else []


def _entries(found: list[Any]) -> Iterator[tuple[str, int | None]]:
    prefix = ""
    for entry in found:
        if isinstance(entry, str):
            yield f"{prefix}{entry}", None
        elif isinstance(entry, dict) and isinstance(entry.get("prefix"), str):
            prefix = entry["prefix"]
        elif isinstance(entry, dict):
            name = next((entry[key] for key in ("url", "uri", "path", "name") if isinstance(entry.get(key), str)), None)
            meta = entry.get("meta")
            size = meta.get("content_length") if isinstance(meta, dict) else entry.get("size")
            if name is not None:
                yield name, size if isinstance(size, int) else None
