"""What a person is asked and told of a retraining, as Markdown: columns and texts of the data have no markup in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")


def plain(text: str) -> str:
    r"""Escape what Markdown or HTML would read as markup, and put the text on one line.

    >>> print(plain("a|b <i>\n# c"))
    a\|b \<i\> \# c
    """
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def verdict_title(verdict: Mapping[str, Any]) -> str:
    """Return what began a retraining, in one line."""
    alerts = "; ".join(alert["title"] for alert in verdict.get("alerts", ()))
    return f"{verdict['partition']}: {alerts or 'started by hand'}"


def offline_question(verdict: Mapping[str, Any], trained: Mapping[str, Any], share: float) -> str:
    """Ask whether a trained model is to get a share of the traffic."""
    held_out = trained["held_out"]
    compared = (
        f"compared with the scores that were served on {held_out['rows']:,} rows of {_days(held_out['days'])}, "
        "which it has not seen"
    )
    return "\n".join(
        [
            f"Because of {plain(verdict_title(verdict))}.",
            "",
            f"Trained on {trained['rows']:,} labelled rows, {_days(trained['days'])}; {compared}.",
            "",
            *_table(held_out["metrics"]),
            "",
            f"Approve to give it {share:.0%} of the traffic.",
        ]
    )


def canary_question(comparison: Mapping[str, Any]) -> str:
    """Ask whether a canary is to replace the champion."""
    champion, challenger = comparison["rows"]
    compared = (
        f"beside version {comparison['champion']} on {_days(comparison['days'])}: "
        f"{challenger:,} and {champion:,} rows. By {comparison['metric']} it is {comparison['outcome']}."
    )
    return "\n".join(
        [
            f"Version {comparison['version']} "
            + (compared if comparison["champion"] else f"was not compared: {summary(comparison)}."),
            "",
            *_table([one for one in comparison["metrics"] if one["low"] is not None]),
            "",
            "Approve to make it the champion; rejected, the traffic goes back to the champion.",
        ]
    )


def refusal(
    before: Mapping[str, Any] | None, comparison: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[str, str]:
    """Return who or what refused a challenger, and why.

    Args:
        before: answer to the question before the canary.
        comparison: result of the canary; like the last answer, of an earlier try where this one did not come so far.
        after: answer to the question after it.
    """
    if before is not None and _is_rejected(before):
        return responder(before), "rejected before the canary"
    if comparison is not None and comparison["outcome"] == "worse":
        return "the rule", summary(comparison)
    if after is not None and _is_rejected(after):
        return responder(after), "rejected after the canary"
    return "nobody", "not tried"


def summary(comparison: Mapping[str, Any]) -> str:
    """Return the result of a comparison in one line."""
    found = {one["metric"]: one for one in comparison["metrics"]}.get(comparison["metric"])
    days = _days(comparison["days"])
    if found is None:
        return f"too few labels on {days}"
    return f"{comparison['metric']} {found['old']:.4f} to {found['new']:.4f}, {_interval(found)}, on {days}"


def responder(answer: Mapping[str, Any]) -> str:
    """Return the name of the person who has answered."""
    return (answer.get("responded_by_user") or {}).get("name") or "the default answer"


def _is_rejected(answer: Mapping[str, Any]) -> bool:
    return answer["chosen_options"] == ["Reject"]


def _days(days: Sequence[str]) -> str:
    if len(days) < 2:  # noqa: PLR2004 - one day is no range
        return "".join(days) or "no day"
    return f"{days[0]} to {days[-1]}"


def _table(metrics: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        "| metric | old | new | difference, 95 % interval |",
        "|---|---|---|---|",
        *(f"| {plain(one['metric'])} | {one['old']:.4f} | {one['new']:.4f} | {_interval(one)} |" for one in metrics),
    ]


def _interval(metric: Mapping[str, Any]) -> str:
    difference = f"{metric['new'] - metric['old']:+.4f}"
    if metric["low"] is None or metric["high"] is None:
        return difference
    return f"{difference} ({metric['low']:+.4f} to {metric['high']:+.4f})"
