"""Findings of `mlmon check --data` in words."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.pipeline.inspection import DayFound, Inspection, LabelsFound, ReferenceFound, inspect_data
from airflow_mlmon.pipeline.pages.capture import captured_of
from airflow_mlmon.settings import Settings
from airflow_mlmon.spec import ModelSpec

_MOST = 5


def inspect_spec(spec: ModelSpec, settings: Settings, day: date | None, today: date) -> Inspection:
    """Inspect the data of a spec, and say on standard error what is done.

    Raises:
        ServiceError: an object store rejects a request or does not reply.
    """

    def tell(doing: str) -> None:
        sys.stderr.write(f"{spec.model}: {doing}\n")

    return inspect_data(spec, open_storage(), day, today, hash_key=settings.hash_key, progress=tell)


def describe(found: Inspection, spec: ModelSpec) -> Iterator[str]:
    """Yield the findings, line by line."""
    if found.lacks_key:
        yield "the setting hash_key is not set here: without it a run refuses the personal columns that are hashed"
    yield from _describe_day(found.day, spec)
    if found.labels:
        yield from _describe_labels(found.labels)
    yield from _describe_reference(found.reference)


def _describe_day(day: DayFound, spec: ModelSpec) -> Iterator[str]:
    which = f"day {day.day}" if day.day else "newest day"
    yield f"{which}: {day.status}{f': {day.message}' if day.message else ''}"
    yield f"  looked in {_few(day.looked_in)}"
    if day.around:
        yield "  what is there:"
        yield from (f"    {one}" for one in day.around)
    if day.suggestion:
        yield f"  did you mean `predictions.path: {day.suggestion}`?"
    if not day.manifest:
        return
    manifest = day.manifest
    yield from _describe_files(manifest)
    yield from _describe_formats(day.formats)
    if spec.predictions.log:
        yield f"  unpacked as the log of {spec.predictions.log}"
    yield from _describe_rows(manifest)
    yield from _describe_capture(manifest)
    faults: Counter[str] = Counter()
    for file in manifest["files"]:
        faults.update(file["faults"])
    if faults:
        yield "  values that cannot be read, and are empty:"
        yield from (f"    {reason} ({count:,} values)" for reason, count in sorted(faults.items()))
    if notes := sorted({note for file in manifest["files"] for note in file["notes"]}):
        yield "  how values were read:"
        yield from (f"    {note}" for note in notes)
    if day.from_path:
        yield f"  columns whose values the path gives: {', '.join(day.from_path)}"
    if undeclared := sorted({name for file in manifest["files"] for name in file["undeclared"]}):
        yield f"  columns that the spec does not declare: {', '.join(undeclared)}"
    zone = spec.predictions.timezone
    yield f"  days of {spec.day_zone}; times without a zone {f'are of {zone}' if zone else 'are not read'}"


def _describe_rows(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"  {manifest['rows_read']:,} rows read, {manifest['rows_accepted']:,} accepted, "
        f"{sum(manifest['quarantined'].values()):,} quarantined"
    )
    yield from (f"    {count:,} rows: {reason}" for reason, count in sorted(manifest["quarantined"].items()))
    yield from (f"  {count:,} handed over to {other}" for other, count in manifest["rows_handed_over"].items())


def _describe_capture(manifest: Mapping[str, Any]) -> Iterator[str]:
    found = captured_of(manifest)
    if found is None:
        return
    by = "1 process" if found.processes == 1 else f"{found.processes} processes"
    yield f"  captured by {by}: {found.rows:,} rows, {found.lacking:,} lacking"
    yield from (f"    {count:,} rows: {reason}" for reason, count in found.losses.items())
    if found.note:
        yield f"    {found.note}"
    for done, columns in found.protected.items():
        by = f" with key {', '.join(found.keys)}" if done == "hashed" else ""
        yield f"    {done} before they left the service{by}: {', '.join(columns)}"


def _describe_files(manifest: Mapping[str, Any]) -> Iterator[str]:
    files = manifest["files"]
    refused = [file for file in files if file["problem"]]
    yield f"  {len(files)} files: {len(files) - len(refused)} read, {len(refused)} refused"
    yield from (f"    {file['uri']}: {file['problem']}" for file in refused)
    reasons: dict[str, list[str]] = {}
    for one in manifest["passed_over"]:
        reasons.setdefault(one["reason"], []).append(one["uri"])
    for reason, uris in sorted(reasons.items()):
        yield f"  {len(uris)} passed over ({reason}): {_few(uris)}"


def _describe_labels(labels: LabelsFound) -> Iterator[str]:
    if labels.day is None:
        yield f"labels: {labels.problem} at {labels.path}"
        return
    yield f"labels: {labels.rows:,} received in the delivery of {labels.day}"
    yield from _describe_formats(labels.formats)
    yield from (f"  {said}" for said in (labels.problem, labels.note) if said)


def _describe_reference(reference: ReferenceFound) -> Iterator[str]:
    if reference.problem:
        yield f"reference: cannot be used: {reference.problem}"
        if reference.around:
            yield "  what is there:"
            yield from (f"    {one}" for one in reference.around)
        return
    days = f"of {reference.days} days" if reference.days else "without event times"
    yield f"reference: {reference.rows:,} rows {days}, in {reference.files} files"
    yield from _describe_formats(reference.formats)
    yield from (f"  {said}" for said in (*reference.told, *reference.unknown))


def _describe_formats(formats: Mapping[str, int]) -> Iterator[str]:
    if formats:
        yield f"  read as {'; '.join(f'{name} ({count})' for name, count in sorted(formats.items()))}"


def _few(uris: Iterable[str]) -> str:
    first, more = list(uris)[:_MOST], max(len(list(uris)) - _MOST, 0)
    return ", ".join(first) + (f" and {more} more" if more else "")
