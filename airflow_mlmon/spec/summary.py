"""Description of a model in Markdown, as its spec declares it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from airflow_mlmon.spec.model import ModelSpec

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:/@])")


def summarise_spec(spec: ModelSpec, pages_url: str) -> str:
    """Describe a model for a reader of its DAG: owner, task, data, limits, and where its pages are.

    Args:
        spec: the model.
        pages_url: address of the pages of all models.
    """
    rows = [f"| {name} | {_plain(text)} |" for name, text in _facts(spec) if text]
    head = [_plain(spec.description), ""] if spec.description else []
    link = f"[Pages of {_plain(spec.model)}]({pages_url}/{spec.model}/index.html)"
    return "\n".join([*head, link, "", "| | |", "| --- | --- |", *rows])


def _facts(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    yield "Task", spec.task
    yield "Owner", ", ".join(part for part in (spec.owner, spec.team) if part)
    until = f" to {spec.end}" if spec.end else ""
    yield "Days", f"{spec.day_zone}, from {spec.start}{until}"
    yield "Predictions", ", ".join(spec.predictions.paths)
    yield "Columns", f"{len(spec.features)} features, {len(spec.outputs)} outputs"
    if spec.labels is not None:
        yield "Labels", f"{spec.labels.path}, within {spec.labels.delay_days} days"
    yield "Reference", spec.reference.place
    yield "False alarms", f"at most {spec.alerts.evaluation.rate:.0%} of the days without a change"
    for rule in spec.alerts.rules:
        limits = {"min": rule.min, "max": rule.max, "history": rule.history and f"{rule.history.deviations:g} sd"}
        said = ", ".join(f"{name} {value}" for name, value in limits.items() if value is not None)
        yield "Limit", f"{' of '.join(part for part in (rule.metric, rule.column) if part)}: {said} ({rule.severity})"
    yield "Spec", spec.file


def _plain(text: str) -> str:
    r"""Write a text so that Markdown shows it as it is.

    >>> _plain("<b>a_b|c")
    '&lt;b&gt;a\\_b\\|c'
    """
    return _MARKUP.sub(r"\\\1", escape(" ".join(text.split()), quote=False))
