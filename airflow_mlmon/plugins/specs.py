"""Opening of a model whose spec a run, or a listing of specs, has registered in the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_mlmon.errors import ConfigError, NotFoundError
from airflow_mlmon.hooks.configuration import read_airflow_settings
from airflow_mlmon.store.metric_store import MetricStore

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.spec import ModelSpec


@contextmanager
def open_model(model: str) -> Iterator[Run]:
    """Open a registered model; no other file is read than its spec.

    Raises:
        NotFoundError: the model is not registered, or its spec is not on this machine.
        ConfigError: its spec cannot be loaded, or is of another model now.
    """
    from airflow_mlmon.hooks.run import open_run  # noqa: PLC0415 - heavy

    settings = read_airflow_settings()
    with open_run(_registered_spec(model, settings.store), settings, must_exist=True) as run:
        yield run


def _registered_spec(model: str, store_url: str) -> ModelSpec:
    from airflow_mlmon.loading import load_spec  # noqa: PLC0415 - heavy

    with MetricStore(store_url, must_exist=True) as store:
        path = next((one.spec for one in store.registered() if one.model == model), "")
    if not path:
        raise NotFoundError(f"The spec of {model} is not known yet; its next run registers it.")
    spec = load_spec(path)
    if spec.model != model:
        raise ConfigError(f"The spec of {model} is one of {spec.model} now.")
    return spec
