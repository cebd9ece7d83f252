"""Differences of two bundles of one model, on the days that both have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.pipeline.evidence_bundle.chain import follow_chain, json_line
from airflow_mlmon.pipeline.evidence_bundle.verify import DAYS, PEOPLE, open_bundle, read_lines, read_statement

# what a shorter retention takes away is said by the gaps, and changes no result
_FILES = ("verdicts", "checks", "metrics", "basis", "manifest")


def compare_bundles(path: Path, earlier: Path) -> list[str]:
    """Say how a bundle differs from an earlier one of the same model, on the days that both have.

    Both should have been verified.

    Raises:
        ConfigError: they are of two models, or have no day in common.
        DataError: one of them is no bundle, or is damaged.
    """
    now, before = _Content(path), _Content(earlier)
    if now.model != before.model:
        raise ConfigError(f"{path} is of model {now.model}, {earlier} of {before.model}.")
    first, last = max(now.first, before.first), min(now.last, before.last)
    if last < first:
        raise ConfigError(f"{path} and {earlier} have no day in common.")
    days = sorted(day for day in now.days.keys() & before.days.keys())
    return [
        *(told for day in days for told in _day(day, before.days[day], now.days[day])),
        *_people(before.deeds(first, last), now.deeds(first, last)),
    ]


class _Content:
    """Days of a bundle and what people did, which are short."""

    def __init__(self, path: Path) -> None:
        with open_bundle(path) as archive:
            statement, _ = read_statement(archive)
            self.model = str(statement.get("model"))
            self.first, self.last = (date.fromisoformat(str(statement.get(name))) for name in ("first", "last"))
            self.days = {str(one["day"]): one for one, _ in follow_chain(read_lines(archive, DAYS), DAYS)}
            self._deeds = [one for one, _ in follow_chain(read_lines(archive, PEOPLE), PEOPLE)]

    def deeds(self, first: date, last: date) -> dict[str, dict[str, Any]]:
        """Return what people did to the days of a range, by what it was."""
        return {json_line(one): one for one in self._deeds if str(first) <= str(one["day"]) <= str(last)}


def _day(day: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if before.get("status") is None or now.get("status") is None:
        if (before.get("status") is None) is not (now.get("status") is None):
            yield f"{day}: was {_presence(before)}, is {_presence(now)}"
        return
    changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)} - {"sha256"}
    for name in sorted(changed):
        yield f"{day}: {name} was {_short(before.get(name))}, is {_short(now.get(name))}"
    files = before.get("sha256", {}), now.get("sha256", {})
    for name in _FILES:
        was, is_now = (one.get(name) for one in files)
        if was != is_now:
            yield f"{day}: {name} {'are gone' if is_now is None else 'are new' if was is None else 'differ'}"


def _presence(day: Mapping[str, Any]) -> str:
    return f"without a record ({day.get('why')})" if day.get("status") is None else str(day["status"])


def _people(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for key, deed in before.items():
        if key not in now:
            yield f"gone or changed: {_deed(deed)}"
    for key, deed in now.items():
        if key not in before:
            yield f"new: {_deed(deed)}"


def _deed(deed: Mapping[str, Any]) -> str:
    return f"{deed.get('at')} {deed.get('who')}: {deed.get('kind')} of {deed.get('day')} ({_short(deed.get('why'))})"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json_line({"": value})[4:-1]
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004
