"""Spec section `reference.mlflow`: a reference that an MLflow server knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlmon.spec.section import Section

DEFAULT_MLFLOW = "mlmon_mlflow_default"
MODELS = "models:/"
_MODEL = re.compile(r"models:/(?P<name>[^/@:]+)(?:/(?P<version>[1-9][0-9]*)|@(?P<alias>[^/@:]+))")
_RUN = re.compile(r"runs:/(?P<run>[0-9A-Za-z_-]+)(?:/(?P<path>.+))?")
_FORMS = "models:/<name>/<version>, models:/<name>@<alias> or runs:/<run id>/<path of an artifact>"


class MlflowUri(NamedTuple):
    """Address of a model version or of a run's artifact: of a `name`, with `version` or `alias`, or of a `run`."""

    name: str | None = None
    version: str | None = None
    alias: str | None = None
    run: str | None = None
    path: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an address.

        Raises:
            ValueError: it is none.

        >>> MlflowUri.parse("models:/fraud@champion").alias, MlflowUri.parse("runs:/0a1b/train/x.csv").path
        ('champion', 'train/x.csv')
        """
        found = _MODEL.fullmatch(text) or _RUN.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not the address of a model version or an artifact; give {_FORMS}")
        return cls(**found.groupdict())


class MlflowReference(Section):
    """Reference that an MLflow server knows: a table of a model version or of a run, pinned with its digest."""

    uri: str = Field(
        description="`models:/<name>/<version>`, `models:/<name>@<alias>` (the version that the alias names on each "
        "day) or `runs:/<run id>/<path of an artifact>`. Written alone, `mlflow: <uri>` is enough."
    )
    artifact: str | None = Field(
        default=None,
        description="Path of the rows, a file or a folder, among the artifacts of the run of the model version.",
    )
    dataset: str | None = Field(
        default=None,
        description="Name of a dataset that the run has logged; without `artifact`, the only one of context training.",
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the files as an earlier run named it: other files are refused. Also accepts files that "
        "were changed on purpose.",
    )
    connection: str = Field(
        default=DEFAULT_MLFLOW,
        description="Airflow connection of the tracking server, of type mlmon_mlflow or http.",
    )
    predict: str | None = Field(
        default=None,
        description="Path of a Python, with MLflow, pyarrow and what the model needs, in whose process the logged "
        "model makes the outputs that the rows lack. It runs code of the model: name it only for models you trust.",
    )
    output: str | None = Field(
        default=None,
        description="Output column that an unnamed answer of the model is; by default the only output of the spec. Of "
        "two probabilities a row it is the second.",
    )
    write_back: bool = Field(
        default=True,
        description="Whether an accepted baseline or change is written to the model version and its run, as tags and "
        "metrics.",
    )

    @model_validator(mode="before")
    @classmethod
    def _written_alone(cls, value: Any) -> Any:
        return {"uri": value} if isinstance(value, str) else value

    @field_validator("uri")
    @classmethod
    def _an_address(cls, uri: str) -> str:
        MlflowUri.parse(uri)
        return uri

    @field_validator("artifact")
    @classmethod
    def _below_the_run(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("/") or ".." in path.split("/") or not path.strip("/")):
            raise ValueError(f"{path!r} is not a path below the run's artifacts, such as training/rows.parquet")
        return path

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        if self.artifact and self.dataset:
            raise ValueError("give `artifact` or `dataset`")
        if self.address.path and (self.artifact or self.dataset):
            raise ValueError(f"uri: {self.uri!r} names an artifact already; leave out `artifact` and `dataset`")
        if self.output and not self.predict:
            raise ValueError("output: is of use only with `predict`")
        if self.predict and self.address.run:
            raise ValueError("predict: needs a model version (`models:/…`), a run names no model")
        return self

    @property
    def address(self) -> MlflowUri:
        """Parsed address."""
        return MlflowUri.parse(self.uri)

    @property
    def declared(self) -> dict[str, Any]:
        """What changes the rows, for hashes of a declaration."""
        same = {"uri", "artifact", "dataset", "digest", "output"}
        found = self.model_dump(mode="json", include=same, exclude_none=True)
        return found | {"predicted": True} if self.predict else found


def check_aliases(versions: Iterable[str]) -> None:
    """Check the names of model versions that are addresses: they are those of aliases.

    Raises:
        ValueError: one is the address of something else.
    """
    for name in versions:
        if name.startswith(MODELS) and MlflowUri.parse(name).alias is None:
            raise ValueError(f"versions: {name!r} is no alias; write the version itself, or models:/<name>@<alias>")
