"""Monitor machine-learning models in production from Apache Airflow."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_mlmon.comparison.api import compare, profile

__version__ = "0.2.0"
__all__ = ["__version__", "compare", "profile"]

# importing the package is part of parsing a DAG file, so that numpy and pyarrow wait until they are used
_LAZY = {"compare": "airflow_mlmon.comparison.api", "profile": "airflow_mlmon.comparison.api"}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Show what can be imported."""
    return [*globals(), *_LAZY]
