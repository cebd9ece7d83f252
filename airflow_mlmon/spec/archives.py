"""Spec sections of the archives: predictions and the reference."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlmon.spec.choices import FileFormat
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.files import Files
from airflow_mlmon.spec.layouts import Layout, check_layout, check_tables
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

    path: str = Field(
        description="Folder, file or glob of files with the columns of the predictions; what they lack is recognised."
    )
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
    def _folder(cls, path: str) -> str:
        # the same folder with and without the trailing slash
        return check_store(path).rstrip("/")
