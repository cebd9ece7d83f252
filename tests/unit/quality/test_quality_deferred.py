"""A deferred module is a stand-in while another imports it, and is loaded when it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from airflow_mlmon.quality.deferred import DeferredModule, absent, deferred

USED = """
import sys
from airflow_mlmon.quality.deferred import deferred
with deferred("colorsys", "scipy.stats"):
    import colorsys
    from scipy import stats
assert not {"colorsys", "scipy.stats"} & set(sys.modules)
assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)
assert stats.norm.cdf(0) == 0.5
assert sys.modules["colorsys"] is not colorsys
import scipy.stats
assert scipy.stats.norm is stats.norm
"""


def test_module_is_loaded_when_it_is_used():
    subprocess.run([sys.executable, "-c", USED], check=True)


def test_module_that_is_loaded_already_stays():
    loaded = sys.modules["subprocess"]

    with deferred("subprocess"):
        assert sys.modules["subprocess"] is loaded
    assert sys.modules["subprocess"] is loaded


def test_absent_module_is_missed_when_it_is_used():
    with deferred("no_such_module"):
        absent = import_module("no_such_module")

    assert isinstance(absent, DeferredModule)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = absent.anything


def test_a_hidden_module_is_not_found_meanwhile_and_is_there_afterwards():
    loaded = sys.modules["subprocess"]
    sys.modules.pop("wave", None)

    with absent("wave", "subprocess"), pytest.raises(ImportError):
        import_module("wave")

    assert sys.modules["subprocess"] is loaded
    assert import_module("wave").__name__ == "wave"


def test_great_expectations_is_imported_without_what_it_seldom_uses():
    seldom = (
        *("altair", "scipy.stats", "matplotlib", "boto3", "botocore", "google.cloud", "grpc"),
        *("jsonschema", "mistune", "pyathena", "sqlalchemy.orm"),
    )
    statement = (
        "import sys, airflow_mlmon.quality.great_expectations;"
        f"print([name for name in {seldom} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
