"""What the monitoring asks of an MLflow server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.mlflow.process import MlflowServerAccess, ask_mlflow
from airflow_mlmon.spec.mlflow import MlflowUri

# bytes of the files of one reference
LIMIT = 4 << 30
_QUICK_S, _SLOW_S = 120, 3600
_LONGEST_TAG = 4_000
_REMOTE = ("s3://", "abfs://", "abfss://", "gs://")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """Version of a registered model, and the run that it is of.

    The run is empty if the version has none, the version if it is a run alone, or an alias that names none.
    """

    name: str
    version: str
    run: str

    @property
    def uri(self) -> str:
        """Return its address."""
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedRows:
    """Rows of a run.

    Attributes:
        version: The model version, and the run; without a run nothing is fetched.
        files: Names of the files in the folder; none if they lie in an object store.
        location: URI of the object store where they lie; empty if they are in the folder.
        dataset: Name and digest of the logged dataset that they are; empty if they are an artifact.
    """

    version: ModelVersion
    files: tuple[str, ...]
    location: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowMetric:
    """Value of a metric at the start of a day."""

    key: str
    value: float
    at: datetime


class MlflowServer:
    """Tracking server and model registry; each request is a process of its own."""

    def __init__(self, access: MlflowServerAccess) -> None:
        self._access = access

    def ping(self) -> None:
        """Raise an error if the server does not answer, or not to this user."""
        ask_mlflow(self._access, {"do": "ping"}, seconds=_QUICK_S)

    def resolve(self, uris: Sequence[str]) -> dict[str, ModelVersion]:
        """Return which version each address of a model is now, by address; of an alias that is not set an empty one.

        Raises:
            NotFoundError: there is no such model, version or alias.
            ServiceError: the server does not answer, or refuses.
        """
        addresses = [_address(uri) for uri in uris]
        found = ask_mlflow(self._access, {"do": "resolve", "addresses": addresses}, seconds=_QUICK_S)["versions"]
        named = zip(uris, addresses, found, strict=True)
        return {uri: ModelVersion(name=str(address["name"]), **known) for uri, address, known in named}

    def fetch(self, uri: str, *, path: str | None, dataset: str | None, folder: Path) -> FetchedRows:
        """Download an artifact of a run, or of that of a model version, to an empty folder, or find its dataset.

        Raises:
            NotFoundError: there is no such run, artifact or dataset.
            ConfigError: the dataset lies where the monitoring does not read.
            ServiceError: the server does not answer, or the artifact is too large or has a dangerous name.
        """
        request = {"do": "download", **_target(uri), "path": path, "dataset": dataset}
        found = ask_mlflow(self._access, {**request, "folder": str(folder), "limit": LIMIT}, seconds=_SLOW_S)
        version = ModelVersion(name=MlflowUri.parse(uri).name or "", **found["version"])
        known = found["dataset"]
        location = str(known["uri"]) if known and not found["files"] else ""
        if location and not location.startswith(_REMOTE):
            raise ConfigError(
                f"The dataset {known['name']!r} of {uri} lies at {location!r} (source type {known['type']}), which "
                "is not read: only artifacts and object stores are.",
                hint="log its rows as an artifact and name it with `artifact`, or give the reference's own `path`",
            )
        dataset = f"{known['name']}, digest {known['digest']}" if known else ""
        return FetchedRows(version=version, files=tuple(found["files"]), location=location, dataset=dataset)

    def write(self, uri: str, tags: Mapping[str, str], metrics: Sequence[MlflowMetric]) -> None:
        """Write tags to a model version and its run, or to a run alone, and metrics to the run.

        Raises:
            NotFoundError: there is no such version or run.
            ServiceError: the server does not answer, or refuses.
        """
        request = {
            "do": "write",
            **_target(uri),
            "tags": {key: value[:_LONGEST_TAG] for key, value in tags.items()},
            "metrics": [_metric(one) for one in metrics],
        }
        ask_mlflow(self._access, request, seconds=_QUICK_S)

    def predict(
        self,
        model: str,
        files: Sequence[tuple[Path, Path]],
        *,
        python: str,
        features: Sequence[str],
        outputs: Sequence[str],
        output: str | None,
    ) -> None:
        """Let a logged model answer the rows of Parquet files, in a process of `python`, and write its answers.

        Raises:
            ConfigError: there is no such Python, or it lacks a package.
            ServiceError: the model cannot be loaded, refuses the rows, or its answer is no output.
        """
        named = [[str(source), str(target)] for source, target in files]
        request: dict[str, Any] = {"do": "predict", "model": model, "files": named, "output": output}
        request |= {"features": list(features), "outputs": list(outputs)}
        ask_mlflow(self._access, request, seconds=_SLOW_S, python=python)


def _address(uri: str) -> dict[str, str | None]:
    parsed = MlflowUri.parse(uri)
    return {"name": parsed.name, "version": parsed.version, "alias": parsed.alias}


def _target(uri: str) -> dict[str, Any]:
    run = MlflowUri.parse(uri).run
    return {"run": run, "address": None} if run else {"run": "", "address": _address(uri)}


def digest_of(checksums: Mapping[str, str]) -> str:
    """Compute the digest of files from their SHA-256 checksums by name.

    >>> digest_of({"a": "1"}) == digest_of({"b": "1"})
    False
    """
    lines = "".join(f"{checksum}  {name}\n" for name, checksum in sorted(checksums.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _metric(one: MlflowMetric) -> dict[str, Any]:
    return {
        "key": one.key,
        "value": one.value,
        "timestamp": int(one.at.timestamp() * 1000),
        "step": one.at.date().toordinal(),
    }
