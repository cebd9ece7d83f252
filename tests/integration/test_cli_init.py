"""`mlmon init` on a small archive: its spec passes `mlmon check`, and days can be run with it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_mlmon.archive.drafting.sample import find_samples, read_sample
from airflow_mlmon.cli.main import main
from airflow_mlmon.errors import ConfigError, DataError, SchemaMismatchError
from airflow_mlmon.storage import Storage
from tests.support.archive import FIRST, to_bytes
from tests.support.runs import local_archive, write_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    local_archive(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(data: str) -> list[str]:
    return find_samples(Storage(), data)


@pytest.mark.parametrize(
    "data",
    [
        "archive/reference",
        "archive/reference/part-0.parquet",
        "archive/predictions",
        "archive/predictions/dt=*/part-?.parquet",
    ],
)
def test_the_draft_of_any_sample_passes_check(folder, data, capsys):
    assert main(["init", data, "--output", "draft.yaml"]) == 0

    assert main(["check", "draft.yaml"]) == 0
    assert "3 features" in capsys.readouterr().out


def test_a_day_runs_on_the_draft(folder, monkeypatch, capsys):
    monkeypatch.setenv("AIRFLOW_HOME", str(folder / "home"))
    monkeypatch.setenv("AIRFLOW__MLMON__HASH_KEY", "k" * 32)
    main(["init", "archive/predictions", "--output", "draft.yaml", "--model", "loans"])

    assert main(["run", "draft.yaml", "--partition", str(FIRST), "--json"]) == 0
    assert '"status": "OK"' in capsys.readouterr().out


def test_nothing_is_overwritten(folder, capsys):
    (folder / "draft.yaml").write_text("mine")

    assert main(["init", "archive/reference", "--output", "draft.yaml"]) == 2
    assert (folder / "draft.yaml").read_text() == "mine"
    assert "draft.yaml exists" in capsys.readouterr().err


def test_a_draft_to_standard_output_is_the_spec_alone(folder, capsys):
    assert main(["init", "archive/reference"]) == 0

    out, err = capsys.readouterr()
    assert out.startswith("# The spec of one monitored model")
    assert err.startswith("personal: of email only a keyed hash is kept: set AIRFLOW__MLMON__HASH_KEY")
    assert "example.com" not in out


def test_no_files_is_said(folder):
    with pytest.raises(ConfigError, match=r"No data files found"):
        files_of("archive/nothing")


def test_a_damaged_file_is_named(folder):
    write_file("archive/reference/part-1.parquet", b"PAR1")

    with pytest.raises(DataError, match=r"part-1\.parquet is not a readable"):
        read_sample(Storage(), files_of("archive/reference"))


def test_mixed_types_name_file_and_column(folder):
    write_file("mixed/a.parquet", to_bytes(pa.table({"x": [1.0], "d": [date(2026, 1, 1)]})))
    write_file("mixed/b.parquet", to_bytes(pa.table({"x": ["one"]})))

    with pytest.raises(SchemaMismatchError, match=r"b\.parquet: column 'x' is string, other files have double"):
        read_sample(Storage(), files_of("mixed"))
