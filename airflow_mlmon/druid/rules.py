"""Retention and compaction of a model's predictions, as declared in the spec.

Applied settings are stored, so that they can be reverted once the spec no longer has them: Druid does not mark
whose a rule is. Settings that are not ours, or changed by somebody since, are never reverted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import build_predictions_datasource, segment_granularity
from airflow_mlmon.spec import ModelSpec

_ROWS_PER_SEGMENT = 5_000_000

Rules = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """Settings applied in Druid for a model; None if none were, or if they existed before."""

    retention: Rules | None = None
    compaction: Mapping[str, Any] | None = None


def apply_rules(client: DruidClient, spec: ModelSpec, own: OwnRules) -> OwnRules:
    """Apply the settings of the spec where Druid differs, and revert those that it no longer has.

    Args:
        client: client of the cluster.
        spec: spec of the model.
        own: settings applied before; others are left alone.

    Returns:
        The settings that are now ours.
    """
    name = build_predictions_datasource(spec).name
    return OwnRules(
        retention=_apply_retention(client, name, spec.druid.retention_days, own.retention),
        compaction=_apply_compaction(client, name, spec.druid.compaction_after_days, spec.day_zone, own.compaction),
    )


def _apply_retention(client: DruidClient, name: str, days: int | None, own: Rules | None) -> Rules | None:
    if days is None and own is None:
        return None
    current = client.retention_rules(name)
    is_own = own is not None and _has_all(current, own)
    if days is None:
        if is_own:
            client.set_retention_rules(name, [])
        return None
    rules = retention_rules(days)
    if _has_all(current, rules):
        return rules if is_own else None
    client.set_retention_rules(name, rules)
    return rules


def _apply_compaction(
    client: DruidClient, name: str, days: int | None, zone: str, own: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if days is None and own is None:
        return None
    current = client.compaction(name) or {}
    is_own = own is not None and _has(current, own)
    if days is None:
        if is_own:
            client.delete_compaction(name)
        return None
    settings = build_compaction_settings(name, days, zone)
    if _has(current, settings):
        return settings if is_own else None
    client.set_compaction(settings)
    return settings


def retention_rules(days: int) -> list[dict[str, Any]]:
    """Retain the last days and future ones; drop the others. The number of replicas is Druid's default."""
    return [
        {"type": "loadByPeriod", "period": f"P{days}D", "includeFuture": True},
        {"type": "dropForever"},
    ]


def build_compaction_settings(datasource: str, after_days: int, zone: str) -> dict[str, Any]:
    """Compact small segments of a day; day segments stay, because an ingestion replaces whole days."""
    return {
        "dataSource": datasource,
        "skipOffsetFromLatest": f"P{after_days}D",
        "tuningConfig": {"partitionsSpec": {"type": "dynamic", "maxRowsPerSegment": _ROWS_PER_SEGMENT}},
        "granularitySpec": {"segmentGranularity": segment_granularity(zone)},
    }


def _has_all(current: Rules, wanted: Rules) -> bool:
    return len(current) == len(wanted) and all(map(_has, current, wanted))


def _has(current: Any, wanted: Any) -> bool:
    """Return whether Druid's value contains ours; it adds its defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(_has(current.get(name), value) for name, value in wanted.items())
    return bool(current == wanted)
