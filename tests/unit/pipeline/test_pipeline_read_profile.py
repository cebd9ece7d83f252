"""Profiles that are read: the one read last is decoded once, as long as its file says the same."""

from __future__ import annotations

import pyarrow as pa
import pytest

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.engine.local import profile_table
from tests.support.profiles import make_schema, numeric_schema
from tests.support.runs import local_archive, opened


@pytest.fixture
def run(tmp_path):
    with opened(tmp_path, local_archive(tmp_path, days=1)) as run:
        yield run


def write_profile(run, rows: int) -> str:
    profile = profile_table(pa.table({"x": pa.array([1.0] * rows)}), make_schema(numeric_schema()))
    uri = run.uri("some.profile")
    run.files.write(uri, profile.to_bytes())
    return uri


def test_a_profile_that_is_read_again_is_decoded_once(run):
    uri = write_profile(run, 2)

    assert read_profile(run, uri) is read_profile(run, uri)


def test_a_profile_that_was_replaced_is_decoded_anew(run):
    before = read_profile(run, write_profile(run, 2))
    after = read_profile(run, write_profile(run, 3))

    assert (before.rows, after.rows) == (2, 3)


def test_a_profile_that_is_gone_is_not_found_though_it_was_read(run):
    uri = write_profile(run, 2)
    read_profile(run, uri)
    run.files.delete(uri)

    with pytest.raises(NotFoundError):
        read_profile(run, uri)
