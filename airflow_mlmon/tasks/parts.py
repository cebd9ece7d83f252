"""Outcome profiles of all rows and of the values of each segment, stored together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns.segment import is_too_many
from airflow_mlmon.profiles.engine.division import count_values, split
from airflow_mlmon.profiles.keys import segment_key
from airflow_mlmon.profiles.schema import SegmentSchema
from airflow_mlmon.profiles.values.arrow import to_numpy
from airflow_mlmon.profiles.values.reading import read_row_texts
from airflow_mlmon.records import MetricValue
from airflow_mlmon.tasks.losses import LossSums
from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
from airflow_mlmon.tasks.task import Task

KIND = b"MLMS"
VERSION = 2
# the newest version without losses
_LOSSLESS = 1
# columns of joined labels: the loss of each row, and the loss expected of it
LOSS, EXPECTED = "loss", "expected_loss"
# all rows, among the sums of losses
WHOLE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeParts:
    """Outcome profiles of all rows and of the values of each segment.

    Attributes:
        whole: All rows.
        parts: The rows of each value of each segment, by what they are called.
        losses: Losses beside those expected, of all rows by `WHOLE`, and of the parts; empty if none are expected.
    """

    whole: OutcomeProfile
    parts: Mapping[str, OutcomeProfile]
    losses: Mapping[str, LossSums] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lock the parts."""
        object.__setattr__(self, "parts", MappingProxyType(dict(self.parts)))
        object.__setattr__(self, "losses", MappingProxyType(dict(self.losses)))

    def to_bytes(self) -> bytes:
        """All of them as bytes that are the same on every platform."""
        writer = ByteWriter()
        writer.blob(self.whole.to_bytes())
        writer.integer(len(self.parts))
        for key in sorted(self.parts):
            writer.text(key)
            writer.blob(self.parts[key].to_bytes())
        writer.integer(len(self.losses))
        for key in sorted(self.losses):
            writer.text(key)
            self.losses[key].write(writer)
        return writer.seal(KIND, VERSION)


def read_outcome_parts(task: Task, data: bytes) -> OutcomeParts:
    """Return what `to_bytes` wrote.

    Raises:
        StateError: the bytes are something else, damaged, or of a later format.
    """
    reader = ByteReader(data, KIND, VERSION)
    whole = task.read_outcomes(reader.blob())
    parts = {reader.text(): task.read_outcomes(reader.blob()) for _ in range(reader.integer())}
    has_losses = reader.version > _LOSSLESS
    losses = {reader.text(): LossSums.read(reader) for _ in range(reader.integer() if has_losses else 0)}
    return OutcomeParts(whole=whole, parts=parts, losses=losses)


def profile_outcome_parts(
    task: Task,
    joined: pa.Table,
    rows: pa.Table,
    segments: Sequence[SegmentSchema],
    schema: OutcomeSchema,
    *,
    exponent: int | None = None,
) -> OutcomeParts:
    """Profile predictions joined with their labels, in sum and by segment.

    Rows that belong together, such as those of a ranked group, are in one part: in that of a value if all of them have
    it, else in the rest. What is left of a group that is cut would be another, smaller group.

    Args:
        task: What kind of model made them.
        joined: One row per prediction, as the task takes it.
        rows: The same predictions in the same order, with the columns of the segments.
        segments: How they are divided.
        schema: Pinned schema of the outcome profiles.
        exponent: Exponent of the unit of losses; None if `joined` has no columns of losses.

    Raises:
        SchemaMismatchError: a column is absent or of another type.
    """
    joined = task.arrange(joined, schema)
    parts: dict[str, OutcomeProfile] = {}
    divided: Sequence[OutcomeProfile] = ()
    too_many = []
    losses = {} if exponent is None else {WHOLE: _sum_losses(joined, exponent)}
    for segment in segments:
        counted = count_values(rows, segment)
        if is_too_many(segment, counted):
            too_many.append(segment_key(segment.name, None))
            continue
        by, own = rows, dict[str, OutcomeProfile]()
        if task.undivided is not None:
            by = _with_whole_groups(joined.column(task.undivided.value), rows, segment)
            own = {segment_key(segment.name, value): task.profile_outcomes(joined[:0], schema) for value in counted}
        for value, held in split(joined, segment, by=by):
            key = segment_key(segment.name, value)
            own[key] = task.profile_outcomes(held, schema)
            if exponent is not None:
                losses[key] = _sum_losses(held, exponent)
        parts |= own
        divided = divided or tuple(own.values())
    # profiles add up exactly: where rows are divided, all of them need not be read again
    whole = task.sum_outcomes(divided) if divided else task.profile_outcomes(joined, schema)
    return OutcomeParts(whole=whole, parts=parts | dict.fromkeys(too_many, whole), losses=losses)


def join_outcome_blocks(
    task: Task,
    blocks: Sequence[OutcomeParts],
    segments: Sequence[SegmentSchema],
    counted: Sequence[Counter[str | None]],
) -> OutcomeParts:
    """Join the outcome profiles of blocks of rows to those of all of them.

    Args:
        task: What kind of model made the predictions.
        blocks: Outcome profiles of the blocks; rows that belong together are in one.
        segments: How the rows of each are divided.
        counted: How often each value of each segment occurs in all blocks.
    """
    total = sum_outcome_parts(task, blocks)
    parts, losses = dict(total.parts), dict(total.losses)
    for segment, values in zip(segments, counted, strict=True):
        if is_too_many(segment, values):
            for key in {segment_key(segment.name, value) for value in (None, *values)}:
                parts.pop(key, None)
                losses.pop(key, None)
            parts[segment_key(segment.name, None)] = total.whole
    return OutcomeParts(whole=total.whole, parts=parts, losses=losses)


def _with_whole_groups(groups: pa.ChunkedArray, rows: pa.Table, segment: SegmentSchema) -> pa.Table:
    """Return the columns that divide the rows, null where rows of a group differ in them."""
    # encoded first, because one array of texts has 2 GiB at most
    numbered = groups.dictionary_encode(null_encoding="encode").combine_chunks()
    codes = to_numpy(numbered.indices)
    is_cut = np.zeros(len(numbered.dictionary), dtype=np.bool_)
    names = [name for name in segment.columns if name in rows.column_names]
    texts = {name: read_row_texts(rows.column(name), name) for name in names}
    for column in texts.values():
        values = to_numpy(column.dictionary_encode(null_encoding="encode").indices)
        last = np.empty(len(is_cut), dtype=values.dtype)
        last[codes] = values
        is_cut[codes[values != last[codes]]] = True
    # rows without a group are none
    is_cut &= to_numpy(numbered.dictionary.is_valid())
    nothing = pa.array(is_cut[codes])
    return pa.table({name: pc.if_else(nothing, pa.scalar(None, pa.string()), texts[name]) for name in names})


def _sum_losses(joined: pa.Table, exponent: int) -> LossSums:
    return LossSums.of(joined.column(LOSS).to_numpy(), joined.column(EXPECTED).to_numpy(), exponent)


def sum_outcome_parts(task: Task, found: Iterable[OutcomeParts]) -> OutcomeParts:
    """Add up what is kept of any number of rows, also of none."""
    whole, parts, losses = task.empty_outcomes(), dict[str, OutcomeProfile](), dict[str, LossSums]()
    for one in found:
        whole += one.whole
        for key, own in one.losses.items():
            losses[key] = losses[key] + own if key in losses else own
        for key, part in one.parts.items():
            parts[key] = parts[key] + part if key in parts else part
    return OutcomeParts(whole=whole, parts=parts, losses=losses)


def set_constants(
    task: Task, values: Iterable[MetricValue], found: OutcomeParts, reference: OutcomeProfile
) -> list[MetricValue]:
    """Put beside each value what the best constant prediction of the reference would score on the same labels."""
    scores: dict[str | None, Mapping[str, float]] = {None: task.constant_scores(found.whole, reference)}
    scores |= {segment: task.constant_scores(outcomes, reference) for segment, outcomes in found.parts.items()}
    return [
        value if value.value is None else replace(value, constant=scores[value.segment].get(value.metric))
        for value in values
    ]


def measure_parts(task: Task, found: OutcomeParts, min_coverage: float) -> list[MetricValue]:
    """Measure every metric that needs labels, of all rows and of each part."""
    return [
        *task.measure(found.whole, min_coverage),
        *(
            replace(value, segment=key)
            for key in sorted(found.parts)
            for value in task.measure(found.parts[key], min_coverage)
        ),
    ]
