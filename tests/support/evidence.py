"""A model with an alert, an acknowledgement, an accepted baseline and a forgotten day, and evidence bundles of it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_mlmon.pipeline.baselines.accept import accept
from airflow_mlmon.pipeline.evidence_bundle.archive import write_archive
from airflow_mlmon.pipeline.history.forget import forget_day
from airflow_mlmon.pipeline.nightly import run_partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.spec.baseline import Baseline
from tests.support.archive import FIRST, Archive, partition
from tests.support.runs import local_archive, opened

SECRET = "hunter2"  # noqa: S105 - that nobody may find
RUN_DAYS = 4
ALERTING, FORGOTTEN = FIRST + timedelta(days=RUN_DAYS - 1), FIRST + timedelta(days=RUN_DAYS)
NOW = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
NOTIFIER = f"{{notifier: a.b.C, arguments: {{password: {SECRET}, text: '{{text}}'}}}}"
CHANNELS = ("\nalerts:\n", f"\nalerts:\n  channels: [{NOTIFIER}, {{log: true}}]\n")


def make_model(folder: Path) -> Archive:
    """Run four days, the last of them far off, and act on it as people do."""
    archive = local_archive(folder, RUN_DAYS - 1)
    archive.write_day(ALERTING, shift=0.5)
    archive.write_day(FORGOTTEN)
    (folder / "loans.yaml").write_text(archive.spec_text(CHANNELS))
    with opened_model(folder, archive) as run:
        for offset in range(RUN_DAYS + 1):
            run_partition(run, partition(offset))
        forget_day(run, partition(RUN_DAYS), who="ann", why="run by mistake", at=NOW)
        act(run, "ann", "a <b>campaign</b>")
        baseline = Baseline(trailing=3)
        accept(run, baseline, version=None, first=None, who="bob", why="new prices", at=NOW + timedelta(hours=1))
    return archive


def act(run: Run, who: str, why: str) -> None:
    """Acknowledge the first alert."""
    name = run.store.tracked_alerts("loans")[0].fingerprint
    run.store.act("loans", [name], Action(kind=ActionKind.ACKNOWLEDGE, day=ALERTING, who=who, why=why, at=NOW))


def opened_model(folder: Path, archive: Archive, *replacements: tuple[str, str]) -> AbstractContextManager[Run]:
    """The run of the model."""
    return opened(folder, archive, CHANNELS, *replacements)


def contents(path: Path) -> dict[str, bytes]:
    """The files of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(files: Mapping[str, bytes], target: Path) -> Path:
    """Write files as they are to an archive of a bundle's form, whose bytes have the hash at its end."""
    with write_archive(target) as writer:
        for name, content in files.items():
            writer.add(name, [content])
    return target
