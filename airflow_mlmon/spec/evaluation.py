"""Spec section of the statistical evaluation against history."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationInfo, model_validator

from airflow_mlmon.spec.choices import MINIMUM_ROWS, Correction
from airflow_mlmon.spec.metrics import GENERIC, OUT_OF_RANGE_RATE
from airflow_mlmon.spec.section import Section, UnknownNameError, Vocabulary

# evaluated on request by earlier releases
_BY_DEFAULT = (OUT_OF_RANGE_RATE,)


class Season(StrEnum):
    """Comparison with the same weekday."""

    AUTO = "auto"
    WEEKDAY = "weekday"
    NONE = "none"


class EvaluationPolicy(Section):
    """Statistical evaluation of metrics against history; a metric with a rule is evaluated by its rule alone."""

    rate: float = Field(
        default=0.05,
        ge=0,
        lt=0.5,
        description="Probability of any false alarm on an unchanged day; 0 disables the evaluation.",
    )
    correction: Correction = Field(
        default=Correction.FAMILY_WISE,
        description="family_wise (Holm) bounds the probability of any false alarm, false_discovery "
        "(Benjamini-Hochberg) their share.",
    )
    effect: float = Field(
        default=0.1,
        ge=0,
        description="Smallest effect size that alerts (Cohen's d: 0.2 is small, 0.8 large); doubled while no "
        "past days show the variance between days.",
    )
    performance_effect: float = Field(
        default=0.05,
        ge=0,
        description="Smallest effect size that alerts for performance metrics, which matter by themselves.",
    )
    minimum_rows: int = Field(
        default=MINIMUM_ROWS, ge=1, description="Fewest values; with fewer the verdict is 'not enough data'."
    )
    season: Season = Field(
        default=Season.AUTO,
        description="weekday: compare with the same weekday; none: never; auto: where weekdays differ significantly.",
    )
    metrics: tuple[str, ...] = Field(
        default=(),
        description="Further metrics to evaluate, beside those evaluated by default: of the task, and by column "
        "zero_vector_rate, malformed_vector_rate and centroid_cosine.",
    )

    @model_validator(mode="after")
    def _known_metrics(self, info: ValidationInfo) -> Self:
        vocabulary: Vocabulary | None = info.context
        on_request = [name for name, metric in GENERIC.items() if metric.on_request]
        known = {*vocabulary.metrics, *on_request, *_BY_DEFAULT} if vocabulary else self.metrics
        for position, metric in enumerate(self.metrics):
            if metric not in known:
                raise UnknownNameError(f"metrics.{position}", metric, known)
        return self
