"""Old spellings of spec keys and metric names, which the release after this one no longer reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_KEYS = {
    ("alerts", "judgement"): "evaluation",
    ("history", "nights"): "days",
    ("labels", "void"): "excluded",
    ("labels", "min_share"): "min_coverage",
}
METRICS = {
    "label_share": "label_coverage",
    "null_share": "null_rate",
    "positive_share": "positive_rate",
    "predicted_positive_share": "predicted_positive_rate",
    "unseen_share": "new_category_rate",
    "void_share": "excluded_share",
}


def rename_old_spellings(content: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Replace old spellings in the content of a spec, in place, and yield the key of each with its new name.

    A key whose new name is there too is left alone: it is unknown, and refused as such.
    """
    for (section, old), new in _KEYS.items():
        found = content.get(section)
        if isinstance(found, dict) and old in found and new not in found:
            found[new] = found.pop(old)
            yield (section, old), new
    alerts = content.get("alerts")
    rules = alerts.get("rules") if isinstance(alerts, dict) else None
    for position, rule in enumerate(rules if isinstance(rules, list) else ()):
        metric = rule.get("metric") if isinstance(rule, dict) else None
        if isinstance(metric, str) and metric in METRICS:
            rule["metric"] = METRICS[metric]
            yield ("alerts", "rules", position, "metric"), METRICS[metric]
