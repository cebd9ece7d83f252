"""What to monitor, declared in YAML and checked before anything runs."""

from airflow_mlmon.spec.load import load_spec, load_specs
from airflow_mlmon.spec.model import (
    AlertRule,
    Channel,
    Check,
    Column,
    ColumnType,
    HistoryLimit,
    Labels,
    ModelSpec,
    PersonalData,
    Role,
    Severity,
)

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
