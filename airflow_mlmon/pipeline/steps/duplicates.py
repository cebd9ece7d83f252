"""Detection of prediction ids that were accepted on an earlier day, by hashes first and then exactly.

An id is searched in the served versions of the `duplicates.days` days before, never in later ones. Each version
stores the hashes of its ids beside its rows. Only if one of the day's hashes is among them, the ids themselves are
read, so that no row is quarantined by mistake. Days are searched one by one, and the
hashes of both in ranges: memory does not grow with the days.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.keyed import Keyed
from airflow_mlmon.archive.curation.reasons import ACCEPTED_BEFORE
from airflow_mlmon.archive.curation.spool import Positions
from airflow_mlmon.errors import DataError, NotFoundError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import open_curated
from airflow_mlmon.profiles.engine.id_hashes import IdHashes, find_common, hash_ids, read_hashes, write_hashes
from airflow_mlmon.profiles.values.arrow import to_flag_array, to_numpy
from airflow_mlmon.statistics.arrays import Integers
from airflow_mlmon.storage.scratch import scratch_file, scratch_folder

log = logging.getLogger(__name__)

ID_HASHES = "id_hashes.parquet"

_BATCH = 1 << 16
# hashes that both days have, whose ids are compared at a time
_AT_ONCE = 1 << 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Rows whose id was accepted before.

    Attributes:
        rows: By day, the earliest first, the positions of the rows whose id was accepted then.
        versions: The version of each searched day; None if none is served.
        problem: The days that could not be searched, with the reason.
    """

    rows: Mapping[date, Positions] = field(default_factory=dict)
    versions: Mapping[Partition, str | None] = field(default_factory=dict)
    problem: str = ""

    @property
    def reasons(self) -> dict[str, Positions]:
        """Return the rows by the reason for which they are quarantined."""
        return {f"{ACCEPTED_BEFORE} on {day}": positions for day, positions in self.rows.items()}

    @property
    def digest(self) -> str:
        """Return a hash of these rows; empty if there are none."""
        content = hashlib.sha256()
        for day, positions in self.rows.items():
            content.update(f"{day} {len(positions)} ".encode() + positions.astype("<i8").tobytes())
        return content.hexdigest()[:12] if self.rows else ""


class _GoneError(Exception):
    """Error of a version whose rows or ids are missing."""


def find_repeats(run: Run, partition: Partition, accepted: Keyed) -> Repeats:
    """Find the rows of a day whose ids were accepted on an earlier day.

    Args:
        run: the model.
        partition: the day.
        accepted: its rows by their ids, without duplicates.
    """
    if run.spec.duplicates is None or not accepted.rows.rows:
        return Repeats()
    run.progress("searching earlier days for duplicates")
    rows: dict[date, Positions] = {}
    known = np.zeros(0, dtype=np.int64)
    unsought = []
    versions = _versions_before(run, partition, run.spec.duplicates.days)
    for past, version in versions.items():
        found = _find_in(run, past, version, accepted)
        if found is None:
            unsought.append(past.key)
            continue
        # the earliest day wins
        found = np.setdiff1d(found, known)
        if len(found):
            rows[past.day] = found
            known = np.union1d(known, found)
    return Repeats(rows=rows, versions=versions, problem=_in_words(unsought))


def write_id_hashes(run: Run, partition: Partition, version: str, accepted: Keyed) -> None:
    """Write the hashes of the accepted ids of a version, for later days."""
    if run.spec.duplicates is not None:
        keep_id_hashes(run, partition, version, accepted.ranges(), accepted.rows.rows)


def keep_id_hashes(run: Run, partition: Partition, version: str, ranges: Iterable[Integers], count: int) -> None:
    """Write the hashes of the ids of a version, which come ascending in ranges."""
    uri = run.version_uri(partition, version, ID_HASHES)
    with scratch_file(".parquet") as file:
        write_hashes(file, ranges, count)
        file.flush()
        run.files.upload(uri, Path(file.name))
        _cache(run, uri, Path(file.name))


def _versions_before(run: Run, partition: Partition, days: int) -> dict[Partition, str | None]:
    """Return the served versions of the days before, oldest first; none before the model's first day."""
    past = [day for offset in range(days, 0, -1) if (day := partition.shift(-offset)).day >= run.spec.start]
    states = run.store.states(run.model, past[0].day, past[-1].day) if past else []
    versions = {state.partition.day: state.version for state in states}
    return {day: versions.get(day.day) for day in past}


def _find_in(run: Run, partition: Partition, version: str | None, accepted: Keyed) -> Positions | None:
    """Return the positions of the ids that a version has accepted; None if its ids are missing."""
    try:
        if version is None:
            return None
        common = _find_common(run, partition, version, accepted)
        found = [np.zeros(0, dtype=np.int64)]
        for start in range(0, len(common), _AT_ONCE):
            hashes = IdHashes(hashes=common[start : start + _AT_ONCE])
            suspects = accepted.positions_of(hashes.hashes)
            ids = accepted.rows.take(suspects, [run.spec.id_column]).column(0)
            found.append(suspects[_confirm(run, partition, version, ids, hashes)])
        return np.sort(np.concatenate(found))
    except _GoneError:
        return None


def _find_common(run: Run, partition: Partition, version: str, accepted: Keyed) -> Integers:
    """Return the hashes of accepted ids that a version has too, from the fastest place that has its hashes."""
    uri = run.version_uri(partition, version, ID_HASHES)
    cached = _cached(run, uri)
    if cached is not None:
        return find_common(accepted.ranges(), [cached.hashes])
    try:
        with run.files.local_copy(uri) as path:
            common = find_common(accepted.ranges(), read_hashes(path))
            _cache(run, uri, path)
    except (NotFoundError, DataError):
        # the version was written before duplicates were declared in the spec
        with scratch_folder() as folder:
            hashes = HashLog(folder / "ids.hashes")
            for batch in _ids_of(run, partition, version):
                hashes.add(_hash(batch))
            keep_id_hashes(run, partition, version, hashes.ranges(), hashes.rows)
            return find_common(accepted.ranges(), hashes.ranges())
    return common


def _cached(run: Run, uri: str) -> IdHashes | None:
    if run.spec.duplicates is None or run.spec.duplicates.redis is None:
        return None
    data = run.storage.cache(run.spec.duplicates.redis).read(_key(uri))
    try:
        if data is not None:
            return IdHashes.from_bytes(data)
        log.info("Redis does not have %s; reading it from the workspace", uri)
    except DataError as error:
        log.warning("Redis has a damaged %s: %s Reading it from the workspace", uri, error)
    return None


def _cache(run: Run, uri: str, path: Path) -> None:
    wish = run.spec.duplicates
    if wish is not None and wish.redis is not None:
        kept = timedelta(days=wish.days + 1)
        run.storage.cache(wish.redis).write(_key(uri), path.read_bytes(), seconds=int(kept.total_seconds()))


def _key(uri: str) -> str:
    # the URI contains model, day and version, and a version identifies its content
    return f"mlmon:{uri}"


def _ids_of(run: Run, partition: Partition, version: str) -> Iterator[pa.Array]:
    """Yield the ids that a version has accepted, in blocks."""
    name = run.spec.id_column
    try:
        with open_curated(run, partition, version) as rows:
            if name not in rows.names:
                raise _GoneError
            for batch in rows.batches([name], size=_BATCH):
                yield batch.column(0).chunk(0)
    except NotFoundError:
        raise _GoneError from None


def _confirm(
    run: Run, partition: Partition, version: str, ids: pa.ChunkedArray, hashes: IdHashes
) -> npt.NDArray[np.bool_]:
    """Mark the ids that the version contains exactly; the hashes are those of the ids, ascending."""
    held = [batch.filter(to_flag_array(hashes.find(_hash(batch)))) for batch in _ids_of(run, partition, version)]
    known = pa.chunked_array(held, pa.string()) if held else pa.chunked_array([], pa.string())
    found: npt.NDArray[np.bool_] = to_numpy(pc.is_in(ids, value_set=known.cast(ids.type)))
    return found


def _hash(ids: pa.Array) -> Integers:
    return hash_ids(pa.chunked_array([ids]))


def _in_words(days: list[str]) -> str:
    if not days:
        return ""
    which = days[0] if len(days) == 1 else f"{len(days)} days from {days[0]} to {days[-1]}"
    return f"duplicates were not searched in {which}: no rows are served"
