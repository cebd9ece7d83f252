"""The capture library is a wheel of its own, which needs pyarrow and PyYAML alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from email import message_from_string
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import airflow_mlmon
from airflow_mlmon.capture.marks import METADATA_KEY, read_marks
from airflow_mlmon.cli.main import main

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_mlmon" / "capture"
SPEC = """
model: fraud
start: 2026-01-01
predictions:
  path: {archive}/dt={{date}}/
  columns:
    id: {{type: string, role: id}}
    at: {{type: timestamp, role: time}}
    amount: {{type: float}}
    rate: {{type: float, generalise: 0.1}}
    age: {{type: integer, generalise: 10}}
    seen: {{type: timestamp, generalise: month}}
    postcode: {{type: string, truncate: 2}}
    name: {{type: string, personal: hash}}
    price: {{type: decimal}}
    face: {{type: vector, dimension: 2}}
    beyond: {{type: category, role: ignored}}
    score: {{type: float, role: score}}
"""
CAPTURED = """
import json, sys
before = set(sys.modules)
from airflow_mlmon.capture import Capture
loaded = set(sys.modules) - before
features = {"rate": 0.37, "age": 17, "seen": "2026-02-03T04:05Z", "postcode": "12345", "name": "Ann"}
features |= {"price": "1.10", "face": [1, 2]}
with Capture(sys.argv[1], hash_key="key", out_of_range="beyond", ranges={"age": (18, 99)}) as capture:
    for number in range(100):
        capture.log(features | {"amount": number / 4}, prediction=0.5, at=1_772_323_200 + number)
assert capture.counters["dropped"] == capture.counters["refused"] == {}, capture.counters
print(json.dumps([sys.version_info[:2], sorted(loaded)]))
"""
# beyond pyarrow and PyYAML: what neither a request nor a service should carry
HEAVY = {"airflow", "asyncio", "boto3", "botocore", "fastapi", "multiprocessing", "numpy", "pandas", "pydantic"}


def build(folder: Path, output: Path, *targets: str) -> list[Path]:
    chosen = [word for target in targets for word in ("--target", target)]
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(output), *chosen]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return sorted(output.iterdir())


def uv(*words: str | Path) -> None:
    command = [shutil.which("uv", path=Path(sys.executable).parent), "--quiet", "--no-progress", "--system-certs"]
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def python_310() -> Path | None:
    """A Python 3.10 of this machine, as pyenv or a distribution installs it."""
    installed = sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10"))
    return next(iter([*installed, *map(Path, filter(None, [shutil.which("python3.10")]))]), None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist and the wheel."""
    sdist, wheel = sorted(build(ROOT / "include" / "capture", tmp_path_factory.mktemp("dist")), key=lambda p: p.suffix)
    return sdist, wheel


def environment(folder: Path, python: Path | str, *packages: str | Path) -> Path:
    """A new environment with these packages; its Python."""
    uv("venv", "--python", python, folder)
    uv("pip", "install", "--python", folder / "bin" / "python", *packages)
    return folder / "bin" / "python"


@pytest.fixture(scope="module", params=["oldest", "locked"])
def alone(request, built, tmp_path_factory) -> Path:
    """The Python of an environment with the wheel and what it asks for: the oldest releases, or those of the lock."""
    folder = tmp_path_factory.mktemp("alone") / request.param
    if request.param == "locked":
        return environment(folder, sys.executable, "--constraint", ROOT / "requirements.lock", built[1])
    oldest = python_310()
    if oldest is None:
        pytest.skip("Python 3.10 is not installed on this machine; mypy has checked the package for it")
    return environment(folder, oldest, "--resolution", "lowest-direct", built[1])


def test_the_wheel_holds_the_package_and_no_more(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    modules = {f"airflow_mlmon/capture/{path.relative_to(PACKAGE)}" for path in PACKAGE.rglob("*.py")}
    assert names == modules | {"airflow_mlmon/capture/py.typed"}


def test_the_wheel_asks_for_pyarrow_and_yaml_and_is_of_the_same_release(built):
    with zipfile.ZipFile(built[1]) as wheel:
        [file] = [name for name in wheel.namelist() if name.endswith("/METADATA")]
        metadata = message_from_string(wheel.read(file).decode())

    assert (metadata["Name"], metadata["Version"]) == ("airflow-mlmon-capture", airflow_mlmon.__version__)
    assert metadata.get_all("Requires-Dist") == ["pyarrow>=18", "pyyaml>=6"]
    assert metadata["Requires-Python"] == ">=3.10"


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    sdist, wheel = built
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()

    [again] = build(folder, tmp_path / "dist", "wheel")

    assert again.read_bytes() == wheel.read_bytes()


def test_both_wheels_have_the_same_licence():
    assert (ROOT / "include" / "capture" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_a_service_with_this_wheel_alone_writes_what_can_be_read(alone, tmp_path):
    spec = tmp_path / "fraud.yaml"
    spec.write_text(SPEC.format(archive=tmp_path / "archive"))

    done = subprocess.run(
        # a service, not a user: no home to write to, and nothing of this environment
        [alone, "-I", "-c", CAPTURED, str(spec)], capture_output=True, text=True, check=False, cwd=tmp_path, env={}
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    _, loaded = json.loads(done.stdout)
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    [file] = (tmp_path / "archive" / "dt=2026-03-01").glob("*.parquet")
    table = pq.read_table(file)
    assert sorted(table["amount"].to_pylist()) == [number / 4 for number in range(100)]
    assert read_marks(table.schema.metadata[METADATA_KEY]).rows == 100
    row = table.slice(0, 1).to_pylist()[0]
    assert {name: row[name] for name in ("age", "postcode", "price", "face", "beyond", "seen")} == {
        "age": 10,
        "postcode": "12",
        "price": Decimal("1.10"),
        "face": [1.0, 2.0],
        "beyond": "age",
        "seen": datetime(2026, 2, 1, tzinfo=UTC),
    }
    assert row["rate"] == pytest.approx(0.3)
    assert re.fullmatch("[0-9a-f]{32}", row["name"])


def test_the_page_leads_from_nothing_to_a_monitored_day(alone, tmp_path, monkeypatch, capsys):
    section = (ROOT / "include" / "docs" / "serving.md").read_text().partition("### From nothing")[2]
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", section.partition("\n### ")[0], flags=re.DOTALL | re.MULTILINE)
    [spec] = [text for language, text in blocks if language == "yaml"]
    programs = [text for language, text in blocks if language == "python"]
    commands = [line.split()[1:] for _, text in blocks for line in text.splitlines() if line.startswith("mlmon ")]
    (tmp_path / "fraud.yaml").write_text(spec)
    monkeypatch.chdir(tmp_path)

    for program in programs:
        subprocess.run([alone, "-I", "-c", program], check=True, env={})
    for command in commands:
        kept = [] if command[0] == "check" else ["--workspace", "workspace", "--store", "sqlite:///store.db"]
        assert main([*command, *kept]) == 0

    assert len(programs) == len(commands) == 2
    printed = capsys.readouterr().out
    assert re.search(r"2026-03-01 Sun +480 +OK", printed)


def test_capture_loads_no_heavy_library_where_there_are_all():
    probe = "import sys, pyarrow, pyarrow.parquet, yaml; before = set(sys.modules); import airflow_mlmon.capture; "
    probe += "print(*sorted(set(sys.modules) - before))"

    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ
    )

    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & HEAVY == set()
    # of the standard library, what importing it costs
    assert sum(not name.startswith("airflow_mlmon") for name in done.stdout.split()) < 40


@pytest.fixture
def over_the_other(built, tmp_path):
    """The Python of an environment with a small wheel of some release over the package of this one."""

    def install(release: str) -> Path:
        with tarfile.open(built[0]) as packed:
            packed.extractall(tmp_path, filter="data")
        [folder] = tmp_path.glob("airflow_mlmon_capture-*")
        about = folder / "PKG-INFO"
        about.write_text(about.read_text().replace(f"Version: {airflow_mlmon.__version__}", f"Version: {release}"))
        [wheel] = build(folder, tmp_path / "dist", "wheel")
        python = environment(tmp_path / "both", sys.executable, "--constraint", ROOT / "requirements.lock", wheel)
        [package] = (tmp_path / "both").glob("lib/python*/site-packages/airflow_mlmon")
        # what the other wheel puts around it
        shutil.copy(ROOT / "airflow_mlmon" / "__init__.py", package)
        return python

    return install


@pytest.mark.parametrize(("release", "says"), [(airflow_mlmon.__version__, ""), ("0.0.9", "uninstall the second")])
def test_a_small_wheel_of_another_release_beside_the_whole_one_is_refused(over_the_other, release, says):
    python = over_the_other(release)

    done = subprocess.run(
        [python, "-I", "-c", "import airflow_mlmon.capture"], capture_output=True, text=True, check=False, env={}
    )

    assert (done.returncode == 0) == (not says)
    assert says in done.stderr
