"""`compare` stays light: it works without Airflow, and loads nothing that it does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.comparison import make_rows, write_parquet

HEAVY = (
    "airflow",
    "botocore",
    "evidently",
    "great_expectations",
    "matplotlib",
    "pandas",
    "plotly",
    "pydantic",
    "scipy",
    "sqlalchemy",
    "yaml",
)
PROBE = """
import sys
{statement}
print(*sorted(name for name in {heavy!r} if name in sys.modules))
"""


def loaded_by(statement, names=HEAVY):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement, heavy=names)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()[-1].split()


def test_importing_the_package_loads_neither_numpy_nor_pyarrow():
    done = subprocess.run(
        [sys.executable, "-c", "import airflow_mlmon, sys; print('numpy' in sys.modules or 'pyarrow' in sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_compare_loads_no_heavy_library(tmp_path, ending):
    paths = [str(tmp_path / f"{side}.{ending}") for side in ("reference", "current")]
    for number, path in enumerate(paths):
        table = make_rows(300, number)
        if ending == "parquet":
            write_parquet(path, table)
        elif ending == "csv":
            table.to_pandas().to_csv(path, index=False)
        else:
            table.to_pandas().to_json(path, orient="records", lines=True)

    assert loaded_by(f"from airflow_mlmon.cli.main import main; assert main(['compare', *{paths!r}]) == 0") == []


def test_compare_loads_the_readers_of_its_files_alone(tmp_path):
    path = str(tmp_path / "rows.parquet")
    write_parquet(path, make_rows(300, 0))
    readers = tuple(f"airflow_mlmon.tables.{name}" for name in ("avro", "delimited", "json_records", "orc", "parquet"))

    assert loaded_by(f"import airflow_mlmon; airflow_mlmon.compare({path!r}, {path!r})", readers) == [readers[-1]]
