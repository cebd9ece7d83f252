"""The asset of a model: it gets an event when the model has drifted, or predicts worse than it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Asset, AssetAlias, Context


def drift_asset(model: str) -> Asset:
    """What a DAG is scheduled on, to be run when the model has drifted or lost performance."""
    return Asset(f"mlmon://{model}/drift")


def drift_alias(model: str) -> AssetAlias:
    """The outlet of the task that judges.

    A task with an asset as its outlet gives an event whenever it succeeds; with an alias, only when it says so.
    """
    return AssetAlias(f"mlmon_{model}_drift")


def announce_drift(context: Context, model: str, verdict: Mapping[str, Any]) -> None:
    """Add an event with the verdict to the model's asset; Airflow writes it when the task has succeeded."""
    context["outlet_events"][drift_alias(model)].add(drift_asset(model), extra=dict(verdict))
