"""The spec of one monitored model, as pydantic models.

Each field carries its description; the table of `include/docs/spec.md` is generated from them.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from airflow_mlmon.spec.alerts import Alerts
from airflow_mlmon.spec.baseline import Baseline, named_by_text
from airflow_mlmon.spec.choices import ColumnType, PersonalData, Role, Severity
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.drift import Drift
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.spec.duplicates import Duplicates
from airflow_mlmon.spec.section import Section, UnknownNameError

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
_PLACEHOLDERS = {"date", "year", "month", "day"}
_TYPE_OF_ROLE = {
    Role.ID: ColumnType.STRING,
    Role.TIME: ColumnType.TIMESTAMP,
    Role.SCORE: ColumnType.FLOAT,
    Role.PREDICTION: ColumnType.BOOLEAN,
}


_UNDIVIDED = {Role.ID, Role.TIME, Role.SCORE, Role.VERSION}
_DIVIDING = {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.BOOLEAN, ColumnType.INTEGER}


class Predictions(Section):
    """Where the predictions are archived and what they look like."""

    path: str = Field(
        description="Folder of one day's files; {date} or {year} {month} {day} stand for the partition's day."
    )
    format: Literal["parquet"] = Field(default="parquet", description="parquet.")
    connection: str | None = Field(
        default=None, description="Airflow connection of the object store; without it the default AWS chain."
    )
    ready: str | None = Field(
        default=None, description="Name of the marker file that says a day is complete, such as _SUCCESS."
    )
    wait_hours: float = Field(
        default=6, ge=0, description="Hours after the end of a day until it is taken as it is, ready or not."
    )
    timezone: str | None = Field(
        default=None, description="Zone of timestamps that carry none; without it a file with such is quarantined."
    )
    columns: dict[str, Column] = Field(description="Every column of the files, by name.")

    @field_validator("path")
    @classmethod
    def _dated(cls, path: str) -> str:
        return dated_path(path)


class Labels(Section):
    """Where the labels are delivered, each in the folder of its day of delivery."""

    path: str = Field(description="Folder of one delivery's files, with the same placeholders.")
    connection: str | None = Field(default=None, description="Airflow connection; that of the predictions by default.")
    id: str = Field(description="Column that holds the prediction id.")
    label: str = Field(description="Column that holds the label: 0 or 1, or true or false.")
    outcome: str | None = Field(default=None, description="Column that says what became of the prediction.")
    void: tuple[str, ...] = Field(
        default=(), description="Outcomes that never get a label, such as cancelled; not counted as missing."
    )
    positive_name: str = Field(default="positive", description="What a label of 1 is called on pages.")
    delay_days: int = Field(
        default=7, ge=1, le=400, description="Days after the prediction in which its label may be delivered."
    )
    min_share: float = Field(
        default=0.8, ge=0, le=1, description="Share of labels below which performance is not judged."
    )

    @field_validator("path")
    @classmethod
    def _dated(cls, path: str) -> str:
        return dated_path(path)


class Reference(Section):
    """The data set that the layout is pinned from and drift is measured against."""

    path: str = Field(description="Folder of Parquet files with the columns of the predictions.")
    connection: str | None = Field(default=None, description="Airflow connection; that of the predictions by default.")
    label: str | None = Field(default=None, description="Column with the label, where the files have one.")
    outcome: str | None = Field(default=None, description="Column with the outcome, where the files have one.")
    dated: bool = Field(
        default=True,
        description="false: the files have neither ids nor event times, as training data often has not. How nights "
        "differ is then known from the first nights on.",
    )

    @field_validator("path")
    @classmethod
    def _folder(cls, path: str) -> str:
        # with and without the slash at the end it is the same folder
        return path.rstrip("/")


class Check(Section):
    """One Great Expectations check of the curated partition."""

    expectation: str = Field(
        pattern=r"^expect_[a-z0-9_]+$",
        description="Name of the expectation, such as expect_column_values_to_be_between.",
    )
    column: str | None = Field(default=None, description="Column that it is about; none for the whole table.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Its other arguments, by Great Expectations' names."
    )
    severity: Severity = Field(default=Severity.WARNING, description="blocking (the night fails), warning or recorded.")


class History(Section):
    """The nights that a night is compared with."""

    nights: int = Field(default=28, ge=3, le=400, description="Trailing nights.")
    minimum: int = Field(default=14, ge=3, description="Fewer nights than this give 'not enough data'.")


class ModelSpec(Section):
    """Everything that is declared about one monitored model."""

    model: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="Name: lower-case letters, digits and underscores."
    )
    task: str = Field(default="binary", description="Kind of model: binary.")
    description: str = Field(default="", description="What the model predicts.")
    owner: str = Field(default="", description="Who answers for it.")
    start: date = Field(description="First day to monitor, YYYY-MM-DD; the DAG's start date.")
    end: date | None = Field(default=None, description="Last day to monitor; the DAG's end date.")
    predictions: Predictions
    duplicates: Duplicates | None = None
    labels: Labels | None = None
    reference: Reference
    quality: tuple[Check, ...] | None = Field(
        default=None, description="Checks; when absent they are inferred from the reference."
    )
    drift: Drift = Field(default_factory=Drift)
    baseline: Baseline = Field(
        default_factory=Baseline,
        description="What drift is measured against: reference (default), previous, trailing, same_weekday or dates.",
    )
    baselines: dict[str, Baseline] = Field(
        default_factory=dict, description="Baselines of single columns, by the column's name."
    )
    versions: Annotated[dict[str, Baseline], BeforeValidator(named_by_text)] = Field(
        default_factory=dict,
        description="Baselines of model versions, by the value of the column of role version; the model's by default.",
    )
    segments: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Columns whose values divide the rows into parts that are watched too; [a, b] crosses two.",
    )
    history: History = Field(default_factory=History)
    alerts: Alerts = Field(default_factory=Alerts)
    druid: Druid = Field(default_factory=Druid)

    @property
    def columns(self) -> dict[str, Column]:
        """Every declared column, by name."""
        return self.predictions.columns

    def column_of(self, role: Role) -> str | None:
        """Name of the column that has `role`, when there is one."""
        return next((name for name, column in self.columns.items() if column.role is role), None)

    @property
    def id_column(self) -> str:
        """Name of the prediction id."""
        return self._the(Role.ID)

    @property
    def time_column(self) -> str:
        """Name of the event time."""
        return self._the(Role.TIME)

    @property
    def version_column(self) -> str | None:
        """Name of the model version, when the predictions carry one."""
        return self.column_of(Role.VERSION)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Names of the vectors, in the order of the spec."""
        return tuple(name for name, column in self.columns.items() if column.type is ColumnType.VECTOR)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the columns that the model put out: the score and the prediction."""
        return tuple(name for role in (Role.SCORE, Role.PREDICTION) if (name := self.column_of(role)))

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that are profiled, in the order of the spec."""
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
                    raise ValueError(f"segments.{position}: {name!r} is personal, and its values would be shown")
                if column.role in _UNDIVIDED or column.type not in _DIVIDING:
                    raise ValueError(
                        f"segments.{position}: {name!r} is a {column.type} of role {column.role}; a segment is a "
                        "category, string, boolean or integer, and the version is one always"
                    )
        if len(set(self.segments)) < len(self.segments):
            raise ValueError("segments: one is named twice")
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        for position, check in enumerate(self.quality or ()):
            self._known_column(check.column, f"quality.{position}.column")
        for position, rule in enumerate(self.alerts.rules):
            self._known_column(rule.column, f"alerts.rules.{position}.column")
            if rule.metric == "multivariate_drift" and not self.drift.multivariate:
                raise ValueError(f"alerts.rules.{position}.metric: it is measured with `drift: {{multivariate: true}}`")
        for name in self.baselines:
            self._known_column(name, f"baselines.{name}")
        for name in self.drift.columns:
            self._known_column(name, "drift.columns")
        return self

    @model_validator(mode="after")
    def _vectors_fit(self) -> Self:
        for position, check in enumerate(self.quality or ()):
            if check.column in self.vectors:
                raise ValueError(f"quality.{position}.column: {check.column!r} is a vector, which no check can read")
        for name, column in self.drift.columns.items():
            if name in self.vectors and column.method.is_sampled:
                raise ValueError(
                    f"drift.columns.{name}.method: {column.method} needs rows, and of a vector no sample is kept"
                )
        return self

    def _known_column(self, column: str | None, key: str) -> None:
        if column is not None and column not in self.columns:
            raise UnknownNameError(key, column, self.columns)

    @model_validator(mode="after")
    def _label_apart(self) -> Self:
        if self.labels is not None and self.labels.label in self.columns:
            raise ValueError(f"labels.label: {self.labels.label!r} is a column of the predictions too")
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
    def _typed_roles(self) -> Self:
        for name, column in self.columns.items():
            wanted = _TYPE_OF_ROLE.get(column.role)
            if wanted is not None and column.type is not wanted:
                raise ValueError(f"predictions.columns.{name}.type: a column of role {column.role} is a {wanted}")
            if column.personal is PersonalData.DROP and column.role in {Role.ID, Role.TIME}:
                raise ValueError(f"predictions.columns.{name}.personal: the {column.role} cannot be dropped")
        return self

    def _count(self, role: Role) -> int:
        return sum(column.role is role for column in self.columns.values())

    def _exactly_one(self, role: Role) -> None:
        if self._count(role) != 1:
            raise ValueError(f"predictions.columns: exactly one column needs `role: {role}`, not {self._count(role)}")

    def _at_most_one(self, role: Role) -> None:
        if self._count(role) > 1:
            raise ValueError(f"predictions.columns: at most one column may have `role: {role}`")


def dated_path(path: str) -> str:
    """The path, when it names a day by {date} or by {year}, {month} and {day}."""
    found = set(re.findall(r"{([^}]*)}", path))
    if unknown := found - _PLACEHOLDERS:
        raise ValueError(f"unknown placeholder {{{min(unknown)}}}; valid: {{date}} {{year}} {{month}} {{day}}")
    if "date" not in found and not {"year", "month", "day"} <= found:
        raise ValueError("the path must name the day: put {date}, or {year}, {month} and {day}, into it")
    return path
