"""Each guard of the structure reports a violation that is planted for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.test_doors import DOORS
from tests.support.guards import PACKAGE, ROOT, long_files, repeated_names, users_beside_the_door

IMPORTS = {
    "statistics/planted.py": "import airflow\n",
    "a_new_room/__init__.py": "from airflow.sdk import DAG\n",
    "spec/planted.py": "from airflow_mlmon.spec import planted_too\n",
    "spec/planted_too.py": "from airflow_mlmon.spec import planted\n",
    "partition.py": "from airflow_mlmon import records\n",
    "pipeline/workspace/planted.py": "from airflow_mlmon.pipeline.steps import prepare\n",
}


def plant(package: Path, name: str, text: str) -> None:
    path = package / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "") + text)


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> str:
    """What import-linter says of a copy of the package with one violation of each kind."""
    root = tmp_path_factory.mktemp("broken")
    shutil.copytree(PACKAGE, root / "airflow_mlmon", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for name, text in IMPORTS.items():
        plant(root / "airflow_mlmon", name, text)
    run = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command; lint_imports_command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", run, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "said",
    [
        "airflow_mlmon.statistics.planted -> airflow (l.1)",
        "airflow_mlmon.a_new_room -> airflow (l.1)",
        "No cycles are allowed in airflow_mlmon.spec.",
        "airflow_mlmon.partition -> airflow_mlmon.records",
        "airflow_mlmon.pipeline.workspace.planted -> airflow_mlmon.pipeline.steps.prepare (l.1)",
        "not listed as layers: - airflow_mlmon.a_new_room",
    ],
)
def test_import_of_a_kind_that_is_forbidden_is_reported(broken, said):
    assert said in broken


def codes(name: str, text: str) -> set[str]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--output-format",
            "json",
            "--stdin-filename",
            f"airflow_mlmon/{name}",
            "-",
        ],
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return {found["code"] for found in json.loads(done.stdout)}


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import UTC, datetime\nNOW = datetime.now(UTC)\n",
        "from datetime import datetime\nNOW = datetime.utcnow()\n",
        "from datetime import datetime\nNOW = datetime.today()\n",
        "from datetime import date\nTODAY = date.today()\n",
        "import time\nNOW = time.time()\n",
        "import time\nNOW = time.time_ns()\n",
        "import os\nHOME = os.environ['HOME']\n",
        "import os\nHOME = os.environb\n",
        "import os\nHOME = os.getenv('HOME')\n",
        "import os\nNAME = os.urandom(4)\n",
        "import random\n",
        "import secrets\n",
        "from uuid import uuid4\n",
        "import uuid\nNAME = uuid.uuid1()\n",
        "import numpy as np\nDRAW = np.random.default_rng()\n",
    ],
)
def test_clock_environment_and_chance_are_reported(text):
    assert "TID251" in codes("evaluation/planted.py", text)


@pytest.mark.parametrize(
    "name",
    ["cli/main.py", "dag_factory.py", "errors.py", "hooks/planted.py", "operators/planted.py", "spec/planted.py"],
)
def test_heavy_import_with_the_module_is_reported(name):
    assert "TID253" in codes(name, "import pandas as pd\n")
    assert "TID253" not in codes("reports/planted.py", "import pandas as pd\n")


@pytest.mark.parametrize("library", DOORS)
def test_library_beside_its_door_is_reported(tmp_path, library):
    plant(tmp_path, "spec/planted.py", f"def read():\n    from {library} import anything\n")

    assert users_beside_the_door(tmp_path, library, DOORS[library]) == {"spec/planted.py"}


def test_file_of_401_lines_is_reported(tmp_path):
    plant(tmp_path, "short.py", "x = 1\n" * 400)
    plant(tmp_path, "long.py", "x = 1\n" * 401)

    assert long_files(tmp_path) == {"long.py": 401}


def test_name_that_means_two_things_is_reported(tmp_path):
    plant(tmp_path, "one.py", "class Twice: ...\ndef _own(): ...\n")
    plant(tmp_path, "two.py", "Twice = int\ndef _own(): ...\n")

    assert repeated_names(tmp_path) == {"Twice": {"one.py", "two.py"}}
