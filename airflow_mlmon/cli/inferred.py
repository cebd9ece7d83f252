"""Checks of a spec, written or inferred, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_mlmon.errors import MlmonError, NotFoundError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.workspace.reference import pinned_reference
from airflow_mlmon.quality.infer import Inferred
from airflow_mlmon.quality.wording import arguments_text
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.store.zones import read_day_zone


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksFound:
    """Checks of a spec without written ones; `source` is what they are inferred from, or why they are not known."""

    source: str
    inferred: Inferred | None = None

    def to_dict(self) -> dict[str, object]:
        """Convert to JSON-compatible objects."""
        if self.inferred is None:
            return {"source": self.source, "inferred": None}
        checks = [
            {"expectation": one.expectation, "column": one.column, "expected": arguments_text(one.arguments)}
            for one in self.inferred.checks
        ]
        return {"source": self.source, "inferred": checks, "withheld": dict(self.inferred.withheld)}

    def describe(self) -> Iterator[str]:
        """Yield the checks by expectation, and the columns that have no other by the reason."""
        if self.inferred is None:
            yield f"checks: {self.source}"
            return
        yield f"checks: {len(self.inferred.checks)} inferred from {self.source}; recorded, they alert no one"
        by_expectation: dict[str, list[str]] = {}
        for check in self.inferred.checks:
            expected = arguments_text(check.arguments)
            column = f"{check.column} ({expected})" if expected else str(check.column)
            by_expectation.setdefault(check.expectation, []).append(column)
        yield from (f"  {name}: {', '.join(columns)}" for name, columns in by_expectation.items())
        by_reason = _by_reason(self.inferred.withheld)
        yield from (f"  {why}: {', '.join(columns)}" for why, columns in by_reason.items())


def find_checks(spec: ModelSpec, settings: Settings, read: Inferred | None) -> ChecksFound:
    """Return the checks inferred from the pinned reference, or else from the reference as it was just read."""
    try:
        pinned = _pinned(spec, settings)
    except MlmonError as error:
        return ChecksFound(source=f"not known, the pinned reference cannot be read: {error}")
    if pinned is not None:
        return ChecksFound(source="the pinned reference", inferred=pinned)
    if read is not None:
        return ChecksFound(source="the reference", inferred=read)
    return ChecksFound(source="inferred when a run pins the reference; `mlmon check --data` lists them before")


def _pinned(spec: ModelSpec, settings: Settings) -> Inferred | None:
    try:
        # a store of an earlier release has to be upgraded first, which a check must not do
        if read_day_zone(settings.store, spec.model) is None:
            return None
    except NotFoundError:
        return None
    with open_run(spec, settings, must_exist=True) as run:
        reference = pinned_reference(run)
        return reference.inferred if reference else None


def _by_reason(withheld: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for column, why in withheld.items():
        found.setdefault(why, []).append(column)
    return found
