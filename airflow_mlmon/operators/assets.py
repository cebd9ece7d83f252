"""Asset of a model, which gets an event when the model has drifted or lost performance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset, AssetAlias, Context


def drift_asset(model: str) -> Asset:
    """Return the asset to schedule a DAG on that runs when the model has drifted or lost performance."""
    return Asset(f"mlmon://{model}/drift")


def drift_alias(model: str) -> AssetAlias:
    """Return the outlet of the evaluation task.

    A task with an asset as its outlet emits an event whenever it succeeds; with an alias, only when it adds one.
    """
    return AssetAlias(f"mlmon_{model}_drift")


def announce_drift(context: Context, model: str, verdict: Mapping[str, Any]) -> None:
    """Add an event with the verdict to the model's asset; Airflow emits it once the task has succeeded."""
    context["outlet_events"][drift_alias(model)].add(drift_asset(model), extra=dict(verdict))
