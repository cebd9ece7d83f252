"""What Airflow gets to know of the plugin, in every process and in the API server."""

from __future__ import annotations

import subprocess
import sys

import pytest
from airflow.plugins_manager import AirflowPlugin

from airflow_mlmon.plugins.plugin import MlmonPlugin

# what the pages need is loaded by the API server alone, and no library of the statistics by anybody
LOADED = """
import sys
import airflow.plugins_manager
before = set(sys.modules)
{statement}
print(*sorted({{name.partition(".")[0] for name in set(sys.modules) - before}}))
"""


def loaded_by(statement: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(statement=statement)], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_of_the_plugin_loads_nothing_but_itself():
    assert loaded_by("import airflow_mlmon.plugins.plugin") == {"airflow_mlmon"}


def test_pages_load_no_library_of_the_statistics():
    loaded = loaded_by("import airflow.api_fastapi.app; from airflow_mlmon.plugins.web import create_app; create_app()")

    assert loaded & {"pandas", "numpy", "pyarrow", "scipy", "matplotlib", "evidently", "great_expectations"} == set()


def test_views_are_relative_and_have_routes_of_their_own():
    views = MlmonPlugin.external_views

    assert isinstance(views, list)  # Airflow removes from it what it refuses
    assert issubclass(MlmonPlugin, AirflowPlugin)
    assert len({view["url_route"] for view in views}) == len(views)
    assert [view["href"] for view in views if view["href"].startswith("/")] == []


def test_pages_are_mounted_below_mlmon():
    (mounted,) = MlmonPlugin().fastapi_apps

    assert mounted["url_prefix"] == "/mlmon"


@pytest.mark.parametrize("absent", ["airflow.api_fastapi.core_api.security", "airflow.api_fastapi.app"])
def test_nothing_is_served_where_airflow_cannot_say_who_may_read(monkeypatch, caplog, absent):
    for module in ("airflow_mlmon.plugins.web", "airflow_mlmon.plugins.access"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, absent, None)

    assert MlmonPlugin().fastapi_apps == []
    assert "its pages are not served" in caplog.text
