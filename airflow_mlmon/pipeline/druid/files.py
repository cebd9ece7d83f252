"""Files about Druid in the workspace: inputs, the last loaded content, and the applied rules.

An input belongs to one task and is named by its id, and Druid accepts an id once. So after the end of the task nobody
can read the input any more: the load that is verified deletes it, and those of earlier tasks of the same day. The
input of an open task stays, and so does that of a task unknown to Druid, because a run may be about to submit it;
files of other days are not touched.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict

from airflow_mlmon.druid.answers import TaskState
from airflow_mlmon.druid.client import DruidClient
from airflow_mlmon.druid.ingestion import build_predictions_datasource
from airflow_mlmon.druid.rules import OwnRules, apply_rules
from airflow_mlmon.errors import MlmonError, NotFoundError
from airflow_mlmon.pipeline.druid.content import DatasourceContent, DatasourceDay, place_uri, tag_of, task_id_of
from airflow_mlmon.pipeline.run import Run

log = logging.getLogger(__name__)

_LOADED = "loaded.json"
_RULES = "rules.json"


def note_loaded(run: Run, place: DatasourceDay, content: DatasourceContent, *, tag: str) -> None:
    """Record the served content of a place, with the tag of the store's state."""
    document = {"tag": _tag(place, tag), "rows": content.rows, "version": content.version}
    run.files.write(place_uri(run, place, _LOADED), json.dumps(document).encode())


def loaded_content(run: Run, place: DatasourceDay) -> DatasourceContent | None:
    """Return the content that Druid serves for a place; None if the store has changed since it was loaded."""
    try:
        document = json.loads(run.files.read(place_uri(run, place, _LOADED)))
    except NotFoundError:
        return None
    if document["tag"] != _tag(place, tag_of(run, place)):
        return None
    return DatasourceContent(rows=document["rows"], version=document["version"])


def delete_inputs(run: Run, client: DruidClient, place: DatasourceDay) -> None:
    """Delete the inputs of ended tasks; log those that cannot be deleted."""
    try:
        names = {item.uri.rpartition("/")[2] for item in run.files.list(place_uri(run, place, ""))}
        for name in names - {_LOADED}:
            status = client.task_status(task_id_of(name))
            if status is not None and status.state is not TaskState.RUNNING:
                run.files.delete(place_uri(run, place, name))
    except MlmonError as error:
        log.warning("The input of %s stays in the workspace: %s", place.key, error)


def apply_noted_rules(run: Run, client: DruidClient) -> None:
    """Set Druid's rules by the spec, and remove those set before that it no longer contains."""
    uri = run.uri("druid", build_predictions_datasource(run.spec).name, _RULES)
    try:
        before = OwnRules(**json.loads(run.files.read(uri)))
    except NotFoundError:
        before = OwnRules()
    own = apply_rules(client, run.spec, before)
    if own != before:
        run.files.write(uri, json.dumps(asdict(own)).encode())


def _tag(place: DatasourceDay, tag: str) -> str:
    # the same rows with other columns are loaded again
    return hashlib.sha256(f"{tag} {place.datasource!r}".encode()).hexdigest()[:16]
