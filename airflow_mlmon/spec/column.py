"""Spec section of one column of the archive."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.choices import MAX_DIMENSION, ColumnType, PersonalData, Role
from airflow_mlmon.spec.coarse import Step, check_step, check_truncated
from airflow_mlmon.spec.section import Section

_OF_VECTORS = (Role.FEATURE, Role.PROBABILITY, Role.ATTRIBUTION, Role.IGNORED)

# valid in Python alone: what RE2, which matches the texts in linear time, does not know
_NOT_RE2 = re.compile(r"\(\?(?:[=!>]|<[=!]|P=|\()|\\[1-9]|[*+?}]\+")


class Column(Section):
    """Column of the archived predictions."""

    type: ColumnType = Field(
        description="float, integer, decimal (exact), boolean, string, category, timestamp (UTC) or vector "
        "(a list of numbers, such as an embedding)."
    )
    dimension: int | None = Field(
        default=None,
        ge=1,
        le=MAX_DIMENSION,
        description="Length of the vectors; a row with a vector of another length is quarantined. Only for type "
        "vector.",
    )
    role: Role = Field(
        default=Role.FEATURE,
        description="feature (default), text (its length, pattern and so on are monitored; it is never "
        "stored), id, time, version, trace (the `traceparent` of the request, kept with the row and never monitored), "
        "ignored, or of an output: score, prediction, probability, "
        "lower, upper, quantile, rank; for rankings also group and item; attribution, of the score to a feature, such "
        "as a SHAP value; operational is set by the section `operational`.",
    )
    quantile: float | None = Field(
        default=None, gt=0, lt=1, description="Level of a predicted quantile, such as 0.9. Only for role quantile."
    )
    feature: str | None = Field(
        default=None,
        description="Feature of an attribution. A column named `shap_{feature}` stands for one per feature, and a "
        "vector of attributions has them in the order of the features.",
    )
    classes: tuple[str, str] | None = Field(
        default=None,
        description="Texts that stand for false and true, in this order. Only for type boolean; by default of a "
        "predicted class, the two `classes` of the spec.",
    )
    regex: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="Regular expression (RE2) that a part of each text should match; ^ and $ stand for its ends. Only "
        "for role text.",
    )
    unit: Literal["s", "ms", "us", "ns"] | None = Field(
        default=None,
        description="Unit of times that are numbers since 1970: s, ms, us or ns; by default recognised by their size. "
        "Only for type timestamp.",
    )
    required: bool = Field(default=False, description="Quarantine rows without a value.")
    personal: PersonalData | None = Field(
        default=None,
        description="For personal data: drop the column, or hash it with a key, before anything is written.",
    )
    truncate: int | None = Field(
        default=None,
        ge=1,
        description="Keep only so many characters from the start of each text, such as 3 of a postcode, before "
        "anything is written. The column is monitored by what is kept.",
    )
    generalise: Step | None = Field(
        default=None,
        description="Round down to a multiple of this step, such as 10 for an age, or a time to its hour, day, month "
        "or year, before anything is written. The column is monitored by what is kept.",
    )

    @property
    def is_coarse(self) -> bool:
        """Return whether only a part of each value is kept."""
        return self.truncate is not None or self.generalise is not None

    @model_validator(mode="after")
    def _sound_quantile(self) -> Self:
        if (self.role is Role.QUANTILE) is not (self.quantile is not None):
            raise ValueError("quantile: a column has a level exactly if its role is quantile")
        return self

    @model_validator(mode="after")
    def _sound_unit(self) -> Self:
        if self.unit is not None and self.type is not ColumnType.TIMESTAMP:
            raise ValueError(f"unit: only for type timestamp, not {self.type}")
        return self

    @model_validator(mode="after")
    def _sound_classes(self) -> Self:
        if self.classes is not None and self.type is not ColumnType.BOOLEAN:
            raise ValueError(f"classes: only for type boolean, not {self.type}")
        if self.classes is not None and self.classes[0] == self.classes[1]:
            raise ValueError("classes: the same text for false and true")
        return self

    @model_validator(mode="after")
    def _sound_text(self) -> Self:
        if self.role is not Role.TEXT:
            if self.regex is not None:
                raise ValueError(f"regex: only for role text, not {self.role}")
            return self
        if self.type is not ColumnType.STRING:
            raise ValueError(f"type: a column of role text must be of type string, not {self.type}")
        if self.personal is not None:
            raise ValueError("personal: a text is never stored; remove the key, or write `role: ignored`")
        if self.regex is not None:
            _check_regex(self.regex)
        return self

    @model_validator(mode="after")
    def _sound_vector(self) -> Self:
        if self.type is not ColumnType.VECTOR:
            if self.dimension is not None:
                raise ValueError(f"dimension: only for type vector, not {self.type}")
            return self
        if self.dimension is None:
            raise ValueError("dimension: is missing; declare the vector as {type: vector, dimension: 384}")
        if self.role not in _OF_VECTORS:
            raise ValueError(
                f"role: a vector must be a feature, ignored, attributions or probabilities, not {self.role}"
            )
        if self.personal is PersonalData.HASH:
            raise ValueError("personal: a vector cannot be hashed; use drop")
        return self

    @model_validator(mode="after")
    def _sound_attribution(self) -> Self:
        is_attribution = self.role is Role.ATTRIBUTION
        if self.feature is not None and not is_attribution:
            raise ValueError(f"feature: only for role attribution, not {self.role}")
        if is_attribution and self.type not in {ColumnType.FLOAT, ColumnType.VECTOR}:
            raise ValueError(f"type: an attribution must be of type float or vector, not {self.type}")
        if is_attribution and (self.feature is None) is (self.type is ColumnType.FLOAT):
            raise ValueError(
                "feature: name the feature of the attribution, or name the column by a pattern such as shap_{feature}"
                if self.feature is None
                else "feature: a vector of attributions is of all features"
            )
        if is_attribution and self.personal is not None:
            raise ValueError("personal: an attribution is a number of the model, not a personal one")
        return self

    @model_validator(mode="after")
    def _sound_coarseness(self) -> Self:
        steps = {"truncate": self.truncate, "generalise": self.generalise}
        for key in (key for key, step in steps.items() if step is not None):
            if self.role not in (Role.FEATURE, Role.IGNORED):
                raise ValueError(f"{key}: only for a feature or an ignored column, not {self.role}")
            if self.personal is not None:
                raise ValueError(f"{key}: the column is personal: {self.personal} already; remove one of the two")
        if self.truncate is not None:
            check_truncated(self.type)
        if self.generalise is not None:
            check_step(self.generalise, self.type)
        return self


def _check_regex(regex: str) -> None:
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"regex: not a regular expression: {error}") from error
    if found := _NOT_RE2.search(regex):
        raise ValueError(f"regex: {found[0]!r} is not supported; RE2 has no lookaround, backreference or atomic group")
