"""Columns derived from texts, whose names have a dot: Druid serves them, and counts them as the local engine does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from airflow_mlmon.druid.profiling import profile_datasource
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.workspace.curated import read_curated
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.profiles.engine.local import profile_table
from tests.integration.test_day_texts import COLUMNS, with_texts
from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, to_bytes
from tests.support.druid.operator import ingested
from tests.support.nightly_model import evaluate_day
from tests.support.runs import opened, write_file

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]


def test_derived_columns_are_served_and_counted_as_they_are_locally(client, tmp_path):
    archive = Archive(str(tmp_path / "archive"), write_file)
    past = [with_texts(FIRST - timedelta(days=n)) for n in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    archive.write_predictions(FIRST, with_texts(FIRST))
    day = Partition.of_day("texts", FIRST)
    with opened(tmp_path, archive, COLUMNS, ("model: loans", "model: texts")) as run:
        rows = read_curated(run, day, evaluate_day(run, day))
        ingested(run, client, FIRST)
        schema = ensure_reference(run).schema
        # vectors, and what is derived when rows are profiled, are left to the local engine
        of_druid = (one for one in schema.columns if one.name != "embedding" and one.derived is None)
        scalar = replace(schema, columns=tuple(of_druid))
        types = {name: column.type for name, column in run.spec.columns.items()}

        counted = profile_datasource(client, "texts_predictions", day, scalar, types)

    assert {"note.length", "note.pattern", "note.matches"} <= set(counted.columns)
    assert counted.to_bytes() == profile_table(rows, scalar).to_bytes()
