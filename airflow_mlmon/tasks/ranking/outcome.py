"""Outcome profile of a ranking: sums over groups, and of their squares, so that intervals are by groups.

A group is the rows of a partition, or of a part of it, with one value of the group's column: one that lasts from one
day to the next counts as two. The rows of a group without a label are left out (condensed lists: Sakai, SIGIR 2007),
if enough of them have one. Profiles add up if no group is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.numeric import NumericProfile
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.engine.pinning import pin_column
from airflow_mlmon.profiles.values.murmur import hash_texts
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.spec.choices import ColumnType, Role
from airflow_mlmon.statistics.arrays import Flags, Floats, Integers
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.ranking.groups import Placed, Ranked, Scored, place_rows, rank_rows, score_groups
from airflow_mlmon.tasks.ranking.table import GROUPS
from airflow_mlmon.tasks.sums import OutcomeSums, in_units

Items = npt.NDArray[np.int32]

LABEL = "label"
CUTOFF, COVERAGE, BY_RANK = "cutoff", "coverage", "by_rank"
OFFERED, SHOWN = "items_offered", "items_shown"
# items are told apart by so many bits of their hash
_ITEM_BITS, _HASH_BITS = 20, 63
# a group with one row has no order
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SumKeys:
    """Names of the sums of a metric over groups."""

    metric: str

    @property
    def groups(self) -> str:
        """Groups that have the metric."""
        return f"{self.metric}.groups"

    @property
    def total(self) -> str:
        """Sum of its values."""
        return f"{self.metric}.total"

    @property
    def squares(self) -> str:
        """Sum of the squares of its values."""
        return f"{self.metric}.squares"

    @property
    def random(self) -> str:
        """Sum of what is expected in a random order."""
        return f"{self.metric}.random"


def pin_ranking(
    outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None, settings: Mapping[str, float]
) -> OutcomeSchema:
    """Pin the label's column, the order, and what the spec says of the groups."""
    is_ranked = Role.RANK in outputs or (joined is not None and joined.column("rank").null_count < joined.num_rows)
    labels = [] if joined is None else joined.column(LABEL).filter(pc.invert(joined.column("excluded"))).chunks
    return OutcomeSchema(
        columns=(pin_column(LABEL, ColumnType.FLOAT, labels),),
        settings=tuple(sorted({**settings, BY_RANK: float(is_ranked)}.items())),
    )


def number_groups(joined: pa.Table, schema: OutcomeSchema) -> pa.Table:
    """Order the rows of all groups once, so that parts of them need no more than the numbers of their places.

    Raises:
        SchemaMismatchError: a column is absent or of another type.
    """
    if "place" in joined.column_names:
        return joined
    excluded = _column(joined, "excluded").to_numpy()
    label = np.where(excluded, np.nan, _numbers(joined, LABEL))
    order = _numbers(joined, "rank") if dict(schema.settings)[BY_RANK] else -_numbers(joined, "score")
    # encoded first, because one array of texts has 2 GiB at most
    codes = _column(joined, "group").dictionary_encode().combine_chunks().indices
    group: Integers = codes.fill_null(-1).to_numpy().astype(np.int64)
    is_due = ~excluded & (group >= 0) & np.isfinite(order)
    at = np.flatnonzero(is_due & np.isfinite(label))
    placed = place_rows(group[at], order[at], label[at])
    # half as wide, half as slow to divide
    numbers = {name: np.full(joined.num_rows, -1, dtype=np.int32) for name in ("place", "block", "grade")}
    for name, found in numbers.items():
        found[at] = getattr(placed, name)
    item = _column(joined, "item").dictionary_encode().combine_chunks()
    hashes = hash_texts(item.dictionary.cast(pa.string())) >> np.uint64(_HASH_BITS - _ITEM_BITS)
    return pa.table(
        {
            LABEL: label,
            "excluded": excluded,
            "group": group.astype(np.int32),
            "due": is_due,
            **numbers,
            "item": pa.array(hashes.astype(np.int32)).take(item.indices).fill_null(-1),
        }
    )


def profile_ranking(joined: pa.Table, schema: OutcomeSchema) -> OutcomeSums:
    """Profile predictions joined with their labels.

    Args:
        joined: One row per prediction, with the columns score, rank and label (numbers or null), group and item (texts
            or integers, or null) and excluded (boolean). The label of an excluded row is ignored, and so is a row
            without a group or an order.
        schema: Pinned schema.

    Raises:
        SchemaMismatchError: one of the columns is absent or of another type.
    """
    joined = number_groups(joined, schema)
    numbers = {name: joined.column(name).to_numpy() for name in joined.column_names}
    label, group, place = numbers[LABEL], numbers["group"], numbers["place"]
    settings = dict(schema.settings)
    counted, left_out = _counted_groups(group, label, numbers["due"], settings[COVERAGE])
    at = np.flatnonzero(place >= 0)
    at = at[counted[group[at]]]
    placed = Placed(group=group, place=place, block=numbers["block"], grade=numbers["grade"], relevance=label)
    rows = rank_rows(placed, at)
    cutoff = int(settings[CUTOFF])
    return OutcomeSums(
        schema=schema,
        rows=joined.num_rows,
        excluded=int(numbers["excluded"].sum()),
        columns={LABEL: NumericProfile.of(schema[LABEL], [Numbers(values=label[np.isfinite(label)], nulls=0)])},
        sums={**left_out, **_sums(rows, list(score_groups(rows, cutoff)))},
        tallies=_tally_items(numbers["item"][rows.at], rows, cutoff),
    )


def _counted_groups(
    group: npt.NDArray[np.integer], label: Floats, is_due: Flags, coverage: float
) -> tuple[Flags, dict[str, int]]:
    """Say of each group whether it counts, and count the others by the reason."""
    due, labelled, negative = (
        np.bincount(group[held], minlength=int(group.max(initial=-1)) + 1)
        for held in (is_due, is_due & np.isfinite(label), is_due & (label < 0))
    )
    known = (labelled > 0) & (labelled >= coverage * due)
    counted = known & (negative == 0) & (labelled >= _FEWEST)
    return counted, {
        "groups_unlabelled": int(((due > 0) & ~known).sum()),
        "groups_of_one": int((known & (labelled < _FEWEST)).sum()),
        "groups_below_zero": int((known & (labelled >= _FEWEST) & (negative > 0)).sum()),
    }


def _sums(rows: Ranked, scored: list[Scored]) -> dict[str, int]:
    sums = {GROUPS: len(rows.starts)}
    for found in scored:
        keys = SumKeys(metric=found.metric)
        sums[keys.groups] = len(found.values)
        sums[keys.total] = in_units(found.values)
        sums[keys.squares] = in_units(found.values**2)
        sums[keys.random] = in_units(found.random)
    return sums


def _tally_items(items: Items, rows: Ranked, cutoff: int) -> dict[str, Tally]:
    """Count how often each item is offered, and how often it is among the first; -1 is none."""
    is_named = items >= 0
    return {OFFERED: Tally.of(items[is_named]), SHOWN: Tally.of(items[is_named & (rows.places < cutoff)])}


def _numbers(table: pa.Table, name: str) -> Floats:
    column = _column(table, name)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        raise SchemaMismatchError(
            f"Column {name!r} of the joined labels is of type {column.type}, not a number.",
            column=name,
            type=str(column.type),
        )
    numbers: Floats = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    return numbers


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise SchemaMismatchError(f"The joined labels lack column {name!r}.", column=name)
    return table.column(name)
