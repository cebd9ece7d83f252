"""The section of the spec on alerts: which values are breaches, and who is told."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from airflow_mlmon.spec.choices import CRITICAL, WARNING, AlertSeverity
from airflow_mlmon.spec.evaluation import Judgement
from airflow_mlmon.spec.metrics import METRICS
from airflow_mlmon.spec.section import Section, UnknownNameError


class HistoryLimit(Section):
    """A limit in robust standard deviations from the trailing nights' median."""

    deviations: float = Field(
        default=5.0, gt=0, description="Robust standard deviations (1.4826 MAD) that make a breach."
    )
    floor: float = Field(
        default=0.0, ge=0, description="Smallest standard deviation to assume, in units of the metric."
    )
    side: Literal["both", "above", "below"] = Field(default="both", description="Which side is bad.")


class AlertRule(Section):
    """A limit on a metric; a value outside is a breach."""

    metric: str = Field(description="Name of the metric; the table of metrics lists them.")
    column: str | None = Field(default=None, description="Column, for metrics that are kept by column.")
    min: float | None = Field(default=None, description="Smallest good value.")
    max: float | None = Field(default=None, description="Largest good value.")
    history: HistoryLimit | None = Field(default=None, description="Limit against the trailing nights.")
    severity: AlertSeverity = Field(default=WARNING, description="critical or warning.")

    @model_validator(mode="after")
    def _known_metric(self) -> Self:
        if self.metric not in METRICS:
            raise UnknownNameError("metric", self.metric, METRICS)
        if self.column is not None and not METRICS[self.metric].by_column:
            raise ValueError(f"column: {self.metric} is a metric of the whole night, not of a column")
        return self

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.min is None and self.max is None and self.history is None:
            raise ValueError("give at least one of min, max and history")
        return self


class Channel(Section):
    """One way to tell people: exactly one of log, webhook, alertmanager and notifier."""

    log: bool = Field(default=False, description="Write alerts to the log.")
    webhook: str | None = Field(
        default=None, description="Airflow connection of type http whose URL gets each night's alerts as JSON."
    )
    alertmanager: str | None = Field(
        default=None,
        description="Airflow connection of type http of an Alertmanager, which gets each alert and its end.",
    )
    notifier: str | None = Field(
        default=None,
        description="Class path of an Airflow notifier: airflow.providers.smtp.notifications.smtp.SmtpNotifier, say.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="The notifier's arguments; {subject}, {text}, {report} and {picture} stand for the message, "
        "the address of the night's page, and the file of a picture.",
    )
    severity: AlertSeverity = Field(
        default=WARNING, description="Least severity that is told: critical, or warning for all."
    )
    resolved: bool = Field(default=True, description="Tell of alerts that have resolved too.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = (self.log, self.webhook is not None, self.alertmanager is not None, self.notifier is not None)
        if sum(ways) != 1:
            raise ValueError("give exactly one of log, webhook, alertmanager and notifier")
        if self.alertmanager is not None and not self.resolved:
            raise ValueError("resolved: an Alertmanager that is not told so fires on for days")
        return self

    def tells(self, severity: str, *, is_resolved: bool = False) -> bool:
        """Whether alerts of the severity are told here."""
        return (self.resolved or not is_resolved) and (self.severity == WARNING or severity == CRITICAL)


class SharedChannel(Channel):
    """A channel of many models: of all, or of those with these names, and of those owners."""

    models: tuple[str, ...] = Field(default=(), description="Names of models that it is for, or patterns like fraud_*.")
    owners: tuple[str, ...] = Field(default=(), description="Owners whose models it is for, as their specs have them.")

    def is_for(self, model: str, owner: str) -> bool:
        """Whether it tells of a model."""
        is_named = not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        return is_named and (not self.owners or owner in self.owners)


class SharedChannels(Section):
    """The channels that a deployment has for many models."""

    channels: tuple[SharedChannel, ...] = Field(description="Who is told.")


class Alerts(Section):
    """Which values are breaches, when they make an alert, and who is told."""

    judgement: Judgement = Field(default_factory=Judgement)
    rules: tuple[AlertRule, ...] = Field(default=(), description="Limits on metrics.")
    channels: tuple[Channel, ...] = Field(default=(Channel(log=True),), description="Who is told.")
    opens_after: int = Field(
        default=1, ge=1, le=400, alias="for", description="Breaching nights in a row after which an alert opens."
    )
    clear: int = Field(default=2, ge=1, le=400, description="Quiet nights in a row after which it resolves.")
    cooldown: int = Field(
        default=7,
        ge=0,
        le=400,
        description="Nights after it resolved in which one more breach opens the same alert again.",
    )
