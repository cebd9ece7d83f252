"""Versions that an MLflow registry says are to be served."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import mlflow
from mlflow import MlflowClient

from include.serving.aliases import CHALLENGER, CHAMPION, SHARE
from include.serving.model import DelayModel, load
from include.serving.versions import ServedVersion

# below the model's artifact, as `mlflow.pyfunc` lays it out
DATA = Path("data", "model")


class RegistrySource:
    """Version with the alias `champion`, and the one with the alias `challenger` for the share in its tag.

    The versions bear the registry's numbers as names. Each is downloaded once.
    """

    def __init__(self, registry: str, model: str) -> None:
        self._client = MlflowClient(tracking_uri=registry, registry_uri=registry)
        self._registry = registry
        self._model = model
        self._loaded: dict[str, DelayModel] = {}

    def read(self) -> Sequence[ServedVersion]:
        """Return the versions, loaded; the champion last, which gets what is left.

        Raises:
            LookupError: no version is the champion.
        """
        aliases = self._client.get_registered_model(self._model).aliases
        if CHAMPION not in aliases:
            raise LookupError(f"No version of {self._model} in {self._registry} has the alias {CHAMPION}.")
        shares = {str(aliases[CHAMPION]): 1.0}
        if CHALLENGER in aliases and aliases[CHALLENGER] != aliases[CHAMPION]:
            version = self._client.get_model_version(self._model, aliases[CHALLENGER])
            if share := float(version.tags.get(SHARE, 0)):
                shares = {str(version.version): share, str(aliases[CHAMPION]): 1 - share}
        return [ServedVersion(name=name, share=share, model=self._load(name)) for name, share in shares.items()]

    def _load(self, version: str) -> DelayModel:
        if version not in self._loaded:
            source = self._client.get_model_version_download_uri(self._model, version)
            with tempfile.TemporaryDirectory() as folder:
                found = mlflow.artifacts.download_artifacts(
                    artifact_uri=source, dst_path=folder, tracking_uri=self._registry
                )
                self._loaded[version] = replace(load(Path(found) / DATA), version=version)
        return self._loaded[version]
