"""Spec sections of the archives: predictions and the reference."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.files import Files
from airflow_mlmon.spec.stores import check_store
from airflow_mlmon.spec.zones import TimesZone

Log = Literal["sagemaker", "kserve", "seldon", "bentoml", "azureml", "databricks"]

_PLACEHOLDERS = {"date", "year", "month", "day"}


class Predictions(Files):
    """Archive of the predictions and their columns."""

    path: str = Field(description="Folder of one day's files; {date} or {year} {month} {day} stand for the day.")
    connection: str | None = Field(
        default=None, description="Airflow connection of the object store; without it the default AWS credential chain."
    )
    ready: str | None = Field(
        default=None, description="Name of the marker file that marks a day as complete, such as _SUCCESS."
    )
    wait_hours: float = Field(
        default=6, ge=0, description="Hours after the end of a day after which it is processed even without its marker."
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
        "if not set, a file with such timestamps is quarantined.",
    )
    columns: dict[str, Column] = Field(description="Every column of the files, by name.")

    @field_validator("path")
    @classmethod
    def _dated(cls, path: str) -> str:
        return check_dated_path(path)


class Reference(Files):
    """Reference data set: the profile schema is pinned from it, and drift is measured against it."""

    path: str = Field(description="Folder of Parquet files with the columns of the predictions.")
    connection: str | None = Field(default=None, description="Airflow connection; the predictions' by default.")
    label: str | None = Field(default=None, description="Column with the label, where the files have one.")
    outcome: str | None = Field(default=None, description="Column with the outcome, where the files have one.")
    dated: bool = Field(
        default=True,
        description="false: the files have neither ids nor event times, as is common for training data. The variance "
        "between days is then learnt from the initial window.",
    )

    @field_validator("path")
    @classmethod
    def _folder(cls, path: str) -> str:
        # the same folder with and without the trailing slash
        return check_store(path).rstrip("/")


def check_dated_path(path: str) -> str:
    """Check that a path names a day by {date}, or by {year}, {month} and {day}, in a supported store."""
    check_store(path)
    found = set(re.findall(r"{([^}]*)}", path))
    if unknown := found - _PLACEHOLDERS:
        raise ValueError(f"unknown placeholder {{{min(unknown)}}}; valid: {{date}} {{year}} {{month}} {{day}}")
    if "date" not in found and not {"year", "month", "day"} <= found:
        raise ValueError("the path must name the day: put {date}, or {year}, {month} and {day}, into it")
    return path
