"""Model specs: what to monitor, declared in YAML and validated before anything runs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow_mlmon.spec.choices import ColumnType, PersonalData, Role, Severity

if TYPE_CHECKING:
    from airflow_mlmon.spec.alerts import AlertRule, Channel, HistoryLimit, SharedChannel
    from airflow_mlmon.spec.column import Column
    from airflow_mlmon.spec.labels import Labels
    from airflow_mlmon.spec.model import ModelSpec
    from airflow_mlmon.spec.quality import Check

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
    "SharedChannel",
]

# a comparison needs the vocabulary of a spec, but neither pydantic nor YAML, which take a sixth of a second to import
_MODULES = {
    "alerts": ("AlertRule", "Channel", "HistoryLimit", "SharedChannel"),
    "labels": ("Labels",),
    "column": ("Column",),
    "model": ("ModelSpec",),
    "quality": ("Check",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name in _MODULE_OF:
        return getattr(import_module(f"airflow_mlmon.spec.{_MODULE_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
