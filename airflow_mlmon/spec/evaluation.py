"""How nights are judged by what is usual, as the spec says it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from airflow_mlmon.spec.section import Section


class Correction(StrEnum):
    """What the rate of a judgement bounds."""

    FAMILY_WISE = "family_wise"
    FALSE_DISCOVERY = "false_discovery"


class Season(StrEnum):
    """Whether a night is compared with the same weekday."""

    AUTO = "auto"
    WEEKDAY = "weekday"
    NONE = "none"


class Judgement(Section):
    """How nights are judged by what is usual; a metric that a rule names is judged by its rule alone."""

    rate: float = Field(
        default=0.05,
        ge=0,
        lt=0.5,
        description="Chance of any alarm on a night on which nothing has changed; 0 for none.",
    )
    correction: Correction = Field(
        default=Correction.FAMILY_WISE,
        description="family_wise bounds the chance of any false alarm, false_discovery the share of false alarms.",
    )
    effect: float = Field(
        default=0.1,
        ge=0,
        description="Smallest effect that matters, on Cohen's scale (0.2 is small, 0.8 large); twice that while no "
        "past nights show how they vary.",
    )
    performance_effect: float = Field(
        default=0.05,
        ge=0,
        description="The same of a loss of performance, which matters by itself and not as a sign of something else.",
    )
    minimum_rows: int = Field(default=30, ge=1, description="Values below which a number is 'not enough data'.")
    season: Season = Field(
        default=Season.AUTO,
        description="weekday: compare with the same weekday; none: never; auto: where weekdays clearly differ.",
    )
