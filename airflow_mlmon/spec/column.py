"""How one column of the archive is declared."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.choices import MAX_DIMENSION, ColumnType, PersonalData, Role
from airflow_mlmon.spec.section import Section


class Column(Section):
    """One column of the archived predictions."""

    type: ColumnType = Field(
        description="float, integer, decimal (kept exactly), boolean, string, category, timestamp (UTC) or vector "
        "(a list of numbers, such as an embedding)."
    )
    dimension: int | None = Field(
        default=None,
        ge=1,
        le=MAX_DIMENSION,
        description="Numbers in a vector; a row with more or fewer of them is quarantined. For a vector alone.",
    )
    role: Role = Field(
        default=Role.FEATURE,
        description="feature (default), id, time, version, score, prediction or ignored.",
    )
    required: bool = Field(default=False, description="A row without a value here is quarantined.")
    personal: PersonalData | None = Field(
        default=None,
        description="drop or hash: personal data, removed or replaced by a keyed hash before anything is written.",
    )

    @model_validator(mode="after")
    def _sound_vector(self) -> Self:
        if self.type is not ColumnType.VECTOR:
            if self.dimension is not None:
                raise ValueError(f"dimension: only a vector has one, not a {self.type}")
            return self
        if self.dimension is None:
            raise ValueError(
                "dimension: is missing: a vector is declared with it, as in {type: vector, dimension: 384}"
            )
        if self.role not in {Role.FEATURE, Role.IGNORED}:
            raise ValueError(f"role: a vector is a feature or ignored, not the {self.role}")
        if self.personal is PersonalData.HASH:
            raise ValueError("personal: a vector cannot be hashed; use drop")
        return self
