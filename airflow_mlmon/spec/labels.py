"""Spec section of the labels: where they are, and by what they are joined to the predictions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from airflow_mlmon.spec.choices import ColumnType, FileFormat, PersonalData
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.files import Files
from airflow_mlmon.spec.layouts import check_dated_path
from airflow_mlmon.spec.section import UnknownNameError
from airflow_mlmon.spec.stores import check_store

# values that are the same text wherever they are written
_JOINING = frozenset(
    {ColumnType.STRING, ColumnType.CATEGORY, ColumnType.INTEGER, ColumnType.BOOLEAN, ColumnType.TIMESTAMP}
)

# schedule of a DAG that is only triggered by hand
MANUAL = "manual"


class IdForm(StrEnum):
    """Spelling in which ids of predictions and labels are compared."""

    STRIP = "strip"
    LOWER = "lower"
    WITHOUT_DASHES = "without_dashes"
    WHOLE = "whole"
    WITHOUT_ZEROS = "without_zeros"


def _name_keys(found: Any) -> Any:
    return {name: name for name in found} if isinstance(found, list | tuple) else found


def _list_forms(found: Any) -> Any:
    return [found] if isinstance(found, str) else found


class Labels(Files):
    """Archive of the labels: folders of deliveries by their day, one growing table, or the predictions' own files."""

    path: str | None = Field(
        default=None,
        description="Folder of one delivery's files, with the placeholders of predictions.path; without any, the "
        "folder or file of a growing table. Without a path the label is in the predictions' own files.",
    )
    connection: str | None = Field(default=None, description="Airflow connection; the predictions' by default.")
    id: Annotated[str | dict[str, str] | None, BeforeValidator(_name_keys)] = Field(
        default=None,
        description="Column that holds the prediction id; or the columns that labels are joined on: a list, or the "
        "labels' column by the predictions'.",
    )
    log: Literal["sagemaker"] | None = Field(
        default=None, description="sagemaker: the files are SageMaker's ground truth; without it each record is a row."
    )
    ids: Annotated[tuple[IdForm, ...], BeforeValidator(_list_forms)] = Field(
        default=(),
        description="Spelling in which ids of predictions and labels are compared, one or several of: strip (no blanks "
        "around), lower, without_dashes, whole (17.0 is 17), without_zeros (00017 is 17).",
    )
    watermark: str | None = Field(
        default=None,
        description="Column of a growing table that says when a row was written or changed: rows of a day are its "
        "delivery.",
    )
    label: str = Field(
        description="Column that holds the label; of a binary model 0 or 1, true or false, or one of two `classes`."
    )
    outcome: str | None = Field(default=None, description="Column with the outcome of the prediction.")
    excluded: tuple[str, ...] = Field(
        default=(), description="Outcomes that will never be labelled, such as cancelled; excluded from label coverage."
    )
    positive_name: str = Field(default="positive", description="Name of the label 1 on pages.")
    schedule: str | None = Field(
        default=None,
        description="When a DAG of its own, `<model>_labels`, takes in labels that no run has read: a cron expression, "
        "or `manual`; without it there is none.",
    )
    delay_days: int = Field(
        default=7, ge=1, le=400, description="Days within which the label of a prediction may be delivered."
    )
    min_coverage: float = Field(
        default=0.8, ge=0, le=1, description="Label coverage below which performance is not evaluated."
    )

    @property
    def words(self) -> dict[str, str]:
        """The model's own words for those in the titles of metrics."""
        return {"positive": self.positive_name} | ({"excluded": " or ".join(self.excluded)} if self.excluded else {})

    @property
    def reach(self) -> int:
        """Days before its own that a delivery may have labels for."""
        return self.delay_days if self.path is not None else 0

    @field_validator("path")
    @classmethod
    def _named(cls, path: str | None) -> str | None:
        if path is None:
            return None
        return check_dated_path(path) if re.search(r"[{}]", path) else check_store(path)

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        is_dated = self.path is not None and "{" in self.path
        if self.log is not None and not (is_dated and isinstance(self.id, str)):
            raise ValueError("log: needs a path of deliveries and, as `id`, the name of the column of their ids")
        if self.path is not None and self.id is None:
            raise ValueError("id: name the column of the labels that holds the prediction id")
        is_divided = is_dated or self.format is FileFormat.DELTA
        if self.path is not None and not is_divided and self.watermark is None:
            raise ValueError(
                "path: put {date}, or {year}, {month} and {day}, into it, or name the `watermark` of a growing table"
            )
        if self.watermark is not None and (self.path is None or is_dated):
            raise ValueError("watermark: is of use to one growing table alone, with a path that names no day")
        return self


def check_labels(labels: Labels | None, columns: Mapping[str, Column]) -> None:
    """Check that the columns of the predictions that labels are joined on exist, and that the label is not one."""
    if labels is None:
        return
    if labels.label in columns:
        raise ValueError(f"labels.label: {labels.label!r} is also a column of the predictions")
    for name in labels.id if isinstance(labels.id, dict) else ():
        key = f"labels.id.{name}"
        if name not in columns:
            raise UnknownNameError(key, name, columns)
        if columns[name].personal is PersonalData.DROP:
            raise ValueError(f"{key}: is dropped as personal; use `personal: hash`")
        if columns[name].is_coarse:
            raise ValueError(f"{key}: is truncated or generalised; labels are joined on whole values")
        if columns[name].type not in _JOINING:
            raise ValueError(f"{key}: a column of type {columns[name].type} cannot be joined on")
    if isinstance(labels.id, dict) and not labels.id:
        raise ValueError("labels.id: names no column")
