"""Facts of the data that the steps of a day read and write, for lineage."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from airflow_mlmon.archive.layouts.layout import day_folders
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.lineage import AssertionFacts, ColumnFacts, Data, DatasetFacts
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, profile_uri
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.records import VerdictState
from airflow_mlmon.spec.choices import PersonalData, Severity
from airflow_mlmon.spec.column import Column

_METRICS = "mlmon_metrics"
_PORTS = {"postgres": 5432, "mysql": 3306}
_DRUID_KINDS = ("predictions", "metrics", "profiles")


def describe_data(run: Run, partition: Partition, kind: Data, version: str | None) -> list[DatasetFacts]:
    """Describe the data of a kind that belong to a day.

    Args:
        run: the model.
        partition: the day.
        kind: the data.
        version: content of the day's curated rows; None if there is none.

    Returns:
        Data without facts where these cannot be read any more; none if the model or the day has no such data.
    """
    return list(_DESCRIBED[kind](run, partition, version))


def describe_assertions(run: Run, partition: Partition) -> list[AssertionFacts]:
    """Describe the checks and the verdicts of a day; verdicts of all rows of a segment name it in `kind`."""
    checks = [
        AssertionFacts(
            name=check.expectation,
            kind=check.expectation,
            column=check.column,
            passed=check.passed,
            is_blocking=check.severity == Severity.BLOCKING,
            expected=check.expected,
            actual=check.observed,
        )
        for check in run.store.checks(partition)
    ]
    verdicts = [
        AssertionFacts(
            name=" ".join(word for word in (verdict.metric, verdict.column, verdict.segment) if word),
            kind=verdict.metric,
            column=verdict.column,
            passed=None if verdict.state is VerdictState.INSUFFICIENT_DATA else verdict.state is VerdictState.OK,
            is_blocking=False,
            expected=_interval(verdict.low, verdict.high),
            actual="" if verdict.value is None else f"{verdict.value:g}",
        )
        for verdict in run.store.verdicts(partition)
    ]
    return [*checks, *verdicts]


def _reference(run: Run, *_: object) -> Iterator[DatasetFacts]:
    reference = run.spec.reference
    if reference.mlflow is not None:
        yield DatasetFacts(namespace="mlflow", name=reference.mlflow.uri)
    elif reference.path is not None:
        yield _at(_fixed(reference.path))


def _labels(run: Run, *_: object) -> Iterator[DatasetFacts]:
    if run.spec.labels is not None and run.spec.labels.path is not None:
        yield _at(_fixed(run.spec.labels.path))


def _stored_profile(run: Run, partition: Partition, version: str | None) -> Iterator[DatasetFacts]:
    pinned = run.store.current_schema(run.model)
    if pinned is not None and version is not None:
        yield _at(profile_uri(run, partition, version, pinned.schema_id), version=version)


def _druid(run: Run, _: Partition, version: str | None) -> Iterator[DatasetFacts]:
    if run.druid is not None:
        address = urlsplit(run.druid.connect().base_url).netloc
        for kind in _DRUID_KINDS:
            yield DatasetFacts(namespace=f"druid://{address}", name=f"{run.model}_{kind}", version=version)


def _pages(run: Run, partition: Partition, _: str | None) -> Iterator[DatasetFacts]:
    yield _at(run.report_uri(partition.key))


def _metrics(run: Run, _: Partition, version: str | None) -> Iterator[DatasetFacts]:
    """Name the table of metrics as OpenLineage names those of databases."""
    yield _metrics_at(run.store.address, version)


def _metrics_at(address: str, version: str | None) -> DatasetFacts:
    parts = urlsplit(address)
    system = next((name for name in _PORTS if parts.scheme.startswith(name)), None)
    if system is None:
        return DatasetFacts(namespace=address, name=_METRICS, version=version)
    database = parts.path.strip("/")
    schema = f"{database}.public" if system == "postgres" else database
    namespace = f"{system}://{parts.hostname}:{parts.port or _PORTS[system]}"
    return DatasetFacts(namespace=namespace, name=f"{schema}.{_METRICS}", version=version)


def _archive(run: Run, partition: Partition, version: str | None) -> Iterator[DatasetFacts]:
    """Yield the folders of a day; those of several hours are one, with the facts of all of them."""
    folders = day_folders(run.spec.predictions, partition)
    shared = posixpath.commonpath(folders) if len(folders) > 1 else folders[0]
    content = _manifest(run, partition, version) if version else None
    if content is None:
        yield _at(shared)
        return
    files = [file for file in content["files"] if not file.get("is_neighbour")]
    rows = [file["rows"] for file in files]
    yield _at(
        shared,
        rows=None if None in rows else sum(rows),
        size=sum(file["size"] for file in files),
        files=len(files),
    )


def _curated(run: Run, partition: Partition, version: str | None) -> Iterator[DatasetFacts]:
    if version is None:
        return
    columns = {name: column for name, column in run.spec.columns.items() if column.personal is not PersonalData.DROP}
    profile = _profile(run, partition, version)
    facts = {name: _facts(name, column, profile) for name, column in columns.items()}
    content = _manifest(run, partition, version)
    yield _at(
        run.version_uri(partition, version, ""),
        version=version,
        rows=content["rows_accepted"] if content else None,
        columns=facts,
    )


def _facts(name: str, column: Column, profile: Profile | None) -> ColumnFacts:
    found = profile.columns.get(name) if profile else None
    if profile is None or found is None:
        return ColumnFacts(type=column.type)
    low, high = (None, None) if column.personal else _extremes(found)
    return ColumnFacts(
        type=column.type,
        nulls=profile.rows - found.rows + found.missing,
        distinct=getattr(found, "distinct", None),
        low=low,
        high=high,
    )


def _extremes(found: ColumnProfile) -> tuple[float | None, float | None]:
    return (found.min, found.max) if isinstance(found, NumericProfile) else (None, None)


def _manifest(run: Run, partition: Partition, version: str) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(run.files.read(run.version_uri(partition, version, MANIFEST)))
    except NotFoundError:
        return None
    return content


def _profile(run: Run, partition: Partition, version: str) -> Profile | None:
    pinned = run.store.current_schema(run.model)
    if pinned is None:
        return None
    try:
        return Profile.from_bytes(run.files.read(profile_uri(run, partition, version, pinned.schema_id)))
    except NotFoundError:
        return None


def _fixed(path: str) -> str:
    """Return the part of a path before its first placeholder or wildcard.

    >>> _fixed("s3://b/labels/dt={yyyy}-{mm}-{dd}/*.csv"), _fixed("/data/train.parquet")
    ('s3://b/labels', '/data/train.parquet')
    """
    fixed = min((path.partition(mark)[0] for mark in "{*?["), key=len)
    return path if fixed == path else fixed.rpartition("/")[0]


def _at(uri: str, **facts: Any) -> DatasetFacts:
    parts = urlsplit(uri)
    if not parts.scheme:
        return DatasetFacts(namespace="file", name=uri.rstrip("/"), **facts)
    return DatasetFacts(namespace=f"{parts.scheme}://{parts.netloc}", name=parts.path.strip("/") or "/", **facts)


def _interval(low: float | None, high: float | None) -> str:
    ends: Sequence[str] = [f"{word} {end:g}" for word, end in (("at least", low), ("at most", high)) if end is not None]
    return " and ".join(ends)


_DESCRIBED: Mapping[Data, Callable[[Run, Partition, str | None], Iterator[DatasetFacts]]] = {
    Data.ARCHIVE: _archive,
    Data.REFERENCE: _reference,
    Data.LABELS: _labels,
    Data.CURATED: _curated,
    Data.PROFILE: _stored_profile,
    Data.RESULTS: _metrics,
    Data.DRUID: _druid,
    Data.PAGES: _pages,
}
