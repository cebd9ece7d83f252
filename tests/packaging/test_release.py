"""A release is a wheel and an sdist that an index takes, with all that a user needs and no more."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path

import pytest
import yaml

import airflow_mlmon
from include.release import run as release
from tests.packaging.test_docs import FOLDER
from tests.support.environments import environment

ROOT = Path(__file__).parents[2]
CHANGELOG = (FOLDER / "changelog.md").read_text()
WHEN = "2026-12-01"


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=mlmon", "-c", "user.email=mlmon@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A committed tree that may be released, as far as the release asks."""
    for name in ("airflow_mlmon/__init__.py", "include/docs/changelog.md"):
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True)
        shutil.copy(ROOT / name, path)
    folder = tmp_path / "checkout"
    changes(folder).write_text(f"# Changelog\n\n## Unreleased\n\n## {airflow_mlmon.__version__} - {WHEN}\n\n- All.\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Release")
    return folder


def changes(folder: Path) -> Path:
    return folder / "include" / "docs" / "changelog.md"


def test_a_clean_tree_whose_changelog_has_the_version_may_be_released(checkout):
    assert list(release.find_faults(checkout)) == []

    git(checkout, "tag", f"v{airflow_mlmon.__version__}")

    assert list(release.find_faults(checkout)) == []


def test_a_tree_with_changes_is_not_released(checkout):
    (checkout / "left.py").touch()

    assert [fault.partition(":")[0] for fault in release.find_faults(checkout)] == [
        "the tree has changes that are not committed"
    ]


def test_a_version_is_released_once(checkout):
    git(checkout, "tag", f"v{airflow_mlmon.__version__}")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "Go on")

    [fault] = release.find_faults(checkout)

    assert fault.startswith(f"the tag v{airflow_mlmon.__version__} is of another commit")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [(f"## {airflow_mlmon.__version__} - {WHEN}", "## 0.0.9 - 2026-11-01", "has no section of"),
     ("## Unreleased\n", "## Unreleased\n\n- More.\n", "has unreleased entries")],
)  # fmt: skip
def test_what_is_released_stands_in_the_changelog(checkout, before, after, says):
    path = changes(checkout)
    path.write_text(path.read_text().replace(before, after))
    git(checkout, "commit", "--quiet", "--all", "--message", "Change")

    [fault] = release.find_faults(checkout)

    assert says in fault


def test_the_changelog_has_the_version_or_what_comes_after_it():
    assert CHANGELOG.index("## Unreleased") < CHANGELOG.index(f"## {airflow_mlmon.__version__} - ")


def test_the_version_that_deployments_name_is_this_one():
    named = {
        path.relative_to(ROOT).as_posix()
        for folder in ("include/deploy", "include/docs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and f"airflow-mlmon:{airflow_mlmon.__version__}" in path.read_bytes().decode(errors="replace")
    }

    assert named == {"include/deploy/Dockerfile", "include/docs/deploying.md"}
    values = yaml.safe_load((ROOT / "include" / "deploy" / "values-airflow.yaml").read_text())
    assert values["images"]["airflow"]["tag"] == airflow_mlmon.__version__


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, Path]:
    """What a release consists of, by the endings of the names; of this tree as it is."""
    environment("release")
    folder = tmp_path_factory.mktemp("release") / "dist"
    found = release.build(ROOT, folder)
    assert len(found) == 5
    whole = [path for path in found if not path.name.startswith("airflow_mlmon_capture")]
    return {path.suffix: path for path in whole}


def test_checksums_are_those_of_the_files(built):
    lines = (built[".whl"].parent / "SHA256SUMS").read_text().splitlines()

    assert {line.split("  ")[1]: line.split("  ")[0] for line in lines} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in built[".whl"].parent.iterdir()
        if path.name != "SHA256SUMS"
    }


def test_the_wheel_holds_the_package_and_no_more(built):
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "airflow_mlmon"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    compiled = {name for name in names if name.endswith(".abi3.so")}
    assert names - compiled == set(tracked)
    assert "airflow_mlmon/py.typed" in names
    assert len(compiled) == (shutil.which("cc") is not None)


def test_the_wheel_says_what_it_is(built):
    with zipfile.ZipFile(built[".whl"]) as wheel:
        about = {name.rpartition("/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
        metadata = message_from_string(wheel.read(about["METADATA"]).decode())
        doors = ConfigParser()
        doors.read_string(wheel.read(about["entry_points.txt"]).decode())

    assert "LICENSE" in about
    page, files = metadata.get_payload(), f"airflow-mlmon/airflow-mlmon/blob/v{airflow_mlmon.__version__}/include/docs"
    assert f"(https://github.com/{files}/serving.md)" in page
    assert f"(https://github.com/{files.replace('blob', 'raw')}/day.png)" in page
    assert re.findall(r"\]\((?!https?://)[^)]*\)", page) == []
    assert (metadata["Name"], metadata["Version"]) == ("airflow-mlmon", airflow_mlmon.__version__)
    assert "pandas<3.1,>=2.2" in metadata.get_all("Requires-Dist")
    assert {section: dict(doors[section]) for section in doors.sections()} == {
        "console_scripts": {"mlmon": "airflow_mlmon.cli.main:main"},
        "apache_airflow_provider": {"provider_info": "airflow_mlmon.provider:get_provider_info"},
        "airflow.plugins": {"airflow_mlmon": "airflow_mlmon.plugins.plugin:MlmonPlugin"},
    }


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    with tarfile.open(built[".gz"]) as packed:
        packed.extractall(tmp_path, filter="data")
    [folder] = tmp_path.iterdir()
    assert {path.name for path in folder.iterdir()} == {
        ".gitignore", "LICENSE", "PKG-INFO", "README.md", "airflow_mlmon", "include", "pyproject.toml"
    }  # fmt: skip
    assert {path.name for path in (folder / "include").iterdir()} == {"docs", "kernels", "release"}

    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "again")]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)

    assert (tmp_path / "again" / built[".whl"].name).read_bytes() == built[".whl"].read_bytes()


def test_a_pandas_that_evidently_cannot_work_with_is_refused_by_the_resolver(built):
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--disable-pip-version-check"]

    done = subprocess.run([*command, "pandas==3.1.*", built[".whl"]], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "ResolutionImpossible" in done.stderr
    assert f"airflow-mlmon {airflow_mlmon.__version__} depends on pandas<3.1 and >=2.2" in done.stdout + done.stderr
