"""Page of an evidence bundle: what is in it, what is missing, and which duties its records serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from airflow_mlmon.partition import DAY
from airflow_mlmon.records import ActionKind
from airflow_mlmon.reports import regulation
from airflow_mlmon.reports.page import render_page


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleDay:
    """Day of a bundle; without a status it has no record, and the note says why."""

    day: date
    status: str
    rows: int = 0
    quarantined: int = 0
    version: str = ""
    plan: str = ""
    verdicts: int = 0
    breaches: int = 0
    failed_checks: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePlan:
    """Monitoring plan of a bundle, with the days whose results were made under it."""

    id: str
    days: tuple[date, ...]
    is_current: bool
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePage:
    """Content of the page.

    Attributes:
        deeds: What people did, as in the bundle.
        incidents: Alerts over their days, as in the bundle.
        messages: Number of notifications by channel and state.
        gaps: What is missing and why, with the days.
    """

    model: str
    description: str
    owner: str
    team: str
    first: date
    last: date
    days: tuple[BundleDay, ...]
    plans: tuple[BundlePlan, ...]
    deeds: tuple[Mapping[str, Any], ...]
    incidents: tuple[Mapping[str, Any], ...]
    messages: tuple[tuple[str, str, int], ...]
    deliveries: tuple[Mapping[str, Any], ...]
    gaps: tuple[tuple[str, str, tuple[date, ...]], ...]
    software: Mapping[str, str]


def render_bundle(page: BundlePage) -> str:
    """Render the page as one file without scripts."""
    duties: dict[str, list[regulation.Duty]] = {}
    for duty in regulation.DUTIES:
        duties.setdefault(duty.text, []).append(duty)
    return render_page(
        "bundle.html.j2",
        page=page,
        recorded=[day for day in page.days if day.status],
        ranges=range_text,
        when=_when,
        done=_done,
        rules=[_rule(rule) for plan in page.plans if plan.is_current for rule in _limits(plan.content)["rules"]],
        records=regulation.RECORDS,
        further=regulation.FURTHER_FILES,
        duties=duties,
        standings=regulation.STANDINGS,
        as_of=regulation.AS_OF,
        notice=regulation.NOTICE,
        sources=regulation.SOURCES,
        limits={plan.id: _limits(plan.content) for plan in page.plans},
    )


def range_text(days: Sequence[date]) -> str:
    """Format days, those in a row as a range.

    >>> range_text([date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 9)])
    '2026-03-01 to 2026-03-03, 2026-03-09'
    """
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][-1] == DAY:
            found[-1].append(day)
        else:
            found.append([day])
    return ", ".join(str(row[0]) if len(row) == 1 else f"{row[0]} to {row[-1]}" for row in found)


def count_messages(messages: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, str, int], ...]:
    """Count notifications by channel and state."""
    found = Counter((str(message["channel"]), str(message["state"])) for message in messages)
    return tuple((channel, state, number) for (channel, state), number in sorted(found.items()))


def group_gaps(gaps: Iterable[tuple[date, str, str]]) -> tuple[tuple[str, str, tuple[date, ...]], ...]:
    """Put days together of which the same is missing for the same reason."""
    found: dict[tuple[str, str], list[date]] = {}
    for day, what, why in gaps:
        found.setdefault((what, why), []).append(day)
    return tuple((what, why, tuple(days)) for (what, why), days in found.items())


def _when(deed: Mapping[str, Any]) -> str:
    """Format the minute of a deed, in UTC."""
    return str(deed["at"])[:16].replace("T", " ")


def _done(deed: Mapping[str, Any]) -> str:
    """Say what somebody did, without the reason."""
    subject = [str(deed.get("metric") or ""), *(str(deed[key]) for key in ("column", "segment") if deed.get(key))]
    until = f" until {deed['until']}" if deed.get("until") else ""
    version = f" of version {deed['version']}" if deed.get("version") else ""
    kind = "acknowledge" if deed["kind"] == ActionKind.ACKNOWLEDGE else str(deed["kind"]).replace("_", " ")
    return f"{kind} {' '.join(subject)}".strip() + until + version


def _limits(content: Mapping[str, Any]) -> Mapping[str, Any]:
    alerts: Mapping[str, Any] = content["spec"]["alerts"]
    return alerts


def _rule(rule: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return the subject of a fixed limit, the limit and its severity."""
    subject = rule["metric"] if rule["column"] is None else f"{rule['metric']} of {rule['column']}"
    bounds = [
        f"{words} {rule[key]:g}" for key, words in (("min", "at least"), ("max", "at most")) if rule[key] is not None
    ]
    if past := rule["history"]:
        bounds.append(f"{past['deviations']:g} robust standard deviations of its history ({past['side']})")
    return subject, ", ".join(bounds), str(rule["severity"])
