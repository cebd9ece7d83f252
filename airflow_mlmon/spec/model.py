"""Spec of one monitored model, as pydantic models.

Each field carries its description; the table of `include/docs/spec.md` is generated from them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from airflow_mlmon.spec.alerts import Alerts
from airflow_mlmon.spec.baseline import Baseline, check_version_names
from airflow_mlmon.spec.choices import ColumnType, PersonalData, Role, Severity
from airflow_mlmon.spec.column import Column, check_attributions
from airflow_mlmon.spec.drift import Drift
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.spec.duplicates import Duplicates
from airflow_mlmon.spec.operational import Operational, check_operational
from airflow_mlmon.spec.section import Section, UnknownNameError, Vocabulary

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
_PLACEHOLDERS = {"date", "year", "month", "day"}
_TYPE_OF_ROLE = {
    Role.ID: ColumnType.STRING,
    Role.TIME: ColumnType.TIMESTAMP,
}


_UNDIVIDED = {Role.ID, Role.TIME, Role.SCORE, Role.VERSION}
_DIVIDING = {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.INTEGER}


class Predictions(Section):
    """Archive of the predictions and their columns."""

    path: str = Field(description="Folder of one day's files; {date} or {year} {month} {day} stand for the day.")
    format: Literal["parquet"] = Field(default="parquet", description="parquet.")
    connection: str | None = Field(
        default=None, description="Airflow connection of the object store; without it the default AWS credential chain."
    )
    ready: str | None = Field(
        default=None, description="Name of the marker file that marks a day as complete, such as _SUCCESS."
    )
    wait_hours: float = Field(
        default=6, ge=0, description="Hours after the end of a day after which it is processed even without its marker."
    )
    timezone: str | None = Field(
        default=None,
        description="Time zone of timestamps without one; if not set, a file with such timestamps is quarantined.",
    )
    columns: dict[str, Column] = Field(description="Every column of the files, by name.")

    @field_validator("path")
    @classmethod
    def _dated(cls, path: str) -> str:
        return check_dated_path(path)


class Labels(Section):
    """Archive of the labels; each delivery is in the folder of its day."""

    path: str = Field(description="Folder of one delivery's files, with the placeholders of predictions.path.")
    connection: str | None = Field(default=None, description="Airflow connection; the predictions' by default.")
    id: str = Field(description="Column that holds the prediction id.")
    label: str = Field(description="Column that holds the label: 0 or 1, or true or false.")
    outcome: str | None = Field(default=None, description="Column with the outcome of the prediction.")
    excluded: tuple[str, ...] = Field(
        default=(), description="Outcomes that will never be labelled, such as cancelled; excluded from label coverage."
    )
    positive_name: str = Field(default="positive", description="Name of the label 1 on pages.")
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

    @field_validator("path")
    @classmethod
    def _dated(cls, path: str) -> str:
        return check_dated_path(path)


class Reference(Section):
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
        return path.rstrip("/")


class Check(Section):
    """Great Expectations check of the curated partition."""

    expectation: str = Field(
        pattern=r"^expect_[a-z0-9_]+$",
        description="Name of the expectation, such as expect_column_values_to_be_between.",
    )
    column: str | None = Field(default=None, description="Column it checks; none for the whole table.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Its other arguments, named as in Great Expectations."
    )
    severity: Severity = Field(
        default=Severity.WARNING, description="blocking (the partition fails), warning or recorded."
    )


class History(Section):
    """Trailing window that a partition is compared with."""

    days: int = Field(default=28, ge=3, le=400, description="Length of the trailing window in days.")
    minimum: int = Field(default=14, ge=3, description="Fewest days; with fewer the verdict is 'not enough data'.")


class ModelSpec(Section):
    """Declaration of one monitored model."""

    model: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="Name of the model: lower-case letters, digits and underscores."
    )
    task: str = Field(
        default="binary", description="Kind of model: binary; without it, what the types of the outputs say."
    )
    description: str = Field(default="", description="Description of the model.")
    owner: str = Field(default="", description="Person or team responsible for the model.")
    start: date = Field(description="First day to monitor, YYYY-MM-DD; the DAG's start date.")
    end: date | None = Field(default=None, description="Last day to monitor; the DAG's end date.")
    predictions: Predictions
    operational: Operational | None = None
    duplicates: Duplicates | None = None
    labels: Labels | None = None
    reference: Reference
    quality: tuple[Check, ...] | None = Field(
        default=None, description="Checks; by default they are inferred from the reference."
    )
    drift: Drift = Field(default_factory=Drift)
    baseline: Baseline = Field(
        default_factory=Baseline,
        description="Baseline that drift is measured against: reference (default), previous, trailing, same_weekday "
        "or dates.",
    )
    baselines: dict[str, Baseline] = Field(
        default_factory=dict, description="Baselines of single columns, by the column's name."
    )
    versions: Annotated[dict[str, Baseline], BeforeValidator(check_version_names)] = Field(
        default_factory=dict,
        description="Baselines of model versions, by the value of the column with role version; by default the "
        "model's baseline.",
    )
    segments: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Columns whose values define segments that are monitored too; [a, b] crosses two columns.",
    )
    history: History = Field(default_factory=History)
    alerts: Alerts = Field(default_factory=Alerts)
    druid: Druid = Field(default_factory=Druid)

    @property
    def columns(self) -> dict[str, Column]:
        """Every declared column, by name."""
        return self.predictions.columns

    def column_of(self, role: Role) -> str | None:
        """Find the column with `role`, if there is one."""
        return next((name for name, column in self.columns.items() if column.role is role), None)

    @property
    def id_column(self) -> str:
        """Column with the prediction id."""
        return self._the(Role.ID)

    @property
    def time_column(self) -> str:
        """Column with the event time."""
        return self._the(Role.TIME)

    @property
    def version_column(self) -> str | None:
        """Column with the model version, if the predictions have one."""
        return self.column_of(Role.VERSION)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Vector columns, in the order of the spec."""
        return tuple(name for name, column in self.columns.items() if column.type is ColumnType.VECTOR)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Output columns of the model: the score, the prediction and the attributions."""
        own = (name for role in (Role.SCORE, Role.PREDICTION) if (name := self.column_of(role)))
        return (*own, *self.attributions)

    @property
    def attributions(self) -> tuple[str, ...]:
        """Columns of attributions, in the order of the spec."""
        return tuple(name for name, column in self.columns.items() if column.role is Role.ATTRIBUTION)

    @property
    def features(self) -> tuple[str, ...]:
        """Features that are profiled, in the order of the spec."""
        return tuple(
            name for name, column in self.columns.items() if column.role is Role.FEATURE and not column.personal
        )

    def _the(self, role: Role) -> str:
        return next(name for name, column in self.columns.items() if column.role is role)

    @field_validator("segments", mode="before")
    @classmethod
    def _crossings(cls, segments: Any) -> Any:
        if not isinstance(segments, list | tuple):
            return segments
        return [[segment] if isinstance(segment, str) else segment for segment in segments]

    @model_validator(mode="after")
    def _segments_divide(self) -> Self:
        for position, segment in enumerate(self.segments):
            for name in segment:
                self._known_column(name, f"segments.{position}")
                column = self.columns[name]
                if column.personal is not None:
                    raise ValueError(f"segments.{position}: {name!r} is personal; its values would appear on pages")
                if column.role in _UNDIVIDED or column.type not in _DIVIDING:
                    raise ValueError(
                        f"segments.{position}: {name!r} is a {column.type} of role {column.role}; a segment must be a "
                        "category, string, boolean or integer column; the version is always one"
                    )
        if len(set(self.segments)) < len(self.segments):
            raise ValueError("segments: the same segment is listed twice")
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        for position, check in enumerate(self.quality or ()):
            self._known_column(check.column, f"quality.{position}.column")
        for position, rule in enumerate(self.alerts.rules):
            self._known_column(rule.column, f"alerts.rules.{position}.column")
            if rule.metric == "multivariate_drift" and not self.drift.multivariate:
                raise ValueError(f"alerts.rules.{position}.metric: needs `drift: {{multivariate: true}}`")
        for name in self.baselines:
            self._known_column(name, f"baselines.{name}")
        for name in self.drift.columns:
            self._known_column(name, "drift.columns")
        return self

    @model_validator(mode="after")
    def _vectors_fit(self) -> Self:
        for position, check in enumerate(self.quality or ()):
            if check.column in self.vectors:
                raise ValueError(f"quality.{position}.column: {check.column!r} is a vector; checks cannot read vectors")
        for name, column in self.drift.columns.items():
            if name in self.vectors and column.method.is_sampled:
                raise ValueError(
                    f"drift.columns.{name}.method: {column.method} needs a sample of rows; none is kept for vectors"
                )
        return self

    def _known_column(self, column: str | None, key: str) -> None:
        if column is not None and column not in self.columns:
            raise UnknownNameError(key, column, self.columns)

    @model_validator(mode="after")
    def _operational_apart(self) -> Self:
        check_operational(self.operational, self.columns)
        return self

    @model_validator(mode="after")
    def _attributions_fit(self) -> Self:
        check_attributions(self.columns, self.features)
        return self

    @model_validator(mode="after")
    def _label_apart(self) -> Self:
        if self.labels is not None and self.labels.label in self.columns:
            raise ValueError(f"labels.label: {self.labels.label!r} is also a column of the predictions")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role in (Role.ID, Role.TIME):
            self._exactly_one(role)
        for role in (Role.SCORE, Role.PREDICTION, Role.VERSION):
            self._at_most_one(role)
        if not any((self.column_of(Role.SCORE), self.column_of(Role.PREDICTION), self.features)):
            raise ValueError("predictions.columns: nothing to monitor: give a feature, a score or a prediction")
        if self.versions and self.column_of(Role.VERSION) is None:
            raise ValueError("versions: no column of the predictions has `role: version`")
        return self

    @model_validator(mode="after")
    def _typed_roles(self, info: ValidationInfo) -> Self:
        vocabulary: Vocabulary | None = info.context
        types = {**_TYPE_OF_ROLE, **(vocabulary.types if vocabulary else {})}
        for name, column in self.columns.items():
            wanted = types.get(column.role)
            if wanted is not None and column.type is not wanted:
                raise ValueError(
                    f"predictions.columns.{name}.type: a column of role {column.role} must be of type {wanted}"
                )
            if column.personal is PersonalData.DROP and column.role in {Role.ID, Role.TIME}:
                raise ValueError(f"predictions.columns.{name}.personal: the {column.role} cannot be dropped")
        return self

    def _count(self, role: Role) -> int:
        return sum(column.role is role for column in self.columns.values())

    def _exactly_one(self, role: Role) -> None:
        if self._count(role) != 1:
            raise ValueError(f"predictions.columns: exactly one column needs `role: {role}`, found {self._count(role)}")

    def _at_most_one(self, role: Role) -> None:
        if self._count(role) > 1:
            raise ValueError(f"predictions.columns: at most one column may have `role: {role}`")


def check_dated_path(path: str) -> str:
    """Check that a path names a day by {date}, or by {year}, {month} and {day}."""
    found = set(re.findall(r"{([^}]*)}", path))
    if unknown := found - _PLACEHOLDERS:
        raise ValueError(f"unknown placeholder {{{min(unknown)}}}; valid: {{date}} {{year}} {{month}} {{day}}")
    if "date" not in found and not {"year", "month", "day"} <= found:
        raise ValueError("the path must name the day: put {date}, or {year}, {month} and {day}, into it")
    return path
