"""Spec section of one column of the archive."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.choices import MAX_DIMENSION, ColumnType, PersonalData, Role
from airflow_mlmon.spec.section import Section

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
        "stored), id, time, version, ignored, or of an output: score, prediction, probability, "
        "lower, upper, quantile, rank; for rankings also group and item.",
    )
    quantile: float | None = Field(
        default=None, gt=0, lt=1, description="Level of a predicted quantile, such as 0.9. Only for role quantile."
    )
    regex: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="Regular expression (RE2) that a part of each text should match; ^ and $ stand for its ends. Only "
        "for role text.",
    )
    required: bool = Field(default=False, description="Quarantine rows without a value.")
    personal: PersonalData | None = Field(
        default=None,
        description="For personal data: drop the column, or hash it with a key, before anything is written.",
    )

    @model_validator(mode="after")
    def _sound_quantile(self) -> Self:
        if (self.role is Role.QUANTILE) is not (self.quantile is not None):
            raise ValueError("quantile: a column has a level exactly if its role is quantile")
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
        if self.role not in {Role.FEATURE, Role.IGNORED, Role.PROBABILITY}:
            raise ValueError(f"role: a vector must be a feature, ignored or the probabilities, not {self.role}")
        if self.personal is PersonalData.HASH:
            raise ValueError("personal: a vector cannot be hashed; use drop")
        return self


def _check_regex(regex: str) -> None:
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"regex: not a regular expression: {error}") from error
    if found := _NOT_RE2.search(regex):
        raise ValueError(f"regex: {found[0]!r} is not supported; RE2 has no lookaround, backreference or atomic group")
