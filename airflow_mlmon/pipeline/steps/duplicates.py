"""Finds the prediction ids that were taken on a day before: by their hashes first, then exactly.

An id is looked for in the versions that are served of the spec's `duplicates.days` days before, never in
later ones. Beside its rows each version has the hashes of its ids. Where one of the night's is among them,
and only there, the ids themselves are read, so that no row is set aside by mistake. Days are gone through
one by one: what is in memory are the night's ids, and the hashes of one day more.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from airflow_mlmon.errors import DataError, NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import CURATED
from airflow_mlmon.profiles.engine.id_hashes import IdHashes, hash_ids

log = logging.getLogger(__name__)

ID_HASHES = "id_hashes.parquet"

Positions = npt.NDArray[np.int64]

_BATCH = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Rows whose id was taken before.

    Attributes:
        rows: By day, the earliest first, the positions of the rows whose id was taken then.
        versions: The version of each day that was looked through, None where none is served.
        problem: Where ids could not be looked for, in words.
    """

    rows: Mapping[date, Positions] = field(default_factory=dict)
    versions: Mapping[Partition, str | None] = field(default_factory=dict)
    problem: str = ""

    @property
    def digest(self) -> str:
        """Stands for these rows; empty where there are none."""
        content = hashlib.sha256()
        for day, positions in self.rows.items():
            content.update(f"{day} {len(positions)} ".encode() + positions.astype("<i8").tobytes())
        return content.hexdigest()[:12] if self.rows else ""


class _GoneError(Exception):
    """A version has no rows, or no ids, any more."""


def find_repeats(run: Run, partition: Partition, ids: pa.ChunkedArray) -> Repeats:
    """The rows of a night, by their ids, that were taken on a day before.

    Args:
        run: the model.
        partition: the night.
        ids: the ids of its rows as they are written; none is null, and none comes twice.
    """
    if run.spec.duplicates is None or not len(ids):
        return Repeats()
    run.progress("looking for duplicates in the days before")
    hashes = hash_ids(ids)
    order = np.argsort(hashes).astype(np.int64)
    hashes = hashes[order]
    rows: dict[date, Positions] = {}
    unsought = []
    versions = _versions_before(run, partition, run.spec.duplicates.days)
    for past, version in versions.items():
        found = _find_in(run, past, version, ids, (order, hashes))
        if found is None:
            unsought.append(past.key)
            continue
        if len(found):
            rows[past.day] = found
            # first seen wins: the days after need not be asked for these
            held = ~np.isin(order, found)
            order, hashes = order[held], hashes[held]
    return Repeats(rows=rows, versions=versions, problem=_in_words(unsought))


def write_id_hashes(run: Run, partition: Partition, version: str, ids: pa.ChunkedArray) -> None:
    """Keep the hashes of the ids that a version has taken, for the nights that follow."""
    if run.spec.duplicates is not None:
        _keep(run, run.version_uri(partition, version, ID_HASHES), IdHashes.of(ids))


def _versions_before(run: Run, partition: Partition, days: int) -> dict[Partition, str | None]:
    """What is served of so many days before, oldest first; of none before the model's first one."""
    past = [day for offset in range(days, 0, -1) if (day := partition.shift(-offset)).day >= run.spec.start]
    nights = run.store.nights(run.model, past[0].day, past[-1].day) if past else []
    versions = {night.partition.day: night.version for night in nights}
    return {day: versions.get(day.day) for day in past}


def _find_in(
    run: Run, partition: Partition, version: str | None, ids: pa.ChunkedArray, sought: tuple[Positions, Positions]
) -> Positions | None:
    """The positions of the ids that a version has taken; None when its ids cannot be had.

    `sought` are the positions that are looked at, in the order of their hashes, and these.
    """
    order, hashes = sought
    try:
        if version is None:
            return None
        suspects = order[_hashes_of(run, partition, version).find(hashes)]
        return _confirm(run, partition, version, ids, np.sort(suspects))
    except _GoneError:
        return None


def _hashes_of(run: Run, partition: Partition, version: str) -> IdHashes:
    """The hashes of the ids of a version, from the nearest place that has them."""
    uri = run.version_uri(partition, version, ID_HASHES)
    cached = _cached(run, uri)
    if cached is not None:
        return cached
    try:
        data = run.files.read(uri)
        hashes = IdHashes.from_bytes(data)
    except (NotFoundError, DataError):
        # the version was made before anybody wished to look through it
        parts = [hash_ids(pa.chunked_array([batch])) for batch in _ids_of(run, partition, version)]
        hashes = IdHashes(hashes=np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *parts])))
        _keep(run, uri, hashes)
        return hashes
    _cache(run, uri, data)
    return hashes


def _keep(run: Run, uri: str, hashes: IdHashes) -> None:
    data = hashes.to_bytes()
    run.files.write(uri, data)
    _cache(run, uri, data)


def _cached(run: Run, uri: str) -> IdHashes | None:
    if run.spec.duplicates is None or run.spec.duplicates.redis is None:
        return None
    data = run.storage.cache(run.spec.duplicates.redis).read(_key(uri))
    try:
        if data is not None:
            return IdHashes.from_bytes(data)
        log.info("Redis does not have %s: it is read from the workspace", uri)
    except DataError as error:
        log.warning("Redis has %s, but: %s It is read from the workspace", uri, error)
    return None


def _cache(run: Run, uri: str, data: bytes) -> None:
    wish = run.spec.duplicates
    if wish is not None and wish.redis is not None:
        kept = timedelta(days=wish.days + 1)
        run.storage.cache(wish.redis).write(_key(uri), data, seconds=int(kept.total_seconds()))


def _key(uri: str) -> str:
    # the URI names model, day and version, and a version names its content
    return f"mlmon:{uri}"


def _ids_of(run: Run, partition: Partition, version: str) -> Iterator[pa.Array]:
    """The ids that a version has taken, some at a time."""
    name = run.spec.id_column
    try:
        with (
            run.files.local_copy(run.version_uri(partition, version, CURATED)) as path,
            pq.ParquetFile(path, page_checksum_verification=True) as file,
        ):
            if name not in file.schema_arrow.names:
                raise _GoneError
            for batch in file.iter_batches(_BATCH, columns=[name]):
                yield batch.column(0)
    except NotFoundError:
        raise _GoneError from None


def _confirm(run: Run, partition: Partition, version: str, ids: pa.ChunkedArray, suspects: Positions) -> Positions:
    """Those of some positions whose ids a version has taken in truth."""
    wanted = ids.take(pa.array(suspects))
    found = np.zeros(len(suspects), dtype=np.bool_)
    for batch in _ids_of(run, partition, version) if len(suspects) else ():
        found |= pc.is_in(wanted, value_set=batch.cast(wanted.type)).to_numpy()
    return suspects[found]


def _in_words(days: list[str]) -> str:
    if not days:
        return ""
    which = days[0] if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    return f"duplicates could not be looked for in {which}: no rows are served"
