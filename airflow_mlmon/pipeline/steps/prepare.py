"""First step: convert the day's files to a curated partition, and receive the day's delivery of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_mlmon.archive.curation.capture_account import CaptureAccount, account_for_capture, read_sidecars
from airflow_mlmon.archive.curation.curate import required_columns
from airflow_mlmon.archive.curation.hash_log import HashLog
from airflow_mlmon.archive.curation.intake import Intake, take_in
from airflow_mlmon.archive.curation.manifest import Manifest, SourceFile
from airflow_mlmon.archive.curation.neighbours import (
    Selection,
    TimesTaken,
    advise,
    divide_files,
    list_neighbours,
    select_rows,
)
from airflow_mlmon.archive.curation.read import ListedSource
from airflow_mlmon.archive.envelopes.envelope import open_envelope
from airflow_mlmon.archive.labels import label_columns
from airflow_mlmon.archive.layouts.delay import Delay, measure_delay
from airflow_mlmon.archive.layouts.delta_log import warn_of_log
from airflow_mlmon.archive.layouts.layout import ListedFile, Listing, PassedOver, list_day
from airflow_mlmon.archive.layouts.readiness import explain_unready
from airflow_mlmon.capture.marks import key_id
from airflow_mlmon.causes import Cause
from airflow_mlmon.partition import DEFAULT_ZONE, Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.steps.deliveries import take_delivery
from airflow_mlmon.pipeline.steps.duplicates import Repeats, find_repeats, write_id_hashes
from airflow_mlmon.pipeline.steps.streams import RowStreams
from airflow_mlmon.pipeline.telemetry import note, observed
from airflow_mlmon.pipeline.workspace.curated import curated_uri
from airflow_mlmon.pipeline.workspace.operations import write_operations
from airflow_mlmon.pipeline.workspace.partition_files import MANIFEST, SAMPLE, to_parquet
from airflow_mlmon.pipeline.workspace.row_hashes import keep_row_hashes
from airflow_mlmon.records import PartitionState, Status
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import PersonalData, Role
from airflow_mlmon.storage import StoredObject
from airflow_mlmon.storage.scratch import scratch_folder
from airflow_mlmon.tables.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Summary of a prepared partition, for later steps and XCom.

    `redone` are the days that were redone because rows of them came later; `is_captured` says that its files have marks
    of capture.
    """

    model: str
    start: datetime
    end: datetime
    version: str
    supersedes: str | None
    status: Status
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    files: int
    message: str
    labels_delivered: int
    delay: Delay = field(default_factory=Delay)
    looked_through: Mapping[str, str | None] = field(default_factory=dict)
    zone: str = DEFAULT_ZONE
    rows_handed_over: int = 0
    redone: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    is_captured: bool = False

    @property
    def rests_on(self) -> dict[Partition, str | None]:
        """Return the searched versions for duplicates, by day."""
        zone = self.zone
        return {Partition.from_key(self.model, day, zone): version for day, version in self.looked_through.items()}

    @property
    def partition(self) -> Partition:
        """Return the prepared partition."""
        return Partition(self.model, self.start, self.end, self.zone)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON-compatible objects."""
        content = asdict(self)
        return content | {"start": self.start.isoformat(), "end": self.end.isoformat(), "status": str(self.status)}

    @classmethod
    def of_day(cls, state: PartitionState) -> Prepared:
        """Summarise a partition that was run before, with its status before the checks."""
        arrival = state.arrival
        assert arrival is not None  # noqa: S101 - a version is served, so a run has come so far
        return cls(
            model=state.partition.model,
            start=state.partition.start,
            end=state.partition.end,
            zone=state.partition.zone,
            version=str(state.version),
            supersedes=state.version,
            status=arrival.status,
            rows_read=state.rows_read,
            rows_accepted=state.rows_accepted,
            rows_quarantined=state.rows_quarantined,
            files=arrival.files,
            message=arrival.message,
            labels_delivered=arrival.labels_delivered,
            delay=Delay(hours=arrival.delay_hours, reason=arrival.delay_reason),
            causes=state.causes,
        )

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Prepared:
        """Restore a summary from `to_dict`."""
        times = {name: datetime.fromisoformat(content[name]) for name in ("start", "end")}
        typed = {"status": Status(content["status"]), "delay": Delay(**content.get("delay", {}))}
        typed["redone"] = tuple(content.get("redone", ()))
        typed["causes"] = tuple(map(Cause.from_dict, content.get("causes", ())))
        return cls(**(content | times | typed))


@observed("prepare_partition")
def prepare_partition(run: Run, partition: Partition) -> Prepared:
    """List the files, then read, curate, profile and write their rows under a version of their content.

    The version is a hash of the content, so that a second run of the same files writes the same files. Nothing else of
    the partition changes before it is published.

    Raises:
        ServiceError: the archive or the workspace rejects a request or does not reply.
        PartitionConflictError: a file changed during reading; a retry may succeed.
    """
    run.store.register(run.registered)
    with scratch_folder() as folder:
        run.progress("reading the archive")
        arrived = list_arrived(run, partition)
        streams = RowStreams.of_day(run, partition, arrived.files, folder)
        intake = take_in(
            source_of(run, partition, arrived.files, arrived.reach),
            run.spec,
            partition,
            hash_key=run.hash_key,
            folder=folder,
            watched=streams.open if streams else None,
        )
        repeats = find_repeats(run, partition, intake.accepted)
        intake.drop(repeats.reasons)
        manifest = account_for(
            run,
            partition,
            arrived,
            intake.files,
            rows_accepted=intake.accepted.rows.rows + intake.errors.rows.rows,
            rows_errors=intake.errors.rows.rows,
            quarantined=dict(intake.quarantined),
            repeats=repeats.digest,
        )
        _write(run, manifest, intake, streams)
    note(rows=manifest.rows_read, size=sum(file.size for file in manifest.files))
    return summarise(run, manifest, arrived, repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Files of a day and what was found when they were listed, for reading them.

    Attributes:
        files: The files, those of neighbouring days after the day's own.
        reach: Of the day's own files, the event times whose rows some day takes in; None if all rows are.
        passed_over: Listed objects that are no data.
        notes: What is said of the listing.
        delay: Delay of the files.
        supersedes: Version that was served then.
    """

    files: tuple[ListedFile, ...]
    reach: tuple[TimesTaken, ...] | None
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    delay: Delay
    supersedes: str | None


def list_arrived(run: Run, partition: Partition) -> Arrived:
    """List the files of a day.

    Raises:
        ServiceError: the archive rejects a request or does not reply.
    """
    current = run.store.state(partition)
    predictions = run.spec.predictions
    listing = list_day(run.archive, predictions, partition)
    selection = select_rows(run.archive, predictions, run.spec.time_column, partition, listing)
    return Arrived(
        files=(*listing.files, *list_neighbours(run.archive, predictions, partition, listing)),
        reach=None if selection is None else tuple(selection.reach),
        passed_over=listing.passed_over,
        notes=tuple(filter(None, [*_explain_gaps(run, partition, listing), _warn(run)])),
        # not part of the version: the same files may be copied again
        delay=measure_delay(
            [file.item for file in listing.files], partition.end, lambda days: _list(run, partition.shift(-days))
        ),
        supersedes=current.version if current else None,
    )


def account_for(
    run: Run, partition: Partition, arrived: Arrived, accounts: Sequence[SourceFile], **rows: Any
) -> Manifest:
    """Build the manifest of a day from the accounts of its files, and its rows."""
    files, of_others = divide_files(accounts)
    return Manifest(
        partition=partition,
        files=files,
        fingerprint=run.fingerprint,
        folder=run.predictions_folder(partition),
        passed_over=(*arrived.passed_over, *of_others),
        lateness_days=run.spec.predictions.lateness_days,
        capture=_account_for_capture(run, partition, arrived, files),
        **rows,
    )


def _account_for_capture(
    run: Run, partition: Partition, arrived: Arrived, files: Sequence[SourceFile]
) -> CaptureAccount | None:
    """Add up the marks of the day's own files; which processes went on, the files of the day after say."""
    captured = [file.capture for file in files if file.capture and not file.problem and not file.is_neighbour]
    sidecars = read_sidecars(run.archive, (one.uri for one in arrived.passed_over))
    if not captured and not sidecars.names:
        return None
    before, after = (list_day(run.archive, run.spec.predictions, partition.shift(days)) for days in (-1, 1))
    names = [file.item.uri for listing in (before, after) for file in listing.files]
    later = [*(file.item.uri for file in after.files), *(one.uri for one in after.passed_over)]
    return account_for_capture(captured, sidecars, names, later)


def summarise(run: Run, manifest: Manifest, arrived: Arrived, repeats: Repeats) -> Prepared:
    """Receive the day's delivery of labels, and summarise the day."""
    partition = manifest.partition
    labels = take_delivery(run, partition)
    said = (manifest.message, advise(run.spec, manifest.quarantined), *arrived.notes, _note_key(run))
    return Prepared(
        model=partition.model,
        start=partition.start,
        end=partition.end,
        zone=partition.zone,
        version=manifest.version,
        supersedes=arrived.supersedes,
        status=Status.PARTIAL if labels.problem and manifest.status is Status.OK else manifest.status,
        rows_read=manifest.rows_read,
        rows_accepted=manifest.rows_accepted,
        rows_quarantined=manifest.rows_quarantined,
        rows_handed_over=sum(manifest.rows_handed_over.values()),
        files=len(manifest.files),
        message="; ".join(filter(None, (*said, repeats.problem, labels.problem, labels.note))),
        labels_delivered=labels.rows,
        delay=arrived.delay,
        looked_through={past.key: version for past, version in repeats.versions.items()},
        causes=(*manifest.causes, *labels.causes),
        is_captured=manifest.capture is not None,
    )


def _note_key(run: Run) -> str:
    """Record the key with which personal columns are hashed, and say so if it is another than that of the last run."""
    if run.hash_key is None or not any(one.personal is PersonalData.HASH for one in run.spec.columns.values()):
        return ""
    own = key_id(run.hash_key)
    before = run.store.register(replace(run.registered, hash_key=own))
    if before is None or before.hash_key in {"", own}:
        return ""
    return f"personal columns are hashed with another key ({own}) than in the last run ({before.hash_key})"


def _explain_gaps(run: Run, partition: Partition, listing: Listing) -> list[str]:
    """Say what of a day is not there: the files of an hour, a sign that it is complete, or all files of an archive."""
    if not listing.files:
        untimely = (
            f"{listing.untimely} objects there were written at other times than predictions.written_within_hours says"
        )
        return [untimely] if listing.untimely else []
    missing = listing.missing
    hours = f"{len(missing)} hours, such as" if len(missing) > 1 else "the hour of"
    gaps = [f"no files in {hours} {missing[0]}"] if missing else []
    unready = explain_unready(run.archive, run.spec.predictions, partition)
    return [*gaps, f"the day was not marked as complete: {unready}"] if unready else gaps


def _list(run: Run, partition: Partition) -> list[StoredObject]:
    return [file.item for file in list_day(run.archive, run.spec.predictions, partition).files]


def _warn(run: Run) -> str:
    predictions = run.spec.predictions
    return warn_of_log(run.archive, predictions.paths, predictions.format)


def source_of(
    run: Run, partition: Partition, files: Sequence[ListedFile], reach: Sequence[TimesTaken] | None
) -> ListedSource:
    """Return files of a day with what is needed to read them; see `Arrived`."""
    predictions, labels = run.spec.predictions, run.spec.labels
    return ListedSource(
        store=run.archive,
        files=files,
        selection=None
        if reach is None
        else Selection(partition=partition, time_column=run.spec.time_column, reach=reach),
        columns=predictions.columns,
        timezone=predictions.timezone,
        optional=_unmonitored(run.spec),
        required=required_columns(run.spec, partition),
        elsewhere=label_columns(run.spec, labels) if labels is not None and labels.path is None else (),
        reading=Reading.of(predictions, columns=predictions.columns),
        envelope=open_envelope(predictions),
    )


def _unmonitored(spec: ModelSpec) -> list[str]:
    """Return the columns that files may lack, because they are not monitored."""
    return [
        name
        for name, column in spec.columns.items()
        if column.role in {Role.IGNORED, Role.TRACE} or column.personal is PersonalData.DROP
    ]


def _write(run: Run, manifest: Manifest, intake: Intake, streams: RowStreams | None) -> None:
    """Write the rows, and the files that later steps need."""
    partition, version = manifest.partition, manifest.version
    run.progress("writing the curated partition")
    accepted = intake.accepted
    curated, errors = accepted.rows.finish(), intake.errors.rows.finish()
    run.files.upload(curated_uri(run, partition, version), curated)
    run.files.upload(run.version_uri(partition, version, "quarantine.parquet"), intake.quarantine.finish())
    write_operations(run, partition, version, curated, errors)
    write_id_hashes(run, partition, version, accepted)
    keep_row_hashes(run, partition, version, HashLog.restore(accepted.hashes))
    if streams is not None:
        streams.write(version, curated, is_whole=accepted.is_as_watched)
    run.files.write(run.version_uri(partition, version, SAMPLE), to_parquet(accepted.sample()))
    # written last: if the manifest exists, so do the other files
    run.files.write(run.version_uri(partition, version, MANIFEST), manifest.to_json().encode())
