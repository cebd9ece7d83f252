"""The demo as a newcomer runs it: a real scheduler, a real S3 server, the real flights."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from airflow_mlmon.records import Status
from airflow_mlmon.store.metric_store import MetricStore

ROOT = Path(__file__).parents[2]
FIRST, LAST = date(2013, 3, 8), date(2013, 3, 10)

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """Three days of the demo, in a folder of its own, without this session's Airflow."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return subprocess.run(
        [sys.executable, "-m", "include.demo.run", "demo", "--from", str(FIRST), "--to", str(LAST)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment | {"MLMON_DEMO_FOLDER": str(folder)},
    )


def test_demo_ends_well_and_says_where_everything_is(demo, folder):
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]
    assert demo.stdout.splitlines()[-2:] == [
        f"reports: {folder}/workspace/reports",
        f"store: sqlite:///{folder}/mlmon.db",
    ]


def test_demo_shows_the_storm_and_leaves_the_other_days_healthy(demo, folder):
    lines = {line.split()[0]: line for line in demo.stdout.splitlines() if line.strip().startswith("2013-03-")}
    assert list(lines) == ["2013-03-08", "2013-03-09", "2013-03-10"]
    with MetricStore(f"sqlite:///{folder}/mlmon.db") as store:
        alerts = store.alerts("flights", FIRST, LAST)
        states = store.states("flights", FIRST, LAST)
        metrics = store.metrics("flights", FIRST, FIRST)
    assert {state.status for state in states} == {Status.OK}
    # three by the spec's rules, and by what is expected how badly the model did
    assert {(alert.partition.day, alert.metric) for alert in alerts} == {
        (FIRST, "score_mean"),
        (FIRST, "positive_rate"),
        (FIRST, "excluded_share"),
        (FIRST, "log_loss"),
        # late flights were no longer late for the reasons that the model had learnt
        (FIRST, "concept_shift"),
    }
    assert metrics[FIRST, "positive_rate", None] == pytest.approx(0.79, abs=0.01)


def test_demo_writes_a_page_a_day_without_scripts(demo, folder):
    pages = sorted((folder / "workspace" / "reports" / "flights").glob("2013-*/report.html"))

    assert [page.parent.name for page in pages] == ["2013-03-08", "2013-03-09", "2013-03-10"]
    assert all("<script" not in page.read_text() and page.stat().st_size < 500_000 for page in pages)


def test_demo_writes_the_page_of_all_models_and_no_other_example_has_run(demo, folder):
    page = (folder / "workspace" / "reports" / "index.html").read_text()

    assert 'href="flights/index.html"' in page
    with MetricStore(f"sqlite:///{folder}/mlmon.db") as store:
        assert [found.model for found in store.registered()] == ["flights"]


def test_demo_leaves_no_process_behind(demo, folder):
    running = subprocess.run(["ps", "axeww", "-o", "args"], capture_output=True, text=True, check=True).stdout

    assert f"MLMON_DEMO_FOLDER={folder}" not in running
