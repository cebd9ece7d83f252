"""No row of a damaged file is lost without a word: files are read, refused or passed over, rows curated or quarantined.

FUZZED_FILES=10000 (`make fuzz`) draws more of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from airflow_mlmon.archive.curation.intake import take_in
from airflow_mlmon.archive.curation.manifest import SourceFile
from airflow_mlmon.archive.layouts.layout import list_below
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.partition import Partition
from airflow_mlmon.storage.local import LocalStore
from tests.support.curated import source_of, to_tables
from tests.support.fuzzed import SIDECARS, START, FuzzedFile, fuzzed_files

FILES = int(os.environ.get("FUZZED_FILES", "500"))
A_DAY = 25
SPEC = parse_spec(
    """\
model: m
task: none
start: 2026-03-01
predictions:
  path: /nowhere/dt={date}/
  columns:
    id: {type: string, role: id}
    at: {type: timestamp, role: time}
    amount: {type: float}
    country: {type: category}
    count: {type: integer}
reference: {path: /nowhere/reference/}
""",
    "m.yaml",
)
DAY = Partition.of_day("m", START.date())


def check_file(number: int, file: FuzzedFile, data: bytes, read: SourceFile) -> None:
    """Check the account of a file against an independent count of its rows."""
    if not file.damages and file.rows:
        assert not read.problem, (number, file.ending, read.problem)
    if not read.problem:
        assert read.rows == file.count(data), (number, file)


@settings(
    max_examples=-(-FILES // A_DAY),
    derandomize=True,
    # a failure names its file; to shrink days of 25 files takes minutes
    phases=[Phase.generate],
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(files=fuzzed_files(A_DAY))
def test_each_file_and_each_row_is_accounted_for(files):
    with TemporaryDirectory() as folder, TemporaryDirectory() as scratch:
        written = {}
        for number, file in enumerate(files):
            path = Path(folder, f"{number:03}{file.ending}")
            written[str(path)] = (number, file, file.to_bytes(number))
            path.write_bytes(written[str(path)][2])
        for name in SIDECARS:
            Path(folder, name).parent.mkdir(exist_ok=True)
            Path(folder, name).write_bytes(b"id,at\n1,2\n")

        listing = list_below(LocalStore(), folder)
        curated = to_tables(take_in(source_of(folder, SPEC, DAY), SPEC, DAY, hash_key=b"key", folder=Path(scratch)))

        listed = {file.uri for file in curated.files} | {one.uri for one in listing.passed_over}
        assert listed == {str(path) for path in Path(folder).rglob("*") if path.is_file()}
        for read in curated.files:
            check_file(*written[read.uri], read)
        counted = sum(read.rows or 0 for read in curated.files if not read.problem)
        assert counted == curated.rows.num_rows + curated.quarantine.num_rows + curated.errors.num_rows
        assert curated.quarantine.num_rows == sum(curated.reasons.values())


@pytest.mark.parametrize("count", [0, 1])
def test_file_of_few_rows_is_accounted_for(count):
    file = FuzzedFile(".csv", [(1.0, "DE", 1)] * count, ())

    assert file.count(file.to_bytes(0)) == count
