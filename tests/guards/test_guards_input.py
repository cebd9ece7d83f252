"""Input that would run, if it were let, and a day of headers alone."""

from __future__ import annotations

import pickle
import time
from pathlib import Path

import pyarrow as pa
import pytest

import airflow_mlmon
from airflow_mlmon.archive.curation.texts import derive_texts
from airflow_mlmon.errors import ConfigError, DataError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.records import Status
from airflow_mlmon.spec import Column, ColumnType, Role
from airflow_mlmon.tables.files import read_path
from tests.support.base_day import FIRST, SPEC, BaseArchive, day_of, day_table


class Planted:
    """An object that makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


@pytest.mark.guards("fault-08")
def test_headers_alone_are_no_data(tmp_path):
    archive = BaseArchive(tmp_path)
    header = ",".join(day_table(FIRST, 0).column_names).encode() + b"\n"
    archive.write_day(FIRST)
    archive.write_day(FIRST, header, "header.csv")
    archive.write_day(day_of(1), header, "header.csv")

    with archive.opened() as run:
        beside, alone = (prepare_partition(run, run.partition(day_of(number))) for number in range(2))

    assert (beside.status, beside.message, beside.files) == (Status.OK, "", 2)
    assert (alone.status, alone.rows_read) == (Status.NO_DATA, 0)


@pytest.mark.guards("attack-yaml")
def test_a_spec_makes_no_object(tmp_path):
    trace = tmp_path / "ran"
    made = f"start: !!python/object/apply:os.mknod [{trace}]"

    with pytest.raises(ConfigError, match="could not determine a constructor"):
        parse_spec(SPEC.format(root=tmp_path).replace("start: 2026-03-01", made), "m.yaml")

    assert not trace.exists()


@pytest.mark.guards("attack-pickle")
@pytest.mark.parametrize("name", ["rows.pkl", "rows.pickle", "rows.joblib", "rows"])
def test_a_pickle_is_of_no_known_format(tmp_path, name):
    trace, path = tmp_path / "ran", tmp_path / name
    path.write_bytes(pickle.dumps(Planted(trace)))

    with pytest.raises(ConfigError, match="has an unsupported extension"):
        airflow_mlmon.profile(path)
    with pytest.raises(DataError, match="is of no known format"):
        list(read_path(path, name))

    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - the trap does spring
    assert trace.exists()


@pytest.mark.guards("attack-regex")
def test_a_regular_expression_takes_linear_time():
    declared = {"note": Column(type=ColumnType.STRING, role=Role.TEXT, regex="(a+)+$")}
    texts = pa.table({"note": ["a" * 26 + "!"] * 3})
    start = time.process_time()

    derived = derive_texts(texts, declared)

    assert derived.column("note.matches").to_pylist() == [False] * 3
    assert time.process_time() - start < 1
