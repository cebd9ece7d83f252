"""The hashes of ids: none that is there is missed, and damage is noticed."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_mlmon.errors import DataError
from airflow_mlmon.pipeline.workspace.partition_files import to_parquet
from airflow_mlmon.profiles.engine import id_hashes
from airflow_mlmon.profiles.engine.id_hashes import IdHashes, find_common, hash_ids, read_hashes, write_hashes
from airflow_mlmon.statistics.arrays import Integers

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=40))


def chunked(*parts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array(list(parts), pa.string())


@given(TEXTS, TEXTS, TEXTS)
def test_every_id_that_is_there_is_found(past, new, common):
    held = IdHashes.of(chunked(past, common))

    assert held.find(hash_ids(chunked(new, common)))[len(new) :].all()


def test_hardly_an_id_that_is_not_there_is_found():
    held = IdHashes.of(chunked([f"{n:09d}" for n in range(100_000)]))

    assert not held.find(hash_ids(chunked([f"{n:09d}" for n in range(100_000, 200_000)]))).any()


def test_hashes_do_not_depend_on_how_the_ids_are_cut():
    ids = [f"id-{n}" for n in range(70_000)]

    whole, cut = hash_ids(chunked(ids)), hash_ids(chunked(ids[:3], [], ids[3:]).slice(0))

    assert (whole == cut).all()
    assert (hash_ids(chunked(ids).slice(5, 7)) == whole[5:12]).all()


@given(TEXTS)
def test_hashes_come_back_from_their_bytes(texts):
    held = IdHashes.of(chunked(texts))

    assert (IdHashes.from_bytes(held.to_bytes()).hashes == held.hashes).all()


def test_no_ids_find_nothing():
    none = IdHashes.from_bytes(IdHashes.of(chunked([])).to_bytes())

    assert not none.find(hash_ids(chunked(["a"]))).any()


def test_a_million_ids_take_less_than_six_megabytes():
    hashes = np.sort(np.random.default_rng(1).integers(0, 2**63 - 1, 1_000_000))

    assert len(IdHashes(hashes=hashes).to_bytes()) < 6_000_000


def test_ranges_of_any_size_are_written_alike(monkeypatch):
    hashes = np.sort(np.random.default_rng(1).integers(0, 2**63 - 1, 1_000))
    monkeypatch.setattr(id_hashes, "_GROUP", 64)
    sinks = [io.BytesIO() for _ in range(3)]

    for sink, parts in zip(sinks, (1, 7, 200), strict=True):
        write_hashes(sink, np.array_split(hashes, parts), len(hashes))

    assert {sink.getvalue() for sink in sinks} == {IdHashes(hashes=hashes).to_bytes()}
    assert (np.concatenate(list(read_hashes(sinks[0]))) == hashes).all()
    with pytest.raises(DataError, match="incomplete"):
        list(read_hashes(written(hashes, 1_001)))


def written(hashes: Integers, count: int) -> io.BytesIO:
    sink = io.BytesIO()
    write_hashes(sink, [hashes], count)
    return sink


@given(st.sets(st.integers(0, 60)), st.sets(st.integers(0, 60)), st.integers(1, 9), st.integers(1, 9))
def test_common_hashes_are_found_in_ranges_of_any_size(first, second, some, others):
    one, two = (np.array(sorted(values), dtype=np.int64) for values in (first, second))

    found = find_common(np.array_split(one, some), np.array_split(two, others))

    assert found.tolist() == sorted(first & second)


GOOD = IdHashes.of(chunked([f"id-{n}" for n in range(30)])).to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"other bytes", id="other"),
        pytest.param(GOOD[:-9], id="cut"),
        pytest.param(to_parquet(pa.table({"hash": [1, 2]})), id="file-of-another"),
        pytest.param(IdHashes(hashes=np.array([2, 1])).to_bytes(), id="out-of-order"),
    ],
)
def test_damage_is_noticed(data):
    with pytest.raises(DataError, match="damaged"):
        IdHashes.from_bytes(data)


def test_no_flipped_bit_changes_the_hashes_unnoticed():
    flipped = (GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :] for at in range(len(GOOD)))

    assert {read_or_nothing(data) for data in flipped} == {(), read_or_nothing(GOOD)}


def read_or_nothing(data: bytes) -> tuple[int, ...]:
    try:
        return tuple(IdHashes.from_bytes(data).hashes.tolist())
    except DataError:
        return ()
