"""Accepted baselines and changes, written to the model version in MLflow that they are about, and to its run.

What the store has of them is the outbox: an acceptance is written until MLflow has taken or refused it. Neither an
acceptance nor a night fails because MLflow is away.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from airflow_mlmon.errors import MlmonError, NotFoundError, ServiceRejectedError
from airflow_mlmon.mlflow.client import MlflowMetric, MlflowServer
from airflow_mlmon.pipeline.baselines.versions import version_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.mlflow_source import connect, version_named
from airflow_mlmon.spec.mlflow import MODELS
from airflow_mlmon.store.mlflow_store import AcceptedChange

_BASELINE, _CHANGE = "baseline", "change"
_PREFIX = "mlmon"
_NO_NAME = re.compile(r"[^\w.\- /:]")
_LONGEST_NAME = 250
_MOST_METRICS = 500
# a refusal that ends once the connection is corrected
_OF_USER = {401, 403}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acceptance:
    """What is written of acceptances: their numbers, the model version as the predictions name it, and the day."""

    kind: str
    numbers: tuple[int, ...]
    version: str | None
    day: date
    tags: Mapping[str, str]
    measured_on: date | None


def write_back(run: Run) -> str:
    """Write to MLflow what was accepted since the last time, and return what went wrong; empty if nothing did."""
    mlflow = run.spec.reference.mlflow
    if mlflow is None or not mlflow.write_back:
        return ""
    done = run.store.written_back(run.model)
    pending = [one for one in _acceptances(run) if not {(one.kind, number) for number in one.numbers} <= done]
    refused = []
    for one in pending:
        error = ""
        try:
            _write(run, connect(run), one)
        except (NotFoundError, ServiceRejectedError) as raised:
            if getattr(raised, "status", None) in _OF_USER:
                return _waiting(raised)
            error = str(raised)
            refused.append(f"MLflow has refused an accepted {one.kind}: {error}")
        except MlmonError as raised:
            return _waiting(raised)
        for number in one.numbers:
            run.store.mark_written_back(run.model, one.kind, number, error, at=run.mlflow_access.now)
    return " ".join(refused)


def _waiting(error: MlmonError) -> str:
    return f"What was accepted is not in MLflow yet, and is written when alerts are sent next: {error}"


def _write(run: Run, server: MlflowServer, one: _Acceptance) -> None:
    server.write(_uri(run, one), one.tags, _metrics(run, one.measured_on))


def _uri(run: Run, one: _Acceptance) -> str:
    """Return the address of the model version that an acceptance is about, or else of the reference's, or its run."""
    mlflow = run.spec.reference.mlflow
    assert mlflow is not None  # noqa: S101 - asked for above
    address = mlflow.address
    if address.run is not None:
        return mlflow.uri
    own = one.version if one.version and one.version.isdecimal() else None
    number = own or version_named(run, one.day) or address.version
    return f"{MODELS}{address.name}/{number}" if number else mlflow.uri


def _acceptances(run: Run) -> Iterator[_Acceptance]:
    last = run.store.last_evaluated_day(run.model)
    for pin in run.store.baselines(run.model):
        own = {"": pin.baseline.title(), ".from": pin.first.isoformat(), ".accepted_by": pin.who, ".why": pin.why}
        yield _Acceptance(
            kind=_BASELINE,
            numbers=(pin.number,),
            version=pin.version,
            day=pin.first,
            tags=_tags(run, _BASELINE, own),
            measured_on=last,
        )
    grouped: dict[tuple[str | None, date, str, str], list[AcceptedChange]] = {}
    for change in run.store.accepted_changes(run.model):
        version = version_of(run.spec, change.segment or None)
        action = change.action
        grouped.setdefault((version, action.day, action.who, action.why), []).append(change)
    for (version, day, who, why), changes in grouped.items():
        subjects = "; ".join(" ".join(filter(None, (one.metric, one.column, one.segment))) for one in changes)
        own = {"": subjects, ".day": day.isoformat(), ".accepted_by": who, ".why": why}
        yield _Acceptance(
            kind=_CHANGE,
            numbers=tuple(one.number for one in changes),
            version=version,
            day=day,
            tags=_tags(run, "accepted_change", own),
            measured_on=day,
        )


def _tags(run: Run, name: str, values: Mapping[str, str]) -> dict[str, str]:
    return {f"{_PREFIX}.model": run.model} | {f"{_PREFIX}.{name}{key}": value for key, value in values.items()}


def _metrics(run: Run, day: date | None) -> Sequence[MlflowMetric]:
    """Return the metrics of all rows of a day, and the drift of each column."""
    if day is None:
        return []
    partition = run.partition(day)
    found = []
    for value in run.store.metric_values(partition):
        if value.segment is None and value.value is not None and math.isfinite(value.value):
            name = ".".join(filter(None, (_PREFIX, value.metric, value.column)))
            key = _NO_NAME.sub("_", name)[:_LONGEST_NAME]
            found.append(MlflowMetric(key=key, value=value.value, at=partition.start))
    return found[:_MOST_METRICS]
