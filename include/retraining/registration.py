"""Registration of what a training has logged as a version, with the rows that the monitoring compares it with."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from include.retraining.aliases import DECISION
from include.retraining.training import DIGEST, MODEL, rescored, split
from include.serving.aliases import CHALLENGER, SHARE
from include.serving.model import DelayModel, load
from include.serving.registry import DATA

# the rows that the version has learnt from, with its own scores: what the monitoring compares its days with
REFERENCE = "training.parquet"
_LONGEST_TAG = 4_000


def register(trained: Mapping[str, Any], exported: Mapping[str, Any], *, model: str, verdict: str) -> str:
    """Register what `train` has logged as a version, the challenger, and return its number.

    A version of the same rows and settings is not registered again.
    """
    client = MlflowClient()
    tags = {
        DIGEST: trained["digest"],
        "training_days": f"{trained['days'][0]} to {trained['days'][-1]}",
        "curated": json.dumps(exported["curated"]),
        "baseline": exported["baseline"],
        "verdict": verdict[:_LONGEST_TAG],
        SHARE: "0",
    }
    known = client.search_model_versions(f"name = '{model}' and tags.{DIGEST} = '{trained['digest']}'")
    create_model(client, model)
    version = str(known[0].version) if known else create_version(client, model, trained["run"], tags)
    with tempfile.TemporaryDirectory() as folder:
        place = mlflow.artifacts.download_artifacts(run_id=trained["run"], artifact_path=MODEL, dst_path=folder)
        scorer = replace(load(Path(place) / DATA), version=version)
    rows, _ = split(pq.read_table(exported["uri"]), exported["columns"], len(trained["held_out"]["days"]))
    log_reference(client, trained["run"], scorer, rows)
    if DECISION not in client.get_model_version(model, version).tags:
        client.set_registered_model_alias(model, CHALLENGER, version)
    return version


def create_model(client: MlflowClient, model: str) -> None:
    """Create a registered model, unless it is there."""
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def create_version(client: MlflowClient, model: str, run: str, tags: Mapping[str, str]) -> str:
    """Create the version of the model that a run has logged, and return its number."""
    source = f"{client.get_run(run).info.artifact_uri}/{MODEL}"
    return str(client.create_model_version(model, source, run_id=run, tags=dict(tags)).version)


def log_reference(client: MlflowClient, run: str, model: DelayModel, rows: pa.Table) -> None:
    """Log rows with the outputs that a version gives them, once: the monitoring pins their digest."""
    if any(file.path == REFERENCE for file in client.list_artifacts(run)):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / REFERENCE
        pq.write_table(rescored(rows, model), path, compression="zstd")
        client.log_artifact(run, str(path))
