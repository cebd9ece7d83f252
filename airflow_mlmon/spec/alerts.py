"""Spec section `alerts`: fixed limits, alert lifecycle and notification channels."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from airflow_mlmon.spec.choices import CRITICAL, WARNING, AlertSeverity
from airflow_mlmon.spec.evaluation import EvaluationPolicy
from airflow_mlmon.spec.metrics import GENERIC, OWN, own_metric
from airflow_mlmon.spec.section import Section, UnknownNameError, Vocabulary


class HistoryLimit(Section):
    """Limit in robust standard deviations from the median of the trailing days."""

    deviations: float = Field(
        default=5.0, gt=0, description="Robust standard deviations (1.4826 MAD) that make a breach."
    )
    floor: float = Field(
        default=0.0, ge=0, description="Smallest standard deviation to assume, in units of the metric."
    )
    side: Literal["both", "above", "below"] = Field(
        default="both", description="Side on which a deviation is a breach."
    )


class AlertRule(Section):
    """Limit on a metric; a value outside it is a breach."""

    metric: str = Field(description="Name of the metric; see the table of metrics.")
    column: str | None = Field(default=None, description="Column, for metrics of a column.")
    min: float | None = Field(default=None, description="Smallest accepted value.")
    max: float | None = Field(default=None, description="Largest accepted value.")
    history: HistoryLimit | None = Field(default=None, description="Limit relative to the trailing days.")
    severity: AlertSeverity = Field(default=WARNING, description="critical or warning.")

    @model_validator(mode="after")
    def _known_metric(self, info: ValidationInfo) -> Self:
        vocabulary: Vocabulary | None = info.context
        if vocabulary is None:
            # who makes a rule in code has no file in which a name could be mistyped
            return self
        metrics = {**GENERIC, **vocabulary.metrics}
        if self.metric.startswith(OWN):
            # which there are is known to the whole spec
            metrics[self.metric] = own_metric(self.metric)
        if self.metric not in metrics:
            raise UnknownNameError("metric", self.metric, metrics)
        if self.column is not None and not metrics[self.metric].by_column:
            raise ValueError(f"column: {self.metric} is a metric of the whole partition, not of a column")
        return self

    @model_validator(mode="after")
    def _limited(self) -> Self:
        if self.min is None and self.max is None and self.history is None:
            raise ValueError("give at least one of min, max and history")
        return self


class Channel(Section):
    """Notification channel: exactly one of log, webhook, alertmanager and notifier."""

    log: bool = Field(default=False, description="Write alerts to the log.")
    webhook: str | None = Field(
        default=None,
        description="Airflow connection of type mlmon_webhook or http to whose URL the alerts of each day are posted "
        "as JSON.",
    )
    alertmanager: str | None = Field(
        default=None,
        description="Airflow connection of type mlmon_alertmanager or http of an Alertmanager, to which each alert and "
        "its resolution are posted.",
    )
    notifier: str | None = Field(
        default=None,
        description="Class path of an Airflow notifier, e.g. airflow.providers.smtp.notifications.smtp.SmtpNotifier.",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="Arguments of the notifier; {subject}, {text}, {report} and {picture} stand for the message, "
        "the URL of the day's page, and the file of its picture.",
    )
    severity: AlertSeverity = Field(
        default=WARNING, description="Lowest severity that is sent: critical, or warning for all."
    )
    resolved: bool = Field(default=True, description="Send resolved alerts too.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = (self.log, self.webhook is not None, self.alertmanager is not None, self.notifier is not None)
        if sum(ways) != 1:
            raise ValueError("give exactly one of log, webhook, alertmanager and notifier")
        if self.alertmanager is not None and not self.resolved:
            raise ValueError("resolved: must be true for an Alertmanager, which otherwise keeps firing for days")
        return self

    def tells(self, severity: str, *, is_resolved: bool = False) -> bool:
        """Return whether alerts of the severity are sent to this channel."""
        return (self.resolved or not is_resolved) and (self.severity == WARNING or severity == CRITICAL)


class DigestForm(StrEnum):
    """When the morning message about all models of an owner is sent on a channel."""

    NEVER = "never"
    FINDINGS = "findings"
    ALWAYS = "always"


class SharedChannel(Channel):
    """Notification channel of several models: of all, or of those with these names and owners."""

    models: tuple[str, ...] = Field(
        default=(), description="Models it serves, by name or pattern such as fraud_*; all by default."
    )
    owners: tuple[str, ...] = Field(
        default=(), description="Owners whose models it serves, as in their specs; all by default."
    )

    digest: DigestForm = Field(
        default=DigestForm.NEVER,
        description="Morning message about the models of each owner: findings (if something is open, silent, failed or "
        "resolved), always or never; not to an Alertmanager.",
    )

    @model_validator(mode="after")
    def _for_people(self) -> Self:
        if self.alertmanager is not None and self.digest is not DigestForm.NEVER:
            raise ValueError("digest: must be never for an Alertmanager, which takes alerts only")
        return self

    def is_for(self, model: str, owner: str) -> bool:
        """Return whether the channel serves a model."""
        is_named = not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)
        return is_named and (not self.owners or owner in self.owners)


class SharedChannels(Section):
    """Notification channels that a deployment shares among models."""

    channels: tuple[SharedChannel, ...] = Field(description="Notification channels.")


class Alerts(Section):
    """Limits, alert lifecycle and notification channels."""

    evaluation: EvaluationPolicy = Field(default_factory=EvaluationPolicy)
    rules: tuple[AlertRule, ...] = Field(default=(), description="Fixed limits on metrics.")
    channels: tuple[Channel, ...] = Field(default=(Channel(log=True),), description="Notification channels.")
    opens_after: int = Field(
        default=1, ge=1, le=400, alias="for", description="Consecutive breaching days after which an alert opens."
    )
    clear: int = Field(default=2, ge=1, le=400, description="Consecutive healthy days after which an alert resolves.")
    cooldown: int = Field(
        default=7,
        ge=0,
        le=400,
        description="Days after its resolution in which a new breach reopens the same alert.",
    )
