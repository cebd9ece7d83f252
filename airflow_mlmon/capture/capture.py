"""Capture: the door through which a service logs its predictions and their labels."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from airflow_mlmon.capture.archive import CapturedArchive
from airflow_mlmon.capture.arrangement import UnarrangedError
from airflow_mlmon.capture.batches import LoggedBatch, UnevenError
from airflow_mlmon.capture.declared import read_schema
from airflow_mlmon.capture.predictor import log_calls
from airflow_mlmon.capture.queue import CaptureLimits
from airflow_mlmon.capture.ranges import Range
from airflow_mlmon.capture.sampling import is_sampled
from airflow_mlmon.capture.schema import CaptureError, CaptureSchema

# names of unknown features that are remembered, and characters of each
_MOST_UNKNOWN, _LONGEST_NAME = 100, 100
_NANOSECONDS = 1_000


class Capture:
    """Rows that a service logs, written to the archive of its model in the background.

    No call of an open capture raises or waits: what cannot be kept is counted, with the reason. A value that cannot be
    kept is null; a row that cannot is dropped. An id that is logged twice is a duplicate, of which the monitoring
    keeps the first. Personal columns are dropped, hashed or coarsened, as the spec says, before a row leaves the
    memory of the process.

    Args:
        spec: spec of the model: its file, its content, or a schema.
        destination: root of the archive in the place of the one in `predictions.path`; or, with placeholders, the
            whole path.
        labels_destination: the same for the labels, which are written to none where `destination` alone is given.
        hash_key: key of personal columns that are hashed, that of the monitoring; by default the environment's
            `MLMON_HASH_KEY` or `AIRFLOW__MLMON__HASH_KEY`.
        sample: fraction of the rows that are captured, chosen by the hash of the id.
        tags: values of columns that every row of this process has, such as {"region": "eu"}.
        out_of_range: column of the spec that names, in each row, the features that are beyond their range; of an
            integer column, their number, and of a boolean one, whether there are any.
        ranges: ranges of features for `out_of_range`; by default those that the checks of the spec expect.
        longest: most characters of a text; a longer one is null.
        **limits: `CaptureLimits`: how much is held in memory and on disk, and when it is written.

    Raises:
        CaptureError: nothing can be captured with this spec, or an argument is none that it knows.
    """

    def __init__(
        self,
        spec: str | Path | Mapping[str, Any] | CaptureSchema,
        destination: str | Path | None = None,
        *,
        labels_destination: str | Path | None = None,
        hash_key: bytes | str | None = None,
        sample: float = 1.0,
        tags: Mapping[str, Any] | None = None,
        out_of_range: str | None = None,
        ranges: Mapping[str, Range] | None = None,
        longest: int = 65_536,
        **limits: Any,
    ) -> None:
        place = None if destination is None else str(destination)
        own_path = place if place is not None and "{" in place else None
        self.schema = spec if isinstance(spec, CaptureSchema) else read_schema(spec, own_path)
        if not 0 < sample <= 1:
            raise CaptureError(f"sample: a fraction above 0, at most 1, is expected, not {sample}")
        try:
            self._limits = CaptureLimits(**limits)
        except TypeError as error:
            raise CaptureError(str(error).partition(" ")[2]) from error
        self._sample = sample
        self._archive = CapturedArchive(
            self.schema,
            place,
            self._limits,
            hash_key=hash_key,
            sample=sample,
            tags=tags,
            mark=out_of_range,
            ranges=ranges,
            longest=longest,
        )
        self._labels = self._open_labels(
            None if labels_destination is None else str(labels_destination),
            is_moved=place is not None,
            hash_key=hash_key,
            longest=longest,
        )
        self._ids = itertools.count(1)
        self._unknown: set[str] = set()

    @property
    def unknown_features(self) -> tuple[str, ...]:
        """Names that were logged and are no columns of the spec; at most 100."""
        return tuple(sorted(self._unknown))

    def log(
        self,
        features: Mapping[str, Any],
        prediction: Any = None,
        *,
        id: Any = None,  # noqa: A002 - the field's word
        version: Any = None,
        at: Any = None,
        attributions: Any = None,
        latency_ms: float | None = None,
        status: Any = None,
        trace: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> str:
        """Log one prediction, and return its id, by which its label will be joined.

        Args:
            features: values of the features by name, and of any other column of the spec; the arguments below win.
            prediction: the value of the one output; values of several; or a mapping by column.
            id: id of the prediction; by default one is made.
            version: version of the model.
            at: time of the prediction: with its zone, in seconds since 1970, or as ISO 8601 text; by default now.
            attributions: of the score to each feature: a mapping by feature, or all in the order of the spec.
            latency_ms: milliseconds that the request took.
            status: status of the request.
            trace: its `traceparent`.
            tags: values of further columns.
        """
        key = id if type(id) is str else ""
        try:
            archive, arrangement = self._archive, self._archive.arrangement
            values = arrangement.arrange(features)
            if not arrangement.is_known(features):
                self._note_unknown(features)
            own = arrangement.take_id(values, id)
            key = own if type(own) is str else "" if own is None else str(own)
            key = key or self._new_id()
            if self._sample < 1 and not is_sampled(key, self._sample):
                archive.writer.queue.sample_out()
                return key
            at = arrangement.take_time(values, at)
            moment = time.time_ns() // _NANOSECONDS if at is None else archive.read_time(at)
            if isinstance(moment, str):
                archive.drop(moment)
                return key
            if prediction is not None:
                arrangement.set_prediction(values, prediction)
                if isinstance(prediction, Mapping) and not arrangement.is_known(prediction):
                    self._note_unknown(prediction)
            if attributions is not None:
                arrangement.set_attributions(values, attributions)
            arrangement.set_beside(values, version, latency_ms, status, trace)
            if tags is not None:
                arrangement.set_columns(values, tags)
                if not arrangement.is_known(tags):
                    self._note_unknown(tags)
            archive.put(values, key, moment)
        except Exception as error:  # noqa: BLE001 - a request is never the worse for being captured
            self.drop(str(error) if isinstance(error, UnarrangedError) else "unreadable")
        return key

    def log_batch(
        self,
        features: Any,
        predictions: Any = None,
        *,
        ids: Any = None,
        versions: Any = None,
        at: Any = None,
        attributions: Any = None,
        latency_ms: Any = None,
        status: Any = None,
        trace: str | None = None,
        tags: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Log several predictions, and return their ids; of an argument there may be one value for all.

        Rows for which the queue has no room are dropped, as always: `flush` between the batches of a large job.

        Args:
            features: a list of mappings, a mapping of columns, a table of pyarrow, or a data frame.
            predictions: a value for each row, or what `features` may be, or an array with a row for each.
            ids: ids of the predictions.
            versions: versions of the model.
            at: times of the predictions.
            attributions: what `predictions` may be.
            latency_ms: milliseconds that the request took.
            status: status of the request.
            trace: its `traceparent`.
            tags: values of further columns, which all rows have.
        """
        try:
            names = ("prediction", "attributions", "id", "version", "at", "latency_ms", "status")
            shared = (ids, versions, at, latency_ms, status)
            rows = LoggedBatch(features).rows((predictions, attributions), shared)
            return [self.log(row, trace=trace, tags=tags, **dict(zip(names, own, strict=True))) for row, *own in rows]
        except UnevenError as error:
            self.drop("uneven_batch", error.rows)
        except Exception:  # noqa: BLE001 - as above
            self.skip("unreadable_batch")
        return []

    def log_label(self, id: Any, label: Any, *, outcome: Any = None, at: Any = None) -> None:  # noqa: A002
        """Log the label of a prediction, for `labels.path` of the spec.

        Args:
            id: id of the prediction; where labels are joined on several columns, a mapping by column of the labels.
            label: the label; None where there will never be one.
            outcome: outcome of the prediction.
            at: time at which the label was known: it is written to the delivery of that day; by default now.
        """
        try:
            labels = self._labels
            if isinstance(labels, str):
                self.skip(labels)
                return
            arrangement = labels.arrangement
            values = arrangement.arrange_label(id, label, outcome)
            own = arrangement.take_id(values, None)
            if self._sample < 1 and own is not None and not is_sampled(str(own), self._sample):
                labels.writer.queue.sample_out()
                return
            moment = time.time_ns() // _NANOSECONDS if at is None else labels.read_time(at)
            if isinstance(moment, str):
                labels.drop(moment)
                return
            labels.put(values, None if own is None else str(own), moment)
        except Exception:  # noqa: BLE001 - as above
            self.skip("unreadable_label")

    def logged(self, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate a function that predicts, plain or async, so that its calls are logged; see `log_calls`."""
        return log_calls(self, **options)

    def drop(self, reason: str, rows: int = 1) -> None:
        """Count rows that cannot be logged as lost."""
        with suppress(Exception):  # there is nowhere left to count
            self._archive.drop(reason, rows)

    def skip(self, reason: str) -> None:
        """Count a request that is no row."""
        with suppress(Exception):  # as above
            self._archive.writer.queue.skip(reason)

    def flush(self, seconds: float | None = None) -> bool:
        """Write what waits; return whether it is all at its destination, or counted as lost, within the time."""
        flushed = [archive.writer.flush(seconds) for archive in self._archives]
        return all(flushed)

    def close(self, seconds: float | None = None) -> None:
        """Write what waits, and end; what cannot be published within the time stays on this machine's disk."""
        for archive in self._archives:
            archive.writer.begin_close()
        for archive in self._archives:
            archive.writer.close(seconds)

    @property
    def counters(self) -> dict[str, Any]:
        """What became of the rows of this process; under `labels`, of its labels, if there were any."""
        found = self._archive.writer.snapshot()
        if not isinstance(self._labels, str) and self._labels.writer.queue.is_begun:
            found["labels"] = self._labels.writer.snapshot()
        return found

    @property
    def _archives(self) -> list[CapturedArchive]:
        return [self._archive] if isinstance(self._labels, str) else [self._archive, self._labels]

    def _open_labels(self, destination: str | None, *, is_moved: bool, **options: Any) -> CapturedArchive | str:
        """Open the archive of the labels, which does nothing before the first one; return why there is none."""
        schema = self.schema.labels
        if schema is None:
            return "no_labels"
        if destination is None and is_moved:
            return "no_labels_destination"
        try:
            return CapturedArchive(schema, destination, self._limits, sample=self._sample, **options)
        except CaptureError:
            return "no_folder_of_labels"

    def _new_id(self) -> str:
        return f"{self._archive.writer.queue.process}-{next(self._ids)}"

    def _note_unknown(self, given: Mapping[str, Any]) -> None:
        names = self._archive.arrangement.unknown(given)
        self._archive.writer.queue.refuse("unknown_feature", len(names))
        room = _MOST_UNKNOWN - len(self._unknown)
        self._unknown.update(str(name)[:_LONGEST_NAME] for name in itertools.islice(names, max(room, 0)))

    def __enter__(self) -> Capture:  # noqa: PYI034 - Python 3.10 has no Self
        """Return the open capture."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
