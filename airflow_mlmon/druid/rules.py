"""Retention and compaction of a model's predictions, as the spec says them.

What is set is noted, so that it can be taken back when the spec no longer names it: Druid keeps no
marker of whose a rule is. What is not ours, or somebody has changed since, is never taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import predictions_datasource
from airflow_mlmon.spec import ModelSpec

_ROWS_PER_SEGMENT = 5_000_000

Rules = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRules:
    """What was set in Druid for a model; None where nothing was, or it was there before."""

    retention: Rules | None = None
    compaction: Mapping[str, Any] | None = None


def apply_rules(client: DruidClient, spec: ModelSpec, own: OwnRules) -> OwnRules:
    """Set what the spec says, where Druid has it otherwise, and take back what it says no longer.

    Args:
        client: the cluster.
        spec: the model.
        own: what was set before; what is not in it is left alone.

    Returns:
        What is ours now.
    """
    name = predictions_datasource(spec).name
    return OwnRules(
        retention=_apply_retention(client, name, spec.druid.retention_days, own.retention),
        compaction=_apply_compaction(client, name, spec.druid.compaction_after_days, own.compaction),
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
    client: DruidClient, name: str, days: int | None, own: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if days is None and own is None:
        return None
    current = client.compaction(name) or {}
    is_own = own is not None and _has(current, own)
    if days is None:
        if is_own:
            client.delete_compaction(name)
        return None
    settings = compaction_settings(name, days)
    if _has(current, settings):
        return settings if is_own else None
    client.set_compaction(settings)
    return settings


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


def _has_all(current: Rules, wanted: Rules) -> bool:
    return len(current) == len(wanted) and all(map(_has, current, wanted))


def _has(current: Any, wanted: Any) -> bool:
    """Whether Druid's value has all of ours; it adds its defaults."""
    if isinstance(wanted, Mapping):
        return isinstance(current, Mapping) and all(_has(current.get(name), value) for name, value in wanted.items())
    return bool(current == wanted)
