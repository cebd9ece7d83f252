"""What to monitor, declared in YAML and checked before anything runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_mlmon.spec.choices import ColumnType, PersonalData, Role, Severity

if TYPE_CHECKING:
    from airflow_mlmon.spec.column import Column
    from airflow_mlmon.spec.load import load_spec, load_specs
    from airflow_mlmon.spec.model import AlertRule, Channel, Check, HistoryLimit, Labels, ModelSpec

__all__ = [
    "AlertRule",
    "Channel",
    "Check",
    "Column",
    "ColumnType",
    "HistoryLimit",
    "Labels",
    "ModelSpec",
    "PersonalData",
    "Role",
    "Severity",
    "load_spec",
    "load_specs",
]

# a comparison needs the words of a spec, but neither pydantic nor YAML, which cost it a sixth of a second
_LOADED = ("load_spec", "load_specs")


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in __all__:
        return getattr(import_module(f"airflow_mlmon.spec.{'load' if name in _LOADED else 'model'}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
