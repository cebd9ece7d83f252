"""The store and workspace of the first release, unpacked and opened as they are."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_mlmon.loading import parse_spec
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.storage import Storage
from airflow_mlmon.store.metric_store import MetricStore

STORED = Path(__file__).parents[1] / "upgrade" / "first_release"


@contextmanager
def unpacked(folder: Path) -> Iterator[Path]:
    """Unpack into a folder, in which the spec's paths begin, and go there."""
    with tarfile.open(STORED / "home.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@contextmanager
def opened_first_release() -> Iterator[Run]:
    """Open the store, which upgrades it, and the workspace of the folder that one is in."""
    spec = parse_spec(Path("loans.yaml").read_text(), "loans.yaml")
    with MetricStore("sqlite:///store.db", must_exist=True) as store:
        yield Run(spec=spec, store=store, storage=Storage(), workspace="workspace")
