"""Versions of the model that are served at the same time, each with a share of the traffic."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from include.serving.model import DelayModel, load
from include.serving.settings import ServingSettings

_PARTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedVersion:
    """Version of the model, and the share of the ids that it answers."""

    name: str
    share: float
    model: DelayModel


class VersionSource(Protocol):
    """Place that says which versions are to be served: a folder, or a registry."""

    def read(self) -> Sequence[ServedVersion]:
        """Return the versions, loaded; a challenger before the champion, which gets what is left."""


@dataclass(frozen=True, slots=True)
class FolderSource:
    """Folder of the only version."""

    folder: Path

    def read(self) -> Sequence[ServedVersion]:
        """Return the version that the folder holds now."""
        model = load(self.folder)
        return [ServedVersion(name=model.version, share=1.0, model=model)]


class Versions:
    """Versions in service."""

    def __init__(self, source: VersionSource) -> None:
        self._source = source
        self._served = source.read()

    def refresh(self) -> None:
        """Ask the source again; where that fails, the versions so far stay in service."""
        self._served = self._source.read()

    def choose(self, key: str) -> ServedVersion:
        """Choose the version that answers an id, the same one each time.

        A share that grows keeps the ids that the version had.
        """
        place = zlib.crc32(key.encode()) % _PARTS / _PARTS
        for version in self._served[:-1]:
            if place < version.share:
                return version
            place -= version.share
        return self._served[-1]

    def shares(self) -> dict[str, float]:
        """Return the share of each version."""
        return {version.name: version.share for version in self._served}


def open_source(settings: ServingSettings) -> VersionSource:
    """Open the source that the settings name."""
    if settings.registry is None:
        assert settings.model_folder is not None  # noqa: S101 - the settings have checked it
        return FolderSource(settings.model_folder)
    # the registry's client takes a second to import
    from include.serving.registry import RegistrySource  # noqa: PLC0415

    return RegistrySource(settings.registry, settings.model)
