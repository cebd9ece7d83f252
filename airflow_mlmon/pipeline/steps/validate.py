"""Step of the checks on the curated partition."""

from __future__ import annotations

import json
from dataclasses import asdict

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.prepare import Prepared
from airflow_mlmon.pipeline.workspace.curated import read_scalars
from airflow_mlmon.pipeline.workspace.reference import ensure_reference
from airflow_mlmon.quality.frame import to_frame
from airflow_mlmon.quality.great_expectations import validate
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec import Severity

_FILE = "checks.json"


def validate_partition(run: Run, prepared: Prepared) -> list[CheckOutcome]:
    """Run the checks of the spec, or those inferred from the reference, and store their outcomes."""
    declared = run.spec.quality
    checks = ensure_reference(run).inferred.checks if declared is None else declared
    run.progress(f"{len(checks)} checks")
    frame = to_frame(read_scalars(run, prepared.partition, prepared.version))
    outcomes = validate(frame, checks, run.spec)
    content = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
    run.files.write(run.version_uri(prepared.partition, prepared.version, _FILE), content.encode())
    return outcomes


def read_checks(run: Run, prepared: Prepared) -> list[CheckOutcome]:
    """Read the outcomes of a version's checks."""
    content = json.loads(run.files.read(run.version_uri(prepared.partition, prepared.version, _FILE)))
    return [CheckOutcome(**(check | {"severity": Severity(check["severity"])})) for check in content]
