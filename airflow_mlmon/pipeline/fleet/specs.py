"""Registration of the models of folders of specs, those that have not run yet and those that cannot be loaded too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.fleet import RegisteredModel
from airflow_mlmon.loading import ListedSpec, load_specs
from airflow_mlmon.pipeline.run import describe_model
from airflow_mlmon.store.metric_store import MetricStore


def register_specs(store: MetricStore, folders: Sequence[str | Path], today: date) -> list[ListedSpec]:
    """Register the models of all specs of some folders, and return what was found.

    A model whose spec was in one of the folders and is gone, and that has not ended, gets that as its error: it would
    become silent without anybody having said so.

    Raises:
        ConfigError: a folder does not exist.
    """
    if missing := next((str(folder) for folder in folders if not Path(folder).is_dir()), ""):
        raise ConfigError(f"{missing}: there is no such folder of specs.")
    found = load_specs(folders)
    for listed in found:
        if listed.spec is not None:
            store.register(describe_model(listed.spec))
        else:
            store.register_error(listed.model, str(listed.path), listed.error)
    models = {listed.model for listed in found}
    for lost in _lost(store.registered(), models, [Path(folder).absolute() for folder in folders]):
        if not lost.task:
            # it was a file that could not be loaded, under a name made of the file's, and nothing else
            store.unregister(lost.model)
        elif lost.end is None or lost.end >= today:
            error = f"{lost.spec}: the spec is gone. A model that has ended keeps its spec, with `end`."
            store.register_error(lost.model, lost.spec, error)
    return found


def _lost(
    registered: Sequence[RegisteredModel], models: Collection[str], folders: Sequence[Path]
) -> list[RegisteredModel]:
    """Return the models whose specs were in one of the folders and are not there any more."""
    return [
        found
        for found in registered
        if found.spec
        and found.model not in models
        and any(Path(found.spec).absolute().is_relative_to(folder) for folder in folders)
    ]
