"""Spec section `operational`: latency, status and saturation of the requests that were archived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.spec.column import Column
from airflow_mlmon.spec.metrics import ERROR_RATE, LATENCY
from airflow_mlmon.spec.section import Section, UnknownNameError

_NUMBERS = {ColumnType.FLOAT, ColumnType.INTEGER}
_STATUSES = {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.INTEGER, ColumnType.BOOLEAN}
_PATTERN = re.compile(r"[1-5]xx", re.IGNORECASE)
_CODE = re.compile(r"[1-5]\d\d")


class Operational(Section):
    """Columns of the predictions that say how requests were served; they are neither features nor outputs.

    A column that `predictions.columns` does not declare is added: a status as a category, the others as floats.
    """

    latency_ms: str | None = Field(default=None, description="Column with the latency of a request in milliseconds.")
    latency_s: str | None = Field(default=None, description="The same in seconds, instead of `latency_ms`.")
    status: str | None = Field(default=None, description="Column with the status of a request, a code or a text.")
    errors: tuple[str, ...] = Field(
        default=("5xx",),
        min_length=1,
        description="Values of the status that are errors, or patterns of codes such as 5xx. Their rows count as "
        "traffic and errors only: drift, null rates, outputs and performance are measured without them.",
    )
    saturation: tuple[str, ...] = Field(
        default=(), description="Columns with a number that says how loaded the server was, such as a queue's length."
    )

    @field_validator("errors", mode="before")
    @classmethod
    def _texts(cls, errors: Any) -> Any:
        if not isinstance(errors, list | tuple):
            return errors
        # YAML reads 503 as a number and no as a truth
        return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in errors)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.latency_ms and self.latency_s:
            raise ValueError("latency_s: give the latency once, in milliseconds or in seconds")
        if self.status is None and "errors" in self.model_fields_set:
            raise ValueError("errors: needs `status`, the column whose values they are")
        columns = list(self.columns)
        if not columns:
            raise ValueError("latency_ms: nothing to measure: name a latency, a status or a saturation column")
        if repeated := [name for name in dict.fromkeys(columns) if columns.count(name) > 1]:
            raise ValueError(f"saturation: {repeated[0]!r} is named twice")
        return self

    @property
    def latency(self) -> str | None:
        """Column of the latency."""
        return self.latency_ms or self.latency_s

    @property
    def latency_unit_ms(self) -> float:
        """Milliseconds of one unit of the latency's column."""
        return 1_000.0 if self.latency_s else 1.0

    @property
    def columns(self) -> Iterator[str]:
        """Every column that is named, in the order of the section."""
        yield from (name for name in (self.latency, self.status) if name)
        yield from self.saturation

    @property
    def headline(self) -> tuple[str, ...]:
        """Metrics that say most, which tables and trends show first."""
        return (*((ERROR_RATE,) if self.status else ()), *((LATENCY,) if self.latency else ()))

    @property
    def has_patterns(self) -> bool:
        """Return True if an error is a pattern of codes: a status that is neither such a code nor listed is unknown."""
        return any(_PATTERN.fullmatch(error) for error in self.errors)

    def is_error(self, status: str) -> bool:
        """Return True if a status is an error.

        >>> Operational(status="status", errors=("5xx", "timeout")).is_error("503")
        True
        """
        return status in self.errors or any(
            _PATTERN.fullmatch(error) and _CODE.fullmatch(status) and error[0] == status[0] for error in self.errors
        )

    def is_known(self, status: str) -> bool:
        """Return True if it can be said whether a status is an error.

        >>> codes, words = Operational(status="status"), Operational(status="status", errors=("failed",))
        >>> codes.is_known("200"), codes.is_known("failed"), words.is_known("done")
        (True, False, True)
        """
        return status in self.errors or not self.has_patterns or bool(_CODE.fullmatch(status))


def check_operational(operational: Operational | None, columns: Mapping[str, Column]) -> None:
    """Check that the named columns are declared, of a type that can be measured, and of no other role."""
    named = set(operational.columns) if operational else set()
    for name in sorted(named - set(columns)):
        raise UnknownNameError("operational", name, columns)
    for name, column in columns.items():
        key = f"predictions.columns.{name}"
        if name not in named and column.role is Role.OPERATIONAL:
            raise ValueError(f"{key}.role: an operational column is named in the section `operational`")
        if name in named and column.role is not Role.OPERATIONAL:
            raise ValueError(f"{key}.role: `operational` names {name!r}, which cannot be {column.role} too")
        if name in named and column.personal is not None:
            raise ValueError(f"{key}.personal: `operational` names {name!r}; its values appear on pages")
        types = _STATUSES if operational and name == operational.status else _NUMBERS
        if name in named and column.type not in types:
            raise ValueError(f"{key}.type: must be one of {', '.join(sorted(types))}, as `operational` names {name!r}")
