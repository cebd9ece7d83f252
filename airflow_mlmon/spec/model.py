"""Spec of one monitored model, as pydantic models.

Each field carries its description; the table of `include/docs/spec.md` is generated from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from airflow_mlmon.partition import DEFAULT_ZONE
from airflow_mlmon.spec.alerts import Alerts
from airflow_mlmon.spec.archives import Predictions, Reference
from airflow_mlmon.spec.attributions import check_attributions
from airflow_mlmon.spec.baseline import Baseline, check_version_names
from airflow_mlmon.spec.choices import (
    OUTPUT_ROLES,
    SHARED_ROLES,
    TASK_ROLES,
    ColumnType,
    EvidentlyForm,
    PersonalData,
    Role,
)
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.dag import Dag, check_dag
from airflow_mlmon.spec.divisions import check_divisions
from airflow_mlmon.spec.drift import Drift
from airflow_mlmon.spec.druid import Druid
from airflow_mlmon.spec.duplicates import Duplicates
from airflow_mlmon.spec.fairness import Fairness
from airflow_mlmon.spec.forms import derived_of_forms
from airflow_mlmon.spec.history import History
from airflow_mlmon.spec.labels import Labels, check_labels
from airflow_mlmon.spec.metrics import OWN
from airflow_mlmon.spec.mlflow import check_aliases
from airflow_mlmon.spec.operational import Operational, check_operational
from airflow_mlmon.spec.quality import Check
from airflow_mlmon.spec.retention import Retention
from airflow_mlmon.spec.section import ClassName, Section, UnknownNameError, Vocabulary
from airflow_mlmon.spec.shards import Shards, check_shards
from airflow_mlmon.spec.texts import TextFeature, derive_columns, derived_of_texts, name_derived
from airflow_mlmon.spec.times import derived_of_times
from airflow_mlmon.spec.worth import Worth
from airflow_mlmon.spec.zones import Zone, check_days

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"
# the folder of the pages, beside those of the models
_OF_WORKSPACE = "reports"
# as Airflow stores the tags of a DAG
Tag = Annotated[str, Field(min_length=1, max_length=100)]
_FUNCTION = r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"
_TYPE_OF_ROLE = {
    Role.ID: ColumnType.STRING,
    Role.TIME: ColumnType.TIMESTAMP,
    Role.TRACE: ColumnType.STRING,
}

# keys that only some kinds of model read
TASK_KEYS = frozenset({"classes", "cutoff", "fairness", "threshold", "tolerance", "value"})


class ModelSpec(Section):
    """Declaration of one monitored model."""

    model: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="Name of the model: lower-case letters, digits and underscores."
    )
    task: str = Field(
        default="binary",
        description="Kind of model: binary, multiclass, regression, ranking, or none (features only); by default what "
        "outputs and labels say.",
    )
    classes: tuple[ClassName, ...] = Field(
        default=(),
        description="Classes of a classifier: of several, in the order of their probabilities; of two that are "
        "archived as texts, the negative one, then the positive one.",
    )
    tolerance: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Within what the probabilities of a classifier of several classes must add up to 1, by default "
        "0.001.",
    )
    threshold: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="Score from which on a binary classifier predicts positive, where no predicted class is archived.",
    )
    value: Worth | None = Field(
        default=None, description="What a row of each cell of a binary classifier's confusion matrix is worth."
    )
    cutoff: int | None = Field(
        default=None,
        ge=1,
        description="How many of the first rows of a group count for a ranking (k), by default 10; how many "
        "classes the top-k accuracy of several classes is of, by default 2.",
    )
    description: str = Field(default="", description="Description of the model.")
    owner: str = Field(default="", description="Person or team responsible for the model.")
    team: str = Field(default="", description="Team that the owner belongs to.")
    tags: tuple[Tag, ...] = Field(default=(), description="Tags of the model on the fleet page and of its DAG.")
    start: date = Field(description="First day to monitor, YYYY-MM-DD; the DAG's start date.")
    end: date | None = Field(default=None, description="Last day to monitor; the DAG's end date.")
    day_zone: Zone = Field(
        default=DEFAULT_ZONE,
        description="Time zone whose days are the days of the model, such as Europe/Berlin; they have 23 or 25 hours "
        "where its clocks change.",
    )
    predictions: Predictions
    operational: Operational | None = None
    duplicates: Duplicates | None = None
    labels: Labels | None = None
    reference: Reference
    quality: tuple[Check, ...] | None = Field(
        default=None, description="Checks; by default they are inferred from the reference, and recorded."
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
        description="Baselines of model versions, by the value of the column with role version, or by an alias of "
        "MLflow's registry, such as `models:/fraud@champion`: the version that it names on each day. By default the "
        "model's baseline.",
    )
    segments: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="Columns whose values define segments that are monitored too; [a, b] crosses two columns.",
    )
    fairness: Fairness | None = None
    metrics: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Annotated[str, Field(pattern=_FUNCTION)]] = Field(
        default_factory=dict,
        description="Own metrics by name: the function that measures each from the rows, as module:function.",
    )
    history: History = Field(default_factory=History)
    evidently: EvidentlyForm = Field(
        default=EvidentlyForm.AUTO,
        description="Evidently's report of a day: auto (on the first day and on alerting days), page (always), json "
        "(always, without a page) or none.",
    )
    alerts: Alerts = Field(default_factory=Alerts)
    druid: Druid = Field(default_factory=Druid)
    shards: Shards | None = None
    dag: Dag = Field(default_factory=Dag)
    retention: Retention = Field(default_factory=Retention)
    # file that it was loaded from, for messages
    _file: str = PrivateAttr("")

    @property
    def file(self) -> str:
        """Path of the file that it was loaded from; empty if it was not loaded from one."""
        return self._file

    @cached_property
    def columns(self) -> dict[str, Column]:
        """Every column of the curated rows, by name: the declared ones, with derived columns in the place of texts."""
        return derive_columns(self.predictions.columns)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; its columns are those of its own predictions."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("columns", None)
        return copied

    @property
    def divisions(self) -> tuple[tuple[str, ...], ...]:
        """Columns that divide the rows: those of segments, then the protected ones."""
        protected = [(name,) for name in self.fairness.columns] if self.fairness else []
        return (*self.segments, *(own for own in protected if own not in self.segments))

    @property
    def texts(self) -> dict[str, Column]:
        """Declared texts, by name; they are archived, but not among `columns`."""
        return {name: column for name, column in self.predictions.columns.items() if column.role is Role.TEXT}

    @property
    def derived(self) -> dict[str, str]:
        """Column that each derived column is derived from: a text, a time, or the id."""
        found = derived_of_times(self.columns) | derived_of_forms(self.columns)
        return derived_of_texts(self.predictions.columns) | {name: source for name, (source, _) in found.items()}

    @property
    def patterns(self) -> frozenset[str]:
        """Columns with the patterns of texts."""
        return frozenset(name_derived(name, TextFeature.PATTERN) for name in self.texts)

    def column_of(self, role: Role) -> str | None:
        """Find the column with `role`, if there is one."""
        return next((name for name, column in self.columns.items() if column.role is role), None)

    def columns_of(self, role: Role) -> tuple[str, ...]:
        """Return all columns with `role`, in the order of the spec."""
        return tuple(name for name, column in self.columns.items() if column.role is role)

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
    def own_metrics(self) -> tuple[str, ...]:
        """Names of the own metrics, as they are stored."""
        return tuple(f"{OWN}{name}" for name in self.metrics)

    @property
    def vectors(self) -> tuple[str, ...]:
        """Vector columns, in the order of the spec."""
        return tuple(name for name, column in self.columns.items() if column.type is ColumnType.VECTOR)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Output columns of the model, by role, and the attributions of its score."""
        return tuple(name for role in (*OUTPUT_ROLES, Role.ATTRIBUTION) for name in self.columns_of(role))

    @property
    def features(self) -> tuple[str, ...]:
        """Features that are profiled, in the order of the spec."""
        return tuple(
            name for name, column in self.columns.items() if column.role is Role.FEATURE and not column.personal
        )

    def _the(self, role: Role) -> str:
        return next(name for name, column in self.columns.items() if column.role is role)

    @field_validator("model")
    @classmethod
    def _has_its_own_folder(cls, model: str) -> str:
        if model == _OF_WORKSPACE:
            raise ValueError(f"{model!r} is the folder of the pages in the workspace; choose another name")
        return model

    @field_validator("segments", mode="before")
    @classmethod
    def _crossings(cls, segments: Any) -> Any:
        if not isinstance(segments, list | tuple):
            return segments
        return [[segment] if isinstance(segment, str) else segment for segment in segments]

    @model_validator(mode="after")
    def _divisions_divide(self) -> Self:
        check_divisions(self.segments, self.fairness, self.columns)
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        for position, check in enumerate(self.quality or ()):
            self._known_column(check.column, f"quality.{position}.column")
        for position, rule in enumerate(self.alerts.rules):
            self._measured_column(rule.column, f"alerts.rules.{position}.column")
            if rule.metric == "multivariate_drift" and not self.drift.multivariate:
                raise ValueError(f"alerts.rules.{position}.metric: needs `drift: {{multivariate: true}}`")
            if rule.metric == "outlier_rate" and self.drift.outliers is None:
                raise ValueError(f"alerts.rules.{position}.metric: needs `drift: {{outliers: 0.01}}`")
            if rule.metric.startswith(OWN) and rule.metric not in self.own_metrics:
                raise UnknownNameError(f"alerts.rules.{position}.metric", rule.metric, self.own_metrics)
        for name in self.baselines:
            self._measured_column(name, f"baselines.{name}")
        for name in self.drift.columns:
            self._measured_column(name, "drift.columns")
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

    def _measured_column(self, column: str | None, key: str) -> None:
        if column not in self.derived:
            self._known_column(column, key)

    @model_validator(mode="after")
    def _roles_fit(self) -> Self:
        check_operational(self.operational, self.predictions.columns)
        check_attributions(self.predictions.columns)
        return self

    @model_validator(mode="after")
    def _texts_apart(self) -> Self:
        for derived, text in derived_of_texts(self.predictions.columns).items():
            if derived in self.predictions.columns:
                raise ValueError(f"predictions.columns.{derived}: also the name of a column derived from {text!r}")
        return self

    @model_validator(mode="after")
    def _days_fit(self) -> Self:
        check_days(self.day_zone, self.druid)
        check_shards(self.shards, self.predictions.log)
        check_dag(self.dag, self.owner, self.shards)
        return self

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        check_labels(self.labels, self.columns)
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for role in (Role.ID, Role.TIME):
            self._exactly_one(role)
        for role in Role:
            if role not in SHARED_ROLES:
                self._at_most_one(role)
        if not (self.outputs or self.features):
            raise ValueError("predictions.columns: nothing to monitor: give a feature, a score or a prediction")
        if self.versions and self.column_of(Role.VERSION) is None:
            raise ValueError("versions: no column of the predictions has `role: version`")
        check_aliases(self.versions)
        mlflow = self.reference.mlflow
        if mlflow is not None and mlflow.output is not None and mlflow.output not in self.outputs:
            raise UnknownNameError("reference.mlflow.output", mlflow.output, self.outputs)
        return self

    @model_validator(mode="after")
    def _typed_roles(self) -> Self:
        for name, column in self.columns.items():
            wanted = _TYPE_OF_ROLE.get(column.role)
            if wanted is not None and column.type is not wanted:
                raise ValueError(
                    f"predictions.columns.{name}.type: a column of role {column.role} must be of type {wanted}"
                )
            if column.personal is PersonalData.DROP and column.role in _TYPE_OF_ROLE:
                raise ValueError(f"predictions.columns.{name}.personal: the {column.role} cannot be dropped")
        return self

    @model_validator(mode="after")
    def _label_fits_task(self, info: ValidationInfo) -> Self:
        vocabulary: Vocabulary | None = info.context
        for key, value in (("labels", self.labels), ("reference.label", self.reference.label)):
            if value is not None and vocabulary is not None and not vocabulary.has_labels:
                raise ValueError(f"{key}: is of no use to a model of task {self.task}")
        return self

    @model_validator(mode="after")
    def _fits_task(self, info: ValidationInfo) -> Self:
        vocabulary: Vocabulary | None = info.context
        if vocabulary is None:
            return self
        for name, column in self.columns.items():
            if column.role not in TASK_ROLES:
                continue
            valid = vocabulary.types.get(column.role)
            if valid is None:
                raise ValueError(f"predictions.columns.{name}.role: a {self.task} model has no {column.role}")
            if column.type not in valid:
                wanted = " or ".join(valid)
                raise ValueError(
                    f"predictions.columns.{name}.type: a column of role {column.role} must be of type {wanted}"
                )
        for roles in vocabulary.needs:
            if not any(self.columns_of(role) for role in roles):
                raise ValueError(
                    f"predictions.columns: a {self.task} model needs a column of role {' or '.join(roles)}"
                )
        for key in sorted(TASK_KEYS & self.model_fields_set - vocabulary.keys):
            raise ValueError(f"{key}: is of no use to a {self.task} model")
        return self

    def _count(self, role: Role) -> int:
        return sum(column.role is role for column in self.columns.values())

    def _exactly_one(self, role: Role) -> None:
        if self._count(role) != 1:
            raise ValueError(f"predictions.columns: exactly one column needs `role: {role}`, found {self._count(role)}")

    def _at_most_one(self, role: Role) -> None:
        if self._count(role) > 1:
            raise ValueError(f"predictions.columns: at most one column may have `role: {role}`")
