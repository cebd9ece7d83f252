"""Stored outcome profiles of partitions, with the deliveries that they rest on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

import pyarrow as pa

from airflow_mlmon.archive.labels import join_outputs
from airflow_mlmon.causes import Cause
from airflow_mlmon.drift.compare import ColumnDrift, compare_profiles
from airflow_mlmon.drift.methods import method_for
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import CuratedColumns, open_columns, open_curated
from airflow_mlmon.pipeline.workspace.labelled_rows import LabelsOfRows, open_labels
from airflow_mlmon.pipeline.workspace.losses import ExpectedLosses, with_losses
from airflow_mlmon.pipeline.workspace.whole_groups import divide_by_group
from airflow_mlmon.profiles.engine.division import count_values
from airflow_mlmon.profiles.profile import Profile
from airflow_mlmon.profiles.schema import ProfileSchema, SegmentSchema
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.methods import Method
from airflow_mlmon.tasks.outcome import OutcomeProfile, OutcomeSchema
from airflow_mlmon.tasks.own import OwnRows, beside
from airflow_mlmon.tasks.parts import OutcomeParts, join_outcome_blocks, profile_outcome_parts, read_outcome_parts
from airflow_mlmon.tasks.registry import task_of

# length of a delivery's version in the name of an outcome profile, and the name without deliveries
_SHORT, _NONE = 6, "none"
# deliveries in a name; those of more would be longer than file systems allow
_MOST = 30
# rows that are profiled at a time
_BLOCK = 1 << 20
# of columns that are kept together
_JOINED, _OWN = "joined.", "own."


class Told(NamedTuple):
    """What a run says of the labels delivered on its day.

    Attributes:
        problem: Problem that makes the day incomplete.
        note: What else there is to say.
        causes: Causes of the problem.
    """

    problem: str = ""
    note: str = ""
    causes: tuple[Cause, ...] = ()


NOTHING_TOLD = Told()


def join_told(told: Iterable[Told]) -> Told:
    """Join what is said of one delivery."""
    problems, notes, causes = zip(*told, strict=True)
    return Told("; ".join(filter(None, problems)), "; ".join(filter(None, notes)), tuple(chain(*causes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Outcome profile of one partition, with the versions of its rows and deliveries."""

    day: str
    version: str
    uri: str
    deliveries: tuple[str, ...]
    told: Told = NOTHING_TOLD

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Measured:
        """Restore it from JSON."""
        problem, note, causes = (*content.get("told", ()), "", "", ())[:3]
        told = Told(problem, note, tuple(map(Cause.from_dict, causes)))
        kept = {"deliveries": tuple(content["deliveries"]), "told": told}
        return cls(**{**content, **kept})


def profile_partition_outcomes(
    run: Run,
    partition: Partition,
    version: str,
    deliveries: Sequence[Delivery],
    segments: Sequence[SegmentSchema],
    *,
    schema: OutcomeSchema | None,
    expected: ExpectedLosses | None = None,
) -> OutcomeParts:
    """Compute the outcome profiles of a version of a partition from its rows and deliveries.

    Without a pinned schema, the rows pin it.
    """
    task = task_of(run.spec)
    dividing = {name for segment in segments for name in segment.columns}
    counted = [Counter[str | None]() for _ in segments]
    blocks: list[OutcomeParts] = []
    with (
        open_columns(run, partition, version) as rows,
        open_labels(run, partition, version, deliveries) as labels,
    ):
        # those that pin the schema are profiled at once
        size = rows.rows if schema is None else _BLOCK
        found = _join(run, _blocks(rows, _output_columns(run.spec), dividing, size), labels, expected)
        if rows.rows > size and task.undivided is not None:
            found = _keep_groups(found, task.undivided.value, -(-rows.rows // size))
        for joined, block in found:
            schema = schema or task.pin_outcomes({}, joined)
            exponent = expected.exponent if expected else None
            blocks.append(profile_outcome_parts(task, joined, block, segments, schema, exponent=exponent))
            if rows.rows > size:
                for values, segment in zip(counted, segments, strict=True):
                    values.update(count_values(block, segment))
    return blocks[0] if len(blocks) == 1 else join_outcome_blocks(task, blocks, segments, counted)


def _join(
    run: Run, blocks: Iterable[tuple[int, pa.Table]], labels: LabelsOfRows, expected: ExpectedLosses | None
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the outputs of each block with their labels and losses, and the block."""
    for start, block in blocks:
        joined = join_outputs(block, *labels.take(block.num_rows), run.spec)
        if expected is not None:
            joined = with_losses(run, joined, expected.between(start, start + block.num_rows))
        yield joined, block


def _keep_groups(
    found: Iterable[tuple[pa.Table, pa.Table]], group: str, parts: int
) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield the same rows in blocks that cut no group."""
    tables = (
        pa.table([*joined.columns, *block.columns], names=[*_named(_JOINED, joined), *_named(_OWN, block)])
        for joined, block in found
    )
    for table in divide_by_group(tables, f"{_JOINED}{group}", parts):
        yield _select(table, _JOINED), _select(table, _OWN)


def _named(prefix: str, table: pa.Table) -> list[str]:
    return [f"{prefix}{name}" for name in table.column_names]


def _select(table: pa.Table, prefix: str) -> pa.Table:
    names = [name for name in table.column_names if name.startswith(prefix)]
    return table.select(names).rename_columns([name.removeprefix(prefix) for name in names])


def _blocks(
    rows: CuratedColumns, columns: Collection[str], where_there: Collection[str], size: int
) -> Iterator[tuple[int, pa.Table]]:
    """Yield the rows of a day in blocks of about a size, each with the position of its first row."""
    if rows.rows <= size:
        yield 0, rows.table(columns, where_there)
        return
    start, held = 0, list[pa.Table]()
    for batch in rows.batches(columns, where_there):
        held.append(batch)
        if sum(table.num_rows for table in held) >= size:
            block, held = pa.concat_tables(held, promote_options="permissive"), []
            yield start, block
            start += block.num_rows
    if held:
        yield start, pa.concat_tables(held, promote_options="permissive")


def rows_with_labels(run: Run, measured: Measured, outcomes: OutcomeProfile) -> OwnRows:
    """Return the rows that an outcome profile was made of, with their labels, to be read only where needed."""

    def read() -> Iterator[pa.Table]:
        partition = run.partition(measured.day)
        deliveries = [one for one in deliveries_of(run, partition) if one.version in measured.deliveries]
        with (
            open_curated(run, partition, measured.version) as rows,
            open_labels(run, partition, measured.version, deliveries) as labels,
        ):
            for batch in rows.batches():
                yield beside(join_outputs(batch, *labels.take(batch.num_rows), run.spec), batch)

    return OwnRows(outcomes=outcomes, rows=outcomes.rows, read=read)


def outcomes_uri(run: Run, partition: Partition, version: str, deliveries: Sequence[Delivery]) -> str:
    """Return the URI of the outcome profile of a version with some deliveries."""
    content = "-".join(delivery.version[:_SHORT] for delivery in deliveries) or _NONE
    if len(deliveries) > _MOST:
        content = f"{len(deliveries)}.{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    return run.version_uri(partition, version, f"labels-{partition.key}-{content}.profile")


def read_outcomes(run: Run, uri: str) -> OutcomeParts:
    """Read a stored outcome profile."""
    return read_outcome_parts(task_of(run.spec), run.files.read(uri))


def stored_outcomes(run: Run, partition: Partition, version: str, schema: OutcomeSchema) -> OutcomeParts | None:
    """Read the latest outcome profile of a version; None if there is none of this schema."""
    found = last_measured(run, partition, version)
    outcomes = read_outcomes(run, found.uri) if found else None
    return outcomes if outcomes and outcomes.whole.schema in (None, schema) else None


def compare_label(spec: ModelSpec, reference: OutcomeProfile, current: OutcomeProfile) -> ColumnDrift:
    """Score the drift of the label as that of any other column."""
    pinned = current.label.schema
    schema = ProfileSchema(model=spec.model, columns=(pinned,))
    sides = [
        Profile(schema_id=schema.id, rows=side.label.rows, columns={pinned.name: side.label})
        for side in (reference, current)
    ]
    asked = spec.drift.method
    chosen = method_for(pinned.kind, asked)
    method = Method.JENSENSHANNON if chosen.is_sampled else chosen
    [drift] = compare_profiles(schema, *sides, method=method)
    lack = f"by {method}, because {asked} needs rows and labels are stored as counts" if asked.is_sampled else ""
    name = spec.labels.label if spec.labels else pinned.name
    return replace(drift, column=name, note="; ".join(filter(None, (drift.note, lack))))


def last_measured(run: Run, partition: Partition, version: str) -> Measured | None:
    """Return the latest measurement of a version: the one with the most deliveries that have not changed since.

    Later deliveries have no label of the partition; otherwise its performance would have been measured again.
    """
    there = {item.uri.rpartition("/")[2] for item in run.files.list(run.version_uri(partition, version, ""))}
    deliveries = deliveries_of(run, partition)
    # days can run in any order, so that any delivery may have been received after the last one used
    known = {delivery.version[:_SHORT]: delivery for delivery in deliveries}
    rests_on = {
        name: [known[short] for short in shorts if short in known]
        for name in there
        if (shorts := _deliveries_in(name, partition)) is not None and known.keys() >= set(shorts)
    }
    # the name of a profile of many does not list them
    based = run.store.label_bases(run.model, partition.day, partition.day).get(partition.day, set())
    many = [delivery for delivery in deliveries if delivery.version in based]
    name = outcomes_uri(run, partition, version, many).rpartition("/")[2]
    if len(many) > _MOST and name in there:
        rests_on[name] = many
    if not rests_on:
        return None
    name, longest = max(rests_on.items(), key=lambda entry: len(entry[1]))
    most = sorted(longest, key=deliveries.index)
    return Measured(
        day=partition.key,
        version=version,
        uri=run.version_uri(partition, version, name),
        deliveries=tuple(delivery.version for delivery in most),
    )


def _deliveries_in(name: str, partition: Partition) -> list[str] | None:
    """Return the deliveries in the name of an outcome profile; None if it is no such name."""
    head, tail = f"labels-{partition.key}-", ".profile"
    if not (name.startswith(head) and name.endswith(tail)):
        return None
    content = name.removeprefix(head).removesuffix(tail)
    return [] if content == _NONE else content.split("-")


def deliveries_of(run: Run, partition: Partition) -> list[Delivery]:
    """Return the deliveries that may contain the partition's labels, in the order of their days."""
    labels = run.spec.labels
    if labels is None:
        return []
    last = partition.shift(labels.reach).day
    return sorted(run.ask(run.store.deliveries, partition.day, last), key=lambda delivery: delivery.partition.start)


def _output_columns(spec: ModelSpec) -> list[str]:
    return list(dict.fromkeys(name for role in task_of(spec).types for name in spec.columns_of(role)))
