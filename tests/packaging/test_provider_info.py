"""The provider's metadata is what Airflow expects, and names only what is there."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points, version

import pytest
from airflow.providers_manager import _create_provider_info_schema_validator

import airflow_mlmon
from airflow_mlmon.operators.druid import DruidIngestOperator
from airflow_mlmon.provider import get_provider_info

INFO = get_provider_info()


def test_provider_info_is_valid_by_airflows_schema():
    _create_provider_info_schema_validator().validate(INFO)


def test_provider_info_is_found_by_its_entry_point():
    found = [
        entry for entry in entry_points(group="apache_airflow_provider") if entry.module.startswith("airflow_mlmon")
    ]

    assert [entry.load()() for entry in found] == [INFO]


@pytest.mark.parametrize("kind", ["operators", "sensors", "hooks", "triggers"])
def test_listed_modules_can_be_imported(kind):
    for entry in INFO[kind]:
        for module in entry["python-modules"]:
            importlib.import_module(module)


def test_extra_links_are_those_of_the_operators():
    links = {f"{type(link).__module__}.{type(link).__name__}" for link in DruidIngestOperator.operator_extra_links}

    assert links == set(INFO["extra-links"])


def test_connection_types_name_their_hooks():
    for entry in INFO["connection-types"]:
        module, _, name = entry["hook-class-name"].rpartition(".")
        assert getattr(importlib.import_module(module), name).conn_type == entry["connection-type"]


def test_version_is_that_of_the_distribution():
    assert version("airflow-mlmon") == airflow_mlmon.__version__
