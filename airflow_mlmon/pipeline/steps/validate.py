"""Step of the checks on the curated partition."""

from __future__ import annotations

import json

from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.telemetry import note, observed
from airflow_mlmon.pipeline.workspace.curated import open_columns
from airflow_mlmon.pipeline.workspace.partition_files import profile_uri
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.pipeline.workspace.stored_profiles import read_profile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.quality.known import Known
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec import Severity

_FILE = "checks.json"


@observed("validate_partition")
def validate_partition(run: Run, prepared: Prepared) -> list[CheckOutcome]:
    """Run the checks of the spec, or those inferred from the reference, and store their outcomes."""
    note(rows=prepared.rows_accepted)
    declared = run.spec.quality
    checks = ensure_reference(run, prepared.partition.day).inferred.checks if declared is None else declared
    run.progress(f"{len(checks)} checks")
    from airflow_mlmon.quality.great_expectations import validate  # noqa: PLC0415 - heavy

    known = Known(run.spec, _read_profile(run, prepared), ids=run.spec.id_column)
    with open_columns(run, prepared.partition, prepared.version) as rows:
        outcomes = validate(rows, checks, known)
    content = json.dumps([{name: getattr(one, name) for name in one.__slots__} for one in outcomes], indent=1)
    run.files.write(run.version_uri(prepared.partition, prepared.version, _FILE), content.encode())
    return outcomes


def read_checks(run: Run, prepared: Prepared) -> list[CheckOutcome]:
    """Read the outcomes of a version's checks."""
    content = json.loads(run.files.read(run.version_uri(prepared.partition, prepared.version, _FILE)))
    return [CheckOutcome(**(check | {"severity": Severity(check["severity"])})) for check in content]


def _read_profile(run: Run, prepared: Prepared) -> Profile | None:
    """Read the profile of the rows, which is made with them unless Druid makes it."""
    pinned = run.ask(run.store.current_schema)
    if pinned is None:
        return None
    try:
        uri = profile_uri(run, prepared.partition, prepared.version, pinned.schema_id)
        return read_profile(run, uri)
    except NotFoundError:
        return None
