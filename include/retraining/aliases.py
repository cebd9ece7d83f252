"""Aliases of a registered model: a version is tried as a canary, and promoted or rolled back.

The aliases and the tag `canary_share` are what the service goes by; the other tags say why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient

from include.serving.aliases import CHALLENGER, CHAMPION, SHARE

# tag of a version whose end is known
DECISION = "decision"


def start_canary(*, model: str, version: str, share: float, by: str) -> dict[str, Any]:
    """Give a version a share of the traffic, in the name of the person who approved.

    Raises:
        ValueError: it is the champion.
    """
    client = MlflowClient()
    if str(client.get_registered_model(model).aliases.get(CHAMPION)) == version:
        raise ValueError(f"Version {version} of {model} is the champion: the same rows have trained it before.")
    client.set_registered_model_alias(model, CHALLENGER, version)
    _tag(client, model, version, {"canary_by": by, SHARE: str(share)})
    return {"version": version, "share": share}


def promote(*, model: str, version: str, by: str, why: str) -> dict[str, Any]:
    """Make a version the champion."""
    client = MlflowClient()
    before = client.get_registered_model(model).aliases.get(CHAMPION)
    client.set_registered_model_alias(model, CHAMPION, version)
    _tag(client, model, version, {DECISION: "promoted", "decided_by": by, "why": why, SHARE: "0"})
    _withdraw(client, model, version)
    return {"champion": version, "before": before}


def roll_back(*, model: str, version: str, by: str, why: str) -> dict[str, Any]:
    """Take the traffic from a challenger; the champion stays."""
    client = MlflowClient()
    _tag(client, model, version, {SHARE: "0", DECISION: "rolled back", "decided_by": by, "why": why})
    _withdraw(client, model, version)
    return {"champion": client.get_registered_model(model).aliases.get(CHAMPION), "rolled_back": version}


def _withdraw(client: MlflowClient, model: str, version: str) -> None:
    if str(client.get_registered_model(model).aliases.get(CHALLENGER)) == version:
        client.delete_registered_model_alias(model, CHALLENGER)


def _tag(client: MlflowClient, model: str, version: str, tags: Mapping[str, str]) -> None:
    for name, value in tags.items():
        client.set_model_version_tag(model, version, name, value)
