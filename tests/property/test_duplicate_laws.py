"""A row is set aside if and only if its id was taken on one of the days before, whatever the hashes say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.duplicates import ID_HASHES, find_repeats
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.partition_files import to_parquet
from airflow_mlmon.profiles.engine.id_hashes import IdHashes
from tests.support.archive import FIRST, Archive
from tests.support.curated import accepted_rows
from tests.support.published import partition_state
from tests.support.runs import opened, write_file

DAYS = 3
LAST = Partition.of_day("loans", FIRST).shift(DAYS + 1)
IDS = st.lists(st.sampled_from([f"id-{n}" for n in range(12)]), unique=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Iterator[Run]:
    folder: Path = tmp_path_factory.mktemp("laws")
    archive = Archive(str(folder / "archive"), write_file)
    with opened(folder, archive, ("labels:", f"duplicates: {{days: {DAYS}}}\nlabels:")) as run:
        for offset in range(1, DAYS + 2):
            past = LAST.shift(-offset)
            run.store.publish(partition_state(past, version=past.key), [], supersedes=None)
        yield run


def chunked(ids: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([ids[:2], ids[2:]], pa.string())


def write(run: Run, offset: int, taken: list[str], hashed: list[str] | None) -> None:
    """One day of the past; `hashed` are the ids whose hashes lie beside its rows, None where none do."""
    past = LAST.shift(-offset)
    folder = Path(run.version_uri(past, past.key, ""))
    write_file(curated_uri(run, past, past.key), to_parquet(pa.table({"id": chunked(taken)})))
    if hashed is None:
        (folder / ID_HASHES).unlink(missing_ok=True)
    else:
        write_file(str(folder / ID_HASHES), IdHashes.of(chunked(hashed)).to_bytes())


def set_aside(run: Run, ids: list[str]) -> dict[str, str]:
    """By id, the day on which it was seen first."""
    with tempfile.TemporaryDirectory() as folder:
        found = find_repeats(run, LAST, accepted_rows(Path(folder), chunked(ids))).rows
    return {ids[position]: str(day) for day, positions in found.items() for position in positions}


def expected(ids: list[str], past: Mapping[int, list[str]]) -> dict[str, str]:
    first = {id_: LAST.shift(-offset).key for offset, taken in sorted(past.items()) for id_ in taken}
    return {id_: day for id_, day in first.items() if id_ in ids}


LAWS = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAWS
@given(ids=IDS, past=st.fixed_dictionaries(dict.fromkeys(range(1, DAYS + 2), IDS)), kept=st.booleans())
def test_exactly_the_ids_of_the_days_before_are_found_on_the_first_of_them(run, ids, past, kept):
    for offset, taken in past.items():
        write(run, offset, taken, taken if kept else None)
    within = {offset: taken for offset, taken in past.items() if offset <= DAYS}

    assert set_aside(run, ids) == expected(ids, within)


@LAWS
@given(ids=IDS, taken=IDS, hashed=IDS)
def test_an_id_that_was_not_taken_is_never_found_whatever_the_hashes_say(run, ids, taken, hashed):
    for offset in range(1, DAYS + 2):
        write(run, offset, taken, hashed)

    assert set(set_aside(run, ids)) == set(ids) & set(taken) & set(hashed)
