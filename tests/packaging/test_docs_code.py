"""Every block of code in the README and in include/docs is valid, and runs where it can."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from airflow.cli.cli_parser import get_parser as airflow_parser

from airflow_mlmon.loading import load_channels, parse_spec
from tests.packaging.test_docs import file_name, prose
from tests.support.commands import options_of, parse_mlmon
from tests.support.comparison import make_rows, write_parquet
from tests.support.docs import CHECKOUT, FILES, FOLDER, MADE, README
from tests.support.environments import environment

LANGUAGES = {"python", "sh", "sql", "text", "yaml"}
# columns that the pieces of specs name, beside those of the README's spec
FURTHER_COLUMNS = {
    "income": {"type": "float"},
    "channel": {"type": "category"},
    "model_version": {"type": "category", "role": "version"},
}


def blocks(path: Path) -> list[tuple[str, str]]:
    """The language and the text of every block of code."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [(language, textwrap.dedent(text)) for language, text in found]


def each_block(language: str) -> list[pytest.param]:
    return [
        pytest.param(text, id=f"{path.stem}-{number}")
        for path in FILES
        for number, (found, text) in enumerate(blocks(path), 1)
        if found == language
    ]


def first_spec(path: Path = README) -> str:
    return next(text for language, text in blocks(path) if language == "yaml")


def served_spec() -> str:
    """That of the page on serving, whose archive is a folder."""
    return first_spec(FOLDER / "serving.md")


def commands(text: str) -> list[list[str]]:
    """The words of every command of a block."""
    lines = text.replace("\\\n", " ").replace("&&", "\n").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_every_block_has_a_language_that_is_checked_here(path):
    assert {language for language, _ in blocks(path)} <= LANGUAGES


@pytest.mark.parametrize("text", each_block("yaml"))
def test_yaml_is_a_spec_or_a_part_of_one(text, tmp_path):
    given = yaml.safe_load(text)
    if set(given) == {"channels"}:
        (tmp_path / "channels.yaml").write_text(text)
        assert load_channels(tmp_path / "channels.yaml")
        return

    columns = given.pop("columns", None)
    whole = yaml.safe_load(first_spec()) | given
    if columns:
        # those of another model, beside its id and its time
        kept = {name: whole["predictions"]["columns"][name] for name in ("prediction_id", "predicted_at")}
        whole["predictions"]["columns"] = kept | columns
        del whole["alerts"]
    whole["predictions"]["columns"] |= FURTHER_COLUMNS

    assert parse_spec(yaml.safe_dump(whole), "docs.yaml").features


@pytest.mark.parametrize("text", [first_spec(), served_spec()], ids=["README", "serving"])
def test_the_first_spec_stands_by_itself(text):
    assert parse_spec(text, "docs.yaml").features


def python_for(text: str) -> str:
    """The Python in which a block runs: what a service does, in the environment of a service."""
    is_of_service = "from airflow_mlmon.capture import" in text
    return str(environment("serving") / "python") if is_of_service else sys.executable


@pytest.mark.parametrize("text", each_block("python"))
def test_python_runs(text, tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "block.py").write_text(text)
    (tmp_path / "fraud.yaml").write_text(served_spec())
    (tmp_path / "include" / "models").mkdir(parents=True)
    (tmp_path / "include" / "models" / "fraud.yaml").write_text(first_spec())
    write_parquet(tmp_path / "reference.parquet", make_rows(200, 1))
    write_parquet(tmp_path / "current.parquet", make_rows(200, 2))
    variables = os.environ | {"PYTHONPATH": str(CHECKOUT)}

    done = subprocess.run(
        [python_for(text), "dags/block.py"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", each_block("sh"))
def test_every_command_of_a_shell_is_one(text):
    known = {
        "git": None,
        "cd": None,
        "make": None,
        "include/deploy/make-env": None,
        "openssl": None,
        "pip": None,
        "docker": None,
        "helm": None,
        "kubectl": None,
        "python": None,
        "mlmon": parse_mlmon,
        "airflow": airflow_parser().parse_args,
    }

    for program, *words in commands(text):
        assert program in known
        if known[program] is not None:
            known[program](words)


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_every_command_of_mlmon_in_a_sentence_has_its_options(path):
    written = re.sub(MADE, "", prose(path), flags=re.DOTALL)
    for code in re.findall(r"`mlmon\s+([^`]+)`", written):
        words = code.split()
        assert {word for word in words if word.startswith("--")} <= options_of(words), code


@pytest.mark.parametrize("path", FILES, ids=file_name)
def test_every_make_target_is_there(path):
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(), flags=re.MULTILINE)) <= targets
