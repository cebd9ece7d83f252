"""Training of a new model on curated rows, and its comparison with the scores that were served."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from mlflow import MlflowClient
from mlflow.entities import RunStatus

from include.retraining.contrast import contrast_scores
from include.retraining.packing import pack
from include.serving.model import DelayModel, fit

# tag of runs and versions: the same rows and settings have the same
DIGEST = "training_digest"
SUMMARY = "summary"
MODEL = "model"


def train(exported: Mapping[str, Any], *, model: str, held_out: int) -> dict[str, Any]:
    """Fit a model to all labelled days but the last ones, measure it on these, and log both as a run of MLflow.

    The old score is the one that was served and archived, so that nothing has to be scored anew. A second call with
    the same rows returns what the first one logged.

    Args:
        exported: what `export_rows` has returned.
        model: name of the model, and of the experiment.
        held_out: number of the last labelled days on which the models are compared.

    Raises:
        ValueError: there are no labelled days besides the ones that are held out.
    """
    client = MlflowClient()
    digest = _digest(exported, held_out)
    place = experiment_of(client, model)
    known = client.search_runs([place], f"tags.{DIGEST} = '{digest}' and attributes.status = 'FINISHED'")
    if known:
        summary: dict[str, Any] = json.loads(known[0].data.tags[SUMMARY])
        return summary
    rows = pq.read_table(exported["uri"])
    lessons, test = split(rows, exported["columns"], held_out)
    fitted = fit(lessons, digest, exported["columns"]["label"])
    found = _compare(test, fitted.score_table(_unscored(test)), exported["columns"])
    run = client.create_run(place, tags={DIGEST: digest}, run_name=f"{model} {exported['last']}")
    summary = {
        "run": run.info.run_id,
        "digest": digest,
        "rows": len(lessons),
        "days": _days(lessons, exported["columns"]),
        "held_out": {"rows": len(test), "days": _days(test, exported["columns"]), "metrics": found},
    }
    for each in found:
        client.log_metric(run.info.run_id, each["metric"], each["new"])
    log_model(client, run.info.run_id, fitted)
    client.set_tag(run.info.run_id, SUMMARY, json.dumps(summary))
    client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.FINISHED))
    return summary


def experiment_of(client: MlflowClient, model: str) -> str:
    """Return the id of the experiment with the name of the model, which is made where it is missing."""
    found = client.get_experiment_by_name(model)
    return str(found.experiment_id if found else client.create_experiment(model))


def log_model(client: MlflowClient, run: str, model: DelayModel) -> None:
    """Log a model as artifact of a run."""
    with tempfile.TemporaryDirectory() as folder:
        client.log_artifacts(run, str(pack(model, Path(folder))), MODEL)


def split(rows: pa.Table, columns: Mapping[str, str], held_out: int) -> tuple[pa.Table, pa.Table]:
    """Split labelled rows into those to learn from and those of the last days.

    Raises:
        ValueError: there are no labelled days besides these.
    """
    days = rows[columns["time"]].cast(pa.timestamp("us")).cast(pa.date32())
    present = sorted(days.unique().to_pylist())
    if len(present) <= held_out:
        raise ValueError(f"{len(present)} labelled days are not more than the {held_out} to be held out.")
    is_last = pc.is_in(days, pa.array(present[-held_out:], pa.date32()))
    return rows.filter(pc.invert(is_last)), rows.filter(is_last)


def rescored(rows: pa.Table, model: DelayModel) -> pa.Table:
    """Return the rows with the outputs of a model in the place of those that were served."""
    return model.score_table(_unscored(rows))


def _unscored(rows: pa.Table) -> pa.Table:
    outputs = {"model_version", "score", "predicted"}
    return rows.drop_columns([name for name in rows.column_names if name in outputs or name.startswith("shap_")])


def _compare(test: pa.Table, scored: pa.Table, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    labels = test[columns["label"]].to_numpy().astype(bool)
    old, new = (table[columns["score"]].to_numpy().astype(np.float64) for table in (test, scored))
    return [asdict(each) for each in contrast_scores(labels, old, new)]


def _days(rows: pa.Table, columns: Mapping[str, str]) -> list[str]:
    days = rows[columns["time"]].cast(pa.timestamp("us")).cast(pa.date32())
    return sorted(str(day) for day in days.unique().to_pylist())


def _digest(exported: Mapping[str, Any], held_out: int) -> str:
    content = json.dumps([exported["digest"], held_out])
    return hashlib.sha256(content.encode()).hexdigest()[:16]
