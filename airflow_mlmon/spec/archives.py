"""Spec sections of the archives: predictions and the reference."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.files import Files
from airflow_mlmon.spec.layouts import Layout, check_layout, check_tables
from airflow_mlmon.spec.mlflow import MlflowReference
from airflow_mlmon.spec.stores import check_store
from airflow_mlmon.spec.zones import TimesZone

Log = Literal["sagemaker", "kserve", "seldon", "bentoml", "azureml", "databricks"]


class Predictions(Layout, Files):
    """Archive of the predictions and their columns."""

    connection: str | None = Field(
        default=None, description="Airflow connection of the object store; without it the default AWS credential chain."
    )
    lateness_days: int | None = Field(
        default=None,
        ge=1,
        le=31,
        description="Days after a day in whose folders rows of it may still lie, beside that of the day before: each "
        "row is handed over to its day. If not set, such rows are quarantined.",
    )
    log: Log | None = Field(
        default=None,
        description="System whose log the files are: sagemaker, kserve, seldon, bentoml, azureml or databricks; "
        "without it each record is a row.",
    )
    sampling: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Fraction of the requests that the system logs, where its records do not say it.",
    )
    timezone: TimesZone | None = Field(
        default=None,
        description="Time zone of timestamps without one, such as Europe/Berlin or +01:00; "
        "if not set, such timestamps are refused.",
    )
    columns: dict[str, Column] = Field(description="Every column of the files, by name.")

    @model_validator(mode="after")
    def _laid_out(self) -> Self:
        if self.format is FileFormat.DELTA:
            check_tables(self)
        else:
            check_layout(self, self.columns)
        if self.sampling is not None and self.log is None:
            raise ValueError("sampling: is of use only with the `log` of a serving system")
        return self


class Reference(Files):
    """Reference data set: the profile schema is pinned from it, and drift is measured against it."""

    path: str | None = Field(
        default=None,
        description="Folder, file or glob of files with the columns of the predictions; what they lack is recognised. "
        "Needed without `mlflow`.",
    )
    mlflow: MlflowReference | None = None
    connection: str | None = Field(default=None, description="Airflow connection; the predictions' by default.")
    label: str | None = Field(default=None, description="Column with the label, where the files have one.")
    outcome: str | None = Field(default=None, description="Column with the outcome, where the files have one.")
    dated: bool = Field(
        default=True,
        description="false: ids and event times are left out, also where the files have them. How days vary "
        "is then learnt from the initial window.",
    )

    @field_validator("path")
    @classmethod
    def _folder(cls, path: str | None) -> str | None:
        # the same folder with and without the trailing slash
        return None if path is None else check_store(path).rstrip("/")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.path is None) == (self.mlflow is None):
            raise ValueError("give `path` or `mlflow`")
        if self.mlflow is not None and self.format is FileFormat.DELTA:
            raise ValueError("format: the artifacts of a run are no Delta table; give its `path`")
        return self

    @property
    def place(self) -> str:
        """Where it is, for people: its path, or its address in MLflow."""
        return self.mlflow.uri if self.mlflow is not None else str(self.path)

    @property
    def declaration(self) -> dict[str, Any]:
        """What determines its rows, for hashes of a declaration."""
        found = self.model_dump(mode="json", exclude={*Files.model_fields, "mlflow"}) | self.declared
        return found if self.mlflow is None else found | {"mlflow": self.mlflow.declared}
