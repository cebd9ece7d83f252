"""Inspection of one day, the reference and the labels, as a run would find them; nothing is kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from airflow_mlmon.archive.curation.personal import UnknownKey
from airflow_mlmon.archive.layouts.dates import suggest_path
from airflow_mlmon.archive.layouts.layout import ListedFile, list_day
from airflow_mlmon.archive.layouts.patterns import Pattern
from airflow_mlmon.errors import DataError, MlmonError
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Progress, Run, silent
from airflow_mlmon.pipeline.steps.deliveries import DeliveryFiles, find_delivery, take_delivery
from airflow_mlmon.pipeline.steps.prepare import prepare_partition
from airflow_mlmon.pipeline.steps.touched import tell_of_spelling
from airflow_mlmon.pipeline.workspace.inferred import infer_from_rows
from airflow_mlmon.pipeline.workspace.mlflow_source import OpenedReference
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST
from airflow_mlmon.pipeline.workspace.reference_rows import ReferenceRows, open_reference, read_opened
from airflow_mlmon.pipeline.workspace.samples import days_of
from airflow_mlmon.pipeline.workspace.unfit import tell_unfit
from airflow_mlmon.profiles.engine.pinning import pin_schema
from airflow_mlmon.quality.infer import Inferred
from airflow_mlmon.records import Status
from airflow_mlmon.spec import Labels, ModelSpec, PersonalData
from airflow_mlmon.spec.druid import Engine
from airflow_mlmon.storage import ObjectStore, Storage
from airflow_mlmon.storage.around import look_around
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.tables.files import describe_file
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tasks.registry import task_of

# days before today in which the newest is sought; of an older archive the files are listed
_DAYS_BACK = 400
_LOST = (Status.NO_DATA, Status.QUARANTINED, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFound:
    """Findings on one day.

    Attributes:
        day: The day, None if no day has files.
        status: Status that a run would give it.
        message: What a run would say of it.
        looked_in: Folders that were listed.
        around: What is there instead, if there are no files.
        suggestion: Path that would find files.
        formats: Formats of the files, each with their number.
        from_path: Columns whose values the paths give.
        manifest: Account of the files and rows, as a run stores it.
    """

    day: date | None
    status: Status
    message: str = ""
    looked_in: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    suggestion: str | None = None
    formats: Mapping[str, int] = field(default_factory=dict)
    from_path: tuple[str, ...] = ()
    manifest: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsFound:
    """Findings on the newest delivery of labels; `rows` are the labels received, `path` is where they were sought."""

    path: str
    day: date | None = None
    rows: int = 0
    problem: str = ""
    note: str = ""
    formats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceFound:
    """Findings on the reference.

    Attributes:
        path: Where it is.
        problem: Why it cannot be used; empty if it can.
        files: Number of its files.
        rows: Rows.
        days: Days of its event times.
        told: What could not be read.
        unknown: What it lacks, and what therefore cannot be known.
        formats: Formats of the files, each with their number.
        around: What is there instead, if there are no files.
        inferred: Checks that a run would infer from it; None if the spec has its own.
    """

    path: str
    problem: str = ""
    files: int = 0
    rows: int = 0
    days: int = 0
    told: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    formats: Mapping[str, int] = field(default_factory=dict)
    around: tuple[str, ...] = ()
    inferred: Inferred | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Findings on a day, the reference and the labels, if the spec has any.

    `lacks_key` is True if personal columns are hashed, and the key for it is not set.
    """

    day: DayFound
    reference: ReferenceFound
    labels: LabelsFound | None
    lacks_key: bool = False

    @property
    def is_good(self) -> bool:
        """Whether a run of the day would end as OK or PARTIAL."""
        return self.day.status not in _LOST and not self.reference.problem

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        # the checks are said with those that are pinned
        shown = replace(self, reference=replace(self.reference, inferred=None))
        content: dict[str, Any] = json.loads(json.dumps(asdict(shown), default=str))
        del content["reference"]["inferred"]
        return content | {"good": self.is_good}


def inspect_data(
    spec: ModelSpec,
    storage: Storage,
    day: date | None,
    today: date,
    *,
    hash_key: bytes | None = None,
    progress: Progress = silent,
) -> Inspection:
    """Read one day, the reference and the newest labels as a run does, in a store and a workspace of their own.

    Args:
        spec: the model.
        storage: object stores.
        day: the day; None for the newest that has files.
        today: the current day.
        hash_key: key of personal columns that are hashed.
        progress: receives what is done.
    """
    # the rows of the day are then not profiled: that would need the reference
    unprofiled = spec.model_copy(update={"druid": spec.druid.model_copy(update={"engine": Engine.DRUID})})
    with scratch_folder() as folder, MetricStore(f"sqlite:///{folder / 'store.db'}") as store:
        run = Run(
            spec=unprofiled,
            storage=storage,
            store=store,
            workspace=str(folder / "workspace"),
            # personal columns are hashed with a key that nobody knows
            hash_key=hash_key or UnknownKey(folder.name.encode()),
            progress=progress,
        )
        of_day = _inspect_day(run, day or _newest(run, today), today)
        return Inspection(
            day=of_day,
            reference=_inspect_reference(replace(run, spec=spec)),
            labels=_inspect_labels(run, today, of_day),
            lacks_key=hash_key is None and any(one.personal is PersonalData.HASH for one in spec.columns.values()),
        )


def _newest(run: Run, today: date) -> date | None:
    predictions = run.spec.predictions
    run.progress("looking for the newest day")
    if predictions.dates != "path":
        items = [item for path in predictions.paths for item in run.archive.list(Pattern(path).root)]
        return max((item.modified.date() for item in items if item.modified), default=None)
    near = (today - timedelta(days=back) for back in range(-1, _DAYS_BACK))
    return next(_with_files(run, near), None) or next(_with_files(run, _days_of_paths(run)), None)


def _with_files(run: Run, days: Iterable[date]) -> Iterator[date]:
    for day in days:
        if list_day(run.archive, run.spec.predictions, run.partition(day)).files:
            yield day


def _days_of_paths(run: Run) -> list[date]:
    """Return the days that the paths of all objects name, the newest first."""
    patterns = [Pattern(path) for path in run.spec.predictions.paths]
    found = {
        pattern.day_of(match)
        for pattern in patterns
        for item in run.archive.list(pattern.root)
        if (match := pattern.match(item.uri)) is not None
    }
    return sorted((day for day in found if day is not None), reverse=True)


def _inspect_day(run: Run, day: date | None, today: date) -> DayFound:
    if day is None:
        return _nothing(run, run.partition(today - timedelta(days=1)), None)
    partition = run.partition(day)
    listing = list_day(run.archive, run.spec.predictions, partition)
    if not listing.files:
        return _nothing(run, partition, day)
    try:
        prepared = prepare_partition(run, partition)
    except MlmonError as error:
        return DayFound(day=day, status=Status.FAILED, message=str(error), looked_in=listing.folders)
    predictions = run.spec.predictions
    return DayFound(
        day=day,
        status=prepared.status,
        message=prepared.message,
        looked_in=listing.folders,
        formats=_formats(run.archive, listing.files, Reading.of(predictions)) if predictions.log is None else {},
        from_path=tuple(sorted({name for file in listing.files for name in file.values})),
        manifest=json.loads(run.files.read(run.version_uri(partition, prepared.version, MANIFEST))),
    )


def _nothing(run: Run, partition: Partition, day: date | None) -> DayFound:
    predictions = run.spec.predictions
    listing = list_day(run.archive, predictions, partition)
    around = look_around(run.archive, Pattern(predictions.paths[0]).root)
    passed = [f"{one.uri}: {one.reason}" for one in listing.passed_over]
    return DayFound(
        day=day,
        status=Status.NO_DATA,
        message="No files were found.",
        looked_in=listing.folders,
        around=(*passed, *around),
        suggestion=suggest_path(predictions.paths[0], around),
    )


def _formats(store: ObjectStore, files: Sequence[ListedFile], reading: Reading) -> dict[str, int]:
    found: Counter[str] = Counter()
    known: dict[str, str] = {}
    for file in files:
        ending = "".join(Path(file.item.uri).suffixes[-2:])
        # files of one ending are alike, or are refused; those without one are looked into
        if not ending or ending not in known:
            known[ending] = _format(store, file, reading)
        found[known[ending]] += 1
    return dict(found)


def _format(store: ObjectStore, file: ListedFile, reading: Reading) -> str:
    try:
        with store.local_copy(file.item.uri) as path:
            return describe_file(path, file.item.uri, reading)
    except DataError:
        return "unknown"


def _inspect_reference(run: Run) -> ReferenceFound:
    reference = run.spec.reference
    run.progress("reading the reference")
    try:
        with open_reference(run) as opened:
            return _inspect_opened(run, opened)
    except MlmonError as error:
        if reference.mlflow is None:
            raise
        return ReferenceFound(path=reference.place, problem=str(error))


def _inspect_opened(run: Run, opened: OpenedReference) -> ReferenceFound:
    reference, files = run.spec.reference, opened.files
    if not files:
        around = look_around(opened.store, reference.place)
        return ReferenceFound(path=reference.place, problem=f"no files at {reference.place}", around=around)
    formats = _formats(opened.store, files, Reading() if opened.is_predicted else Reading.of(reference))
    try:
        found = read_opened(run, opened)
        schema = pin_schema(run.spec, found.rows)
        inferred = infer_from_rows(run.spec, schema, found.rows) if run.spec.quality is None else None
    except MlmonError as error:
        return ReferenceFound(path=reference.place, problem=str(error), files=len(files), formats=formats)
    days = days_of(found.rows, run.spec.time_column, run.spec.day_zone)
    return ReferenceFound(
        path=reference.place,
        files=len(files),
        rows=found.rows.num_rows,
        days=len(days.drop_null().unique()),
        told=(*found.told, *tell_unfit(schema, found.rows)),
        unknown=tuple(_unknown(run.spec, found)),
        formats=formats,
        inferred=inferred,
    )


def _unknown(spec: ModelSpec, found: ReferenceRows) -> Iterator[str]:
    """Yield what the reference lacks, with what cannot be known for it."""
    absent = set(found.empty) | (set() if spec.reference.dated else {spec.id_column, spec.time_column})
    if spec.id_column in absent:
        yield f"no ids ({spec.id_column}): each row counts, also one that is there twice"
    if spec.time_column in absent:
        yield (
            f"no event times ({spec.time_column}): how days differ is not known, and the first are evaluated by "
            "sampling error only"
        )
    if spec.version_column in absent:
        yield f"no versions ({spec.version_column}): it is the reference of all versions"
    for role in task_of(spec).types:
        if names := [name for name in spec.columns_of(role) if name in absent]:
            yield f"no {role} ({', '.join(names)}): its drift is not measured against the reference"
    for name in spec.features:
        if name in absent:
            yield f"no value of {name}: its drift is not measured against the reference, and no check is inferred"
    label = spec.reference.label
    if spec.labels is not None and (label is None or label in absent):
        said = "none is declared by reference.label" if label is None else label
        yield f"no labels ({said}): its performance is not known, and performance is evaluated by that of the days"


def _inspect_labels(run: Run, today: date, of_day: DayFound) -> LabelsFound | None:
    labels = run.spec.labels
    if labels is None:
        return None
    path = labels.path or ", ".join(run.spec.predictions.paths)
    newest = _newest_delivery(run, labels, today)
    if newest is None:
        return LabelsFound(path=path, problem="no files")
    day, source = newest
    try:
        taken = take_delivery(run, run.partition(day))
    except MlmonError as error:
        return LabelsFound(path=path, day=day, problem=str(error))
    formats = _formats(source.store, source.listed, Reading.of(labels)) if labels.log is None else {}
    note = "; ".join(filter(None, (taken.note, _tell_of_spelling(run, day, of_day))))
    return LabelsFound(path=path, day=day, rows=taken.rows, problem=taken.problem, note=note, formats=formats)


def _tell_of_spelling(run: Run, delivered: date, found: DayFound) -> str:
    """Compare the ids of a delivery with those of the day that was read, which it may have no labels for."""
    if found.day is None or not found.manifest:
        return ""
    days = {run.partition(found.day): str(found.manifest["version"])}
    deliveries = run.store.deliveries(run.model, delivered, delivered)
    return next((tell_of_spelling(run, delivery, days) for delivery in deliveries), "")


def _newest_delivery(run: Run, labels: Labels, today: date) -> tuple[date, DeliveryFiles] | None:
    if labels.path is None:
        newest = _newest(run, today)
        days = [newest] if newest else []
    else:
        # a growing table is the same on each
        days = [today - timedelta(days=back) for back in range(-1, 1 if labels.watermark else _DAYS_BACK)]
    sources = ((day, find_delivery(run, labels, run.partition(day))) for day in days)
    return next((found for found in sources if found[1].listed), None)
