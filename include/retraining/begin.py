"""Register what `include.serving.train` has written as the first champion: `python -m include.retraining.begin FOLDER`.

It runs in the environment of the service, and in the MLflow that `MLFLOW_TRACKING_URI` names.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
from mlflow import MlflowClient

from include.retraining.registration import REFERENCE, create_model, create_version, log_reference
from include.retraining.training import experiment_of, log_model
from include.serving.aliases import CHAMPION, SHARE
from include.serving.model import load


def begin(folder: Path, model: str) -> str:
    """Register the first champion of a model, and return its version.

    Raises:
        ValueError: the model has a champion already.
    """
    client = MlflowClient()
    create_model(client, model)
    if CHAMPION in client.get_registered_model(model).aliases:
        raise ValueError(f"{model} has a champion: versions after it come from a retraining.")
    first = load(folder / "model")
    run = client.create_run(experiment_of(client, model), run_name=f"{model} {first.version}").info.run_id
    log_model(client, run, first)
    version = create_version(client, model, run, {SHARE: "0"})
    log_reference(client, run, replace(first, version=version), pq.read_table(folder / REFERENCE))
    client.set_terminated(run)
    client.set_registered_model_alias(model, CHAMPION, version)
    return version


def main() -> None:
    """Register the model in the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Register the first champion of the example service.")
    parser.add_argument("folder", type=Path, help="folder that include.serving.train wrote to")
    parser.add_argument("--model", default="flights", help="name in the registry")
    arguments = parser.parse_args()
    print(f"version {begin(arguments.folder, arguments.model)} of {arguments.model} is the champion")


if __name__ == "__main__":
    main()
