"""Retention and compaction of a model's predictions, as the spec says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import predictions_datasource
from airflow_mlmon.spec import ModelSpec

_ROWS_PER_SEGMENT = 5_000_000


def apply_rules(client: DruidClient, spec: ModelSpec) -> None:
    """Set what the spec says, where Druid has it otherwise; what the spec does not name is left alone."""
    name = predictions_datasource(spec).name
    days = spec.druid.retention_days
    if days is not None:
        rules = retention_rules(days)
        current = client.retention_rules(name)
        if len(current) != len(rules) or not all(map(_has, current, rules)):
            client.set_retention_rules(name, rules)
    days = spec.druid.compaction_after_days
    if days is not None:
        settings = compaction_settings(name, days)
        if not _has(client.compaction(name) or {}, settings):
            client.set_compaction(settings)


def retention_rules(days: int) -> list[dict[str, Any]]:
    """Keep the last days, and those to come; drop the others. Replicas are those of Druid's default."""
    return [
        {"type": "loadByPeriod", "period": f"P{days}D", "includeFuture": True},
        {"type": "dropForever"},
    ]


def compaction_settings(datasource: str, after_days: int) -> dict[str, Any]:
    """Join small segments of a day; days stay days, because a load replaces whole ones."""
    return {
        "dataSource": datasource,
        "skipOffsetFromLatest": f"P{after_days}D",
        "tuningConfig": {"partitionsSpec": {"type": "dynamic", "maxRowsPerSegment": _ROWS_PER_SEGMENT}},
        "granularitySpec": {"segmentGranularity": "DAY"},
    }


def _has(current: Any, wanted: Any) -> bool:
    """Whether Druid's value has all of ours; it adds its defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(_has(current.get(name), value) for name, value in wanted.items())
    return bool(current == wanted)
