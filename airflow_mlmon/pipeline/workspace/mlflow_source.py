"""Reference that an MLflow server knows: its version on a day, its rows, and the digest that they are pinned with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import NamedTuple

from airflow_mlmon.archive.layouts.layout import ListedFile, list_below
from airflow_mlmon.errors import ConfigError, DataError, NotFoundError
from airflow_mlmon.mlflow.client import FetchedRows, MlflowServer, ModelVersion, digest_of
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.predicted import with_predictions
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.mlflow import DEFAULT_MLFLOW, MODELS, MlflowReference
from airflow_mlmon.storage import ObjectStore
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.store.mlflow_store import NamedVersion, ReferenceSource

_LATEST = date.max


class OpenedReference(NamedTuple):
    """Files of a reference, as long as they are there.

    Attributes:
        store: Store of the files.
        files: The files.
        source: What MLflow knows of them; None of a path.
        checksums: SHA-256 of the files by name; None: those of the files themselves.
        is_predicted: Whether they are Parquet files with predictions, whatever the format of the artifact.
    """

    store: ObjectStore
    files: tuple[ListedFile, ...]
    source: ReferenceSource | None = None
    checksums: Mapping[str, str] | None = None
    is_predicted: bool = False


def aliases_of(spec: ModelSpec) -> tuple[str, ...]:
    """Return the aliases that a spec names: of its reference, and of versions with a baseline of their own."""
    mlflow = spec.reference.mlflow
    own = [mlflow.uri] if mlflow is not None and mlflow.address.alias else []
    return tuple(dict.fromkeys([*own, *(name for name in spec.versions if name.startswith(MODELS))]))


def follow_aliases(run: Run, day: date) -> None:
    """Ask once which versions the aliases of the spec name, and record it as what they name on a day.

    A day is asked for if nothing is recorded of it or of a later one: what an alias named in the past, MLflow does not
    tell, and a day keeps what it was compared with.

    Raises:
        ServiceError: MLflow does not answer, or refuses.
    """
    wanted = [alias for alias in aliases_of(run.spec) if (run.ask(run.store.last_alias_day, alias) or date.min) < day]
    if not wanted:
        return
    run.progress("asking MLflow which versions the aliases name")
    found = connect(run).resolve(wanted)
    named = {alias: NamedVersion(version=one.version, run=one.run) for alias, one in found.items()}
    run.store.record_aliases(run.model, day, named, at=run.mlflow_access.now)
    run.ask_anew()


def with_named_versions(run: Run, day: date) -> ModelSpec:
    """Return the spec with the versions that its aliases named on a day in the place of the aliases.

    A version that is written itself has its own baseline; an alias that named none has no place.
    """
    spec = run.spec
    if not any(name.startswith(MODELS) for name in spec.versions):
        return spec
    named = {}
    for name, baseline in spec.versions.items():
        if name.startswith(MODELS) and (found := run.ask(run.store.alias_on, name, day)) is not None and found.version:
            named[found.version] = baseline
    written = {name: baseline for name, baseline in spec.versions.items() if not name.startswith(MODELS)}
    return spec.model_copy(update={"versions": named | written})


def version_named(run: Run, day: date | None) -> str | None:
    """Return the version that the alias of the reference named on a day, or last; None if none is recorded."""
    mlflow = run.spec.reference.mlflow
    if mlflow is None or not mlflow.address.alias:
        return None
    found = run.ask(run.store.alias_on, mlflow.uri, day or _LATEST)
    return found.version if found is not None else None


def connect(run: Run) -> MlflowServer:
    """Return the MLflow server of the spec.

    Raises:
        ConfigError: its connection does not exist.
    """
    mlflow = run.spec.reference.mlflow
    return run.mlflow_access.connect(mlflow.connection if mlflow is not None else DEFAULT_MLFLOW)


@contextmanager
def open_mlflow(run: Run, mlflow: MlflowReference, day: date | None) -> Iterator[OpenedReference]:
    """Yield the files of a reference that MLflow knows, on a day or as of now, with their source.

    Raises:
        NotFoundError: the version, run, artifact or dataset does not exist.
        DataError: the files have another digest than the one they were pinned with.
        ServiceError: MLflow does not answer or refuses, or the model does not predict.
    """
    server, uri = connect(run), _uri_on(run, mlflow, day)
    with scratch_folder() as folder:
        raw = folder / "artifacts"
        raw.mkdir()
        run.progress(f"downloading the rows of {uri} from MLflow")
        path = mlflow.artifact or mlflow.address.path
        rows = server.fetch(uri, path=path, dataset=mlflow.dataset, folder=raw)
        _check_version(uri, rows.version)
        opened = _opened(run, rows, raw)
        checksums = _checksums(opened, rows.location or str(raw))
        address = rows.version.uri if rows.version.version else uri
        what = mlflow.artifact or mlflow.dataset
        source = ReferenceSource(
            source=f"{address}: {what}" if what else address,
            version=rows.version.version,
            run=rows.version.run,
            dataset=rows.dataset,
            digest=digest_of(checksums),
        )
        _check_digest(run, mlflow, source)
        opened = opened._replace(source=source, checksums=checksums)
        if mlflow.predict is not None:
            files = with_predictions(run, server, address, (opened.store, opened.files), folder)
            if files is not None:
                store = run.storage.at(str(folder))
                opened = opened._replace(store=store, files=list_below(store, str(files)).files, is_predicted=True)
        yield opened


def _uri_on(run: Run, mlflow: MlflowReference, day: date | None) -> str:
    """Return the address of the reference, with the version that its alias named on a day in the place of the alias."""
    recorded = version_named(run, day)
    return f"{MODELS}{mlflow.address.name}/{recorded}" if recorded else mlflow.uri


def _check_version(uri: str, version: ModelVersion) -> None:
    if version.name and not version.version:
        raise NotFoundError(f"The alias {uri} names no version.", hint="set it in the registry, or name a version")
    if not version.run:
        raise ConfigError(
            f"{version.uri} is of no run, so that its rows are not known.",
            hint="name the artifact itself, `mlflow: runs:/<run id>/<path>`, or register the version with its run",
        )


def _opened(run: Run, rows: FetchedRows, folder: Path) -> OpenedReference:
    spec = run.spec
    place = rows.location or str(folder)
    store = run.storage.at(place, (spec.reference.connection or spec.predictions.connection) if rows.location else None)
    files = list_below(store, place, columns=spec.predictions.columns).files
    if not files:
        raise DataError(
            f"No table is among what the reference of {spec.model} names in MLflow ({', '.join(rows.files) or place}).",
            hint="name the file or folder of its rows with `artifact`",
        )
    return OpenedReference(store=store, files=files)


def _checksums(opened: OpenedReference, place: str) -> dict[str, str]:
    """Hash the files, by their names below a place."""
    found = {}
    for file in opened.files:
        with opened.store.local_copy(file.item.uri, etag=file.item.etag) as path, path.open("rb") as content:
            name = file.item.uri.removeprefix(place).lstrip("/") or file.item.uri.rpartition("/")[2]
            found[name] = hashlib.file_digest(content, "sha256").hexdigest()
    return found


def _check_digest(run: Run, mlflow: MlflowReference, source: ReferenceSource) -> None:
    """Refuse files that are not those which were pinned.

    Raises:
        DataError: they have another digest.
    """
    known = run.store.reference_source(run.model, source.source)
    pinned = mlflow.digest or (known.digest if known else source.digest)
    if source.digest != pinned:
        said = "the spec names" if mlflow.digest else "they were pinned with"
        raise DataError(
            f"The files of {source.source} have the digest {source.digest}, and {said} {pinned}: what MLflow has under "
            "this address was changed.",
            hint="register the changed rows as a new version, or accept them with `reference.mlflow.digest: "
            f"{source.digest}`",
        )


def record_source(run: Run, source: ReferenceSource | None) -> None:
    """Record what the reference was pinned from."""
    if source is not None:
        run.store.record_source(run.model, source, at=run.mlflow_access.now)
