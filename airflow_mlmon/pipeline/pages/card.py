"""Card of a model: who it belongs to, the data that it is monitored on, and the thresholds in force."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.reports.model import CardEntry
from airflow_mlmon.reports.wording import value_text
from airflow_mlmon.spec import Labels, ModelSpec
from airflow_mlmon.spec.alerts import AlertRule
from airflow_mlmon.spec.plan import masked_text
from airflow_mlmon.tasks.registry import task_of
from airflow_mlmon.tasks.titles import subject_title

_SIDES = {"above": "above", "below": "below", "both": "from"}


def card_of(run: Run) -> tuple[CardEntry, ...]:
    """Return the facts of the card that are there; addresses without their secrets."""
    spec = run.spec
    found = {
        "Owner": (spec.owner,),
        "Team": (spec.team,),
        "Tags": (", ".join(spec.tags),),
        "Task": (f"{spec.task}, {len(spec.features)} features",),
        "Monitored": (_period(spec),),
        "Predictions": (*(masked_text(path.rstrip("/")) for path in spec.predictions.paths), *_columns(spec)),
        "Labels": tuple(_labels(spec.labels)) if spec.labels else ("none",),
        "Reference": (masked_text(spec.reference.place), *_dated(spec)),
        "Rules": tuple(rule_text(rule, spec) for rule in spec.alerts.rules),
        "Evaluation": tuple(_evaluation(spec)),
        "Alerts": tuple(_lifecycle(spec)),
    }
    entries = ((title, tuple(line for line in lines if line)) for title, lines in found.items())
    return tuple(CardEntry(title=title, lines=lines) for title, lines in entries if lines)


def rule_text(rule: AlertRule, spec: ModelSpec) -> str:
    """Say the limit of a rule in a sentence."""
    limits = [
        f"at {word} {value_text(limit, rule.metric)}"
        for word, limit in (("least", rule.min), ("most", rule.max))
        if limit is not None
    ]
    if rule.history is not None:
        floor = f" (of at least {value_text(rule.history.floor, rule.metric)} each)" if rule.history.floor else ""
        limits.append(
            f"at most {rule.history.deviations:g} robust standard deviations{floor} {_SIDES[rule.history.side]} the "
            f"median of {spec.history.days} days"
        )
    title = subject_title(rule.metric, rule.column, spec.labels)
    return f"{title}: {', '.join(limits)} ({rule.severity})"


def _period(spec: ModelSpec) -> str:
    zone = "" if spec.day_zone == "UTC" else f", days of {spec.day_zone}"
    return f"from {spec.start}{f' to {spec.end}' if spec.end else ''}{zone}"


def _columns(spec: ModelSpec) -> Iterator[str]:
    personal = [name for name, column in spec.columns.items() if column.personal]
    if personal:
        yield f"personal, dropped or hashed before anything is kept: {', '.join(personal)}"


def _labels(labels: Labels) -> Iterator[str]:
    yield masked_text(labels.path.rstrip("/")) if labels.path else "in the files of the predictions"
    yield (
        f"column {labels.label}, up to {labels.delay_days} days later; performance is evaluated from a coverage of "
        f"{labels.min_coverage:.0%} on"
    )


def _dated(spec: ModelSpec) -> Iterator[str]:
    if not spec.reference.dated:
        yield "without dates: how days vary is learnt from the initial window"


def _evaluation(spec: ModelSpec) -> Iterator[str]:
    policy = spec.alerts.evaluation
    if not policy.rate:
        yield "off: only the rules alert"
        return
    yield (
        f"at most {100 * policy.rate:g} % of unchanged days have a false alarm ({policy.correction.replace('_', ' ')} "
        "correction)"
    )
    yield f"smallest effect size that alerts: {policy.effect:g}; of performance {policy.performance_effect:g}"
    yield f"against {spec.history.days} days, {spec.history.minimum} at least; drift by {spec.drift.method}"
    if policy.metrics:
        yield f"evaluated on request: {', '.join(policy.metrics)}"
    if names := task_of(spec).evaluated:
        yield f"evaluated: {', '.join(subject_title(name, None, spec.labels) for name in names)}"


def _lifecycle(spec: ModelSpec) -> Iterator[str]:
    alerts = spec.alerts
    yield (
        f"open after {_days(alerts.opens_after)} in breach, resolve after {_days(alerts.clear)} without, reopen within "
        f"{_days(alerts.cooldown)}"
    )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
