"""The README says what is there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml

from airflow_mlmon.spec.alerts import Alerts
from airflow_mlmon.spec.load import load_channels, parse_spec
from tests.support.readme import README, fill_tables


def yaml_blocks() -> list[str]:
    return [textwrap.dedent(text) for text in re.findall(r"```yaml\n(.*?)```", README.read_text(), flags=re.DOTALL)]


def test_tables_are_those_of_the_code():
    text = README.read_text()

    assert fill_tables(text) == text, "run `make readme`"


def test_every_make_target_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (README.parent / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", README.read_text(), flags=re.MULTILINE)) <= targets


def test_the_first_spec_is_valid():
    text, *_ = yaml_blocks()

    spec = parse_spec(text, "README.md")

    assert spec.features


def test_the_channels_are_valid(tmp_path):
    _, alerts, shared = yaml_blocks()
    (tmp_path / "channels.yaml").write_text(shared)

    assert len(Alerts.model_validate(yaml.safe_load(alerts)["alerts"]).channels) == 7
    assert len(load_channels(tmp_path / "channels.yaml")) == 2


def test_every_file_that_is_named_exists():
    names = re.findall(r"`((?:include|dags|tests|airflow_mlmon)/[\w/.]+\.\w+)`", README.read_text())

    assert names
    assert [name for name in names if not Path(README.parent, name).exists() and "fraud" not in name] == []
