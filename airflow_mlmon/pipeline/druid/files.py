"""What the workspace keeps about Druid: input while it is read, what was loaded last, and the rules that were set.

An input belongs to one task, by whose id it is named, and Druid takes an id once. So when the task has ended
nobody can read the input any more, whoever runs beside: the load that is counted and done deletes it, and those
of tasks of the same day that ended before. The input of a task that has not ended stays, and so does that of one
that Druid does not know, because a run may be about to hand it in; of any other day nothing is touched.
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
from airflow_mlmon.pipeline.druid.content import Content, Place, place_uri, tag_of, task_of
from airflow_mlmon.pipeline.run import Run

log = logging.getLogger(__name__)

_LOADED = "loaded.json"
_RULES = "rules.json"


def note_loaded(run: Run, place: Place, content: Content, *, tag: str) -> None:
    """Keep what of a place was seen served, and the tag of what the store said then."""
    document = {"tag": _tag(place, tag), "rows": content.rows, "version": content.version}
    run.files.write(place_uri(run, place, _LOADED), json.dumps(document).encode())


def loaded_content(run: Run, place: Place) -> Content | None:
    """What Druid serves of a place if nobody else has loaded it; None where the store has moved on since."""
    try:
        document = json.loads(run.files.read(place_uri(run, place, _LOADED)))
    except NotFoundError:
        return None
    if document["tag"] != _tag(place, tag_of(run, place)):
        return None
    return Content(rows=document["rows"], version=document["version"])


def delete_inputs(run: Run, client: DruidClient, place: Place) -> None:
    """Delete the input of the tasks that have ended; a store that does not let it go keeps it."""
    try:
        names = {item.uri.rpartition("/")[2] for item in run.files.list(place_uri(run, place, ""))}
        for name in names - {_LOADED}:
            status = client.task_status(task_of(name))
            if status is not None and status.state is not TaskState.RUNNING:
                run.files.delete(place_uri(run, place, name))
    except MlmonError as error:
        log.warning("The input of %s stays in the workspace: %s", place.key, error)


def apply_noted_rules(run: Run, client: DruidClient) -> None:
    """Set Druid's rules as the spec says, and take back those that were set before and that it says no longer."""
    uri = run.uri("druid", build_predictions_datasource(run.spec).name, _RULES)
    try:
        before = OwnRules(**json.loads(run.files.read(uri)))
    except NotFoundError:
        before = OwnRules()
    own = apply_rules(client, run.spec, before)
    if own != before:
        run.files.write(uri, json.dumps(asdict(own)).encode())


def _tag(place: Place, tag: str) -> str:
    # the same rows under other columns are loaded anew
    return hashlib.sha256(f"{tag} {place.datasource!r}".encode()).hexdigest()[:16]
