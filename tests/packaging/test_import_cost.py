"""Parsing a DAG file stays cheap: no heavy library, and little time, whatever the number of specs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.archive import FIRST
from tests.support.runs import local_archive

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "evidently",
    "great_expectations",
    "pyarrow",
    "polars",
    "duckdb",
    "matplotlib",
    "boto3",
)

# of few models
DRUID = "airflow_mlmon.druid.client"

PROBE = """
import json, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, CronDataIntervalTimetable, Param, TriggerRule
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""

SPEC = Path(__file__).parents[2] / "include" / "models" / "flights.yaml"


def probe(statement: str) -> set[str]:
    """The modules that a statement loads beyond Airflow's own."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("import airflow_mlmon.dag_factory", id="dag-factory"),
        pytest.param("import airflow_mlmon.operators.steps, airflow_mlmon.sensors.partition", id="operators"),
        pytest.param("import airflow_mlmon.hooks.druid", id="hook"),
        pytest.param("from airflow_mlmon.provider import get_provider_info; get_provider_info()", id="provider"),
    ],
)
def test_import_loads_no_heavy_library(statement):
    assert probe(statement) & set(HEAVY) == set()


def test_a_dag_file_over_a_hundred_specs_loads_no_heavy_library(tmp_path):
    text = SPEC.read_text()
    for number in range(100):
        (tmp_path / f"{number}.yaml").write_text(text.replace("model: flights", f"model: flights{number}"))

    found = probe(f"from airflow_mlmon.dag_factory import build_dags; assert len(build_dags({str(tmp_path)!r})) == 100")

    assert found & set(HEAVY) == set()


PRELOADED = """
import gc, sys
from airflow_mlmon.preload import {function}
{function}()
assert gc.isenabled() and gc.get_freeze_count() > 100_000
rss = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
heavy = [name for name in {heavy!r} if name in sys.modules]
print(rss // 1024, *heavy)
"""


@pytest.mark.parametrize(
    ("function", "most", "heavy"),
    [
        pytest.param("preload_run", 280, {"pandas", "numpy", "scipy", "great_expectations", "pyarrow"}, id="run"),
        pytest.param(
            "preload_tasks", 340, {"pandas", "numpy", "scipy", "great_expectations", "pyarrow", DRUID}, id="tasks"
        ),
    ],
)
def test_what_is_preloaded_is_what_a_healthy_day_needs(function, most, heavy):
    probe = PRELOADED.format(function=function, heavy=[DRUID, *(name for name in HEAVY if name != "boto3")])
    done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True, env=os.environ)
    megabytes, *loaded = done.stdout.split()

    assert set(loaded) == heavy
    assert int(megabytes) <= most


# what each process of a day would pay for, and a healthy day does not use
UNUSED = (
    *(
        "airflow",
        "airflow_mlmon.capture.capture",
        "boto3",
        "botocore",
        "evidently",
        "fastapi",
        "jsonschema",
        "matplotlib",
    ),
    *("mistune", "scipy.stats", "sklearn", "sqlalchemy.orm"),
)
RAN = """
import sys
from airflow_mlmon.cli.main import main
before = set(sys.modules)
assert main(["run", *{arguments!r}]) == 0
print(*(name for name in {unused!r} if name in set(sys.modules) - before))
"""


def test_a_healthy_day_in_a_new_process_loads_nothing_that_it_does_not_use(tmp_path):
    spec = tmp_path / "loans.yaml"
    spec.write_text(local_archive(tmp_path, 2).spec_text())
    places = ["--store", f"sqlite:///{tmp_path}/store.db", "--workspace", str(tmp_path / "workspace")]
    for day in (FIRST, FIRST + timedelta(days=1)):
        probe = RAN.format(arguments=[str(spec), "--partition", str(day), *places], unused=UNUSED)
        done = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True, env=os.environ)

    assert done.stdout.splitlines()[-1] == ""
    # its losses were expected, by the trees that the first day has fitted
    assert [len(list(tmp_path.rglob(name))) for name in ("trees-*.json", "expected-*.parquet")] == [1, 2]
