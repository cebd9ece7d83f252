"""Files of the workspace that can be pruned, by kind, day and version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from airflow_mlmon.pipeline.retention.notice import is_notice
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec.retention import Stored
from airflow_mlmon.storage.objects import StoredObject

_PAGES, _EVIDENTLY = frozenset({"report.html", "columns.html"}), "evidently"
_LOADED = "loaded.json"
_NEVER = datetime.max.replace(tzinfo=UTC)

_Place = tuple[Stored, date | None, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFiles:
    """Files of one kind.

    Attributes:
        stored: The kind.
        day: Their day; None of a reference.
        version: The superseded version that they are; empty of what is served.
        objects: The files.
    """

    stored: Stored
    day: date | None
    version: str
    objects: tuple[StoredObject, ...]

    @property
    def written(self) -> datetime:
        """Return when the last of them was written; where a store does not tell, it counts as just now."""
        return max(item.modified or _NEVER for item in self.objects)

    @property
    def size(self) -> int:
        """Return their bytes."""
        return sum(item.size for item in self.objects)


def list_stored(run: Run) -> list[StoredFiles]:
    """List what of a model's files can be pruned, in the order of kinds and days.

    Profiles, manifests and notes of served versions are not among them: they are small, and every later evaluation
    is made of them.
    """
    found: dict[_Place, list[StoredObject]] = {}
    for listed in (_versions(run), _shards(run), _deliveries(run), _references(run), _reports(run), _druid_inputs(run)):
        for place, item in listed:
            found.setdefault(place, []).append(item)
    order = list(Stored)
    return [
        StoredFiles(stored=stored, day=day, version=version, objects=tuple(objects))
        for (stored, day, version), objects in sorted(
            found.items(), key=lambda entry: (order.index(entry[0][0]), entry[0][1] or date.min, entry[0][2])
        )
    ]


def _versions(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    states = run.store.states(run.model, date.min, date.max)
    served = {state.partition.day: state.version for state in states}
    for (key, version, *_, name), item in _listed(run, run.uri("partitions"), parts=3):
        day = _day_of(key)
        if day is None:
            continue
        if version != served.get(day):
            yield (Stored.SUPERSEDED, day, version), item
        elif name.endswith(".parquet"):
            # whatever has rows is a table
            yield (Stored.QUARANTINE if name.startswith("quarantine") else Stored.ROWS, day, ""), item


def _shards(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    """Yield what tasks of a divided day hand on, and leave where the day was given up."""
    for (key, *_), item in _listed(run, run.uri("shards"), parts=2):
        if (day := _day_of(key)) is not None:
            yield (Stored.SUPERSEDED, day, "shards"), item


def _deliveries(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    current = {one.partition.day: one.version for one in run.store.deliveries(run.model, date.min, date.max)}
    for (key, *_, name), item in _listed(run, run.uri("deliveries"), parts=2):
        day, version = _day_of(key), name.partition(".")[0]
        if day is None:
            continue
        if version != current.get(day):
            yield (Stored.SUPERSEDED, day, f"delivery {version}"), item
        elif name.endswith(".parquet"):
            yield (Stored.ROWS, day, f"delivery {version}"), item


def _references(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    pinned = run.store.current_schema(run.model)
    for (folder, *_), item in _listed(run, run.uri("reference"), parts=2):
        # of versions that an alias has named
        is_named = pinned is not None and folder.startswith(f"{pinned.fingerprint}-v")
        if pinned is not None and folder != pinned.folder and not is_named:
            yield (Stored.SUPERSEDED, None, f"reference {folder}"), item


def _reports(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    for (key, *_, name), item in _listed(run, run.report_uri(), parts=2):
        day = _day_of(key)
        if day is None or is_notice(item):
            continue
        if name in _PAGES:
            yield (Stored.PAGES, day, ""), item
        elif name.startswith(_EVIDENTLY):
            yield (Stored.EVIDENTLY, day, ""), item


def _druid_inputs(run: Run) -> Iterator[tuple[_Place, StoredObject]]:
    for (_, key, *_, name), item in _listed(run, run.uri("druid"), parts=3):
        day = _day_of(key)
        if day is not None and name != _LOADED:
            yield (Stored.DRUID_INPUTS, day, ""), item


def _listed(run: Run, folder: str, *, parts: int) -> Iterator[tuple[list[str], StoredObject]]:
    """List a folder, with the parts of each path below it; shorter paths are left out."""
    # a store may format the address of a folder differently
    marker = f"/{'/'.join(folder.rstrip('/').split('/')[-2:])}/"
    for item in run.files.list(f"{folder.rstrip('/')}/"):
        names = item.uri.rpartition(marker)[2].split("/")
        if len(names) >= parts:
            yield names, item


def _day_of(key: str) -> date | None:
    try:
        return date.fromisoformat(key)
    except ValueError:
        return None
