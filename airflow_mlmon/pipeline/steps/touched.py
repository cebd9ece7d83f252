"""Search for the days that deliveries have labels for, and for the ids of a delivery that belong to none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.archive.label_keys import (
    WORDS,
    count_merged,
    every_spelling,
    key_columns,
)
from airflow_mlmon.causes import Cause, CauseKind
from airflow_mlmon.partition import Partition
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.pipeline.workspace.curated import has_curated, open_columns
from airflow_mlmon.pipeline.workspace.label_matches import LabelMatches
from airflow_mlmon.pipeline.workspace.labelled_rows import find_labelled, find_labelled_days
from airflow_mlmon.pipeline.workspace.matched_keys import mark_found, read_keys
from airflow_mlmon.pipeline.workspace.outcomes import NOTHING_TOLD, Told
from airflow_mlmon.records import Delivery
from airflow_mlmon.spec.labels import IdForm
from airflow_mlmon.storage.scratch import scratch_folder

# share of the ids of a delivery without a prediction from which on another spelling is looked for
_FEW = 0.01
# share of these that must belong to one in that spelling; fewer may be chance
_SOME = 0.1

_Versions = Mapping[Partition, str]


def served_before(run: Run, partition: Partition) -> dict[Partition, str]:
    """Return the earlier days that deliveries up to a day may have labels for, with their served versions.

    A delivery of as long ago as labels may come late can have changed, and reaches as far back once more.
    """
    labels = run.spec.labels
    assert labels is not None  # noqa: S101 - asked of models with labels alone
    first = partition.shift(-labels.delay_days - labels.reach).day
    states = run.store.states(run.model, first, partition.shift(-1).day)
    return {state.partition: state.version for state in states if state.version is not None}


class Looked(NamedTuple):
    """Days that a delivery has labels for, and which of its ids belong to a prediction of the days looked at.

    `gone` are the days of these whose rows were pruned.
    """

    days: frozenset[Partition]
    found: npt.NDArray[np.bool_]
    gone: frozenset[Partition]


def find_touched_days(run: Run, days: _Versions) -> set[Partition]:
    """Find the days whose performance lacks a delivery that has labels of them, or rests on one that was replaced.

    Args:
        run: the model.
        days: the days to look at, with their served versions.
    """
    labels = run.spec.labels
    if labels is None or not days:
        return set()
    first, last = min(days), max(days)
    deliveries = run.store.deliveries(run.model, first.day, last.shift(labels.reach).day)
    bases = run.store.label_bases(run.model, first.day, last.day)
    current = {delivery.version for delivery in deliveries}
    touched = {day for day in days if bases.get(day.day, set()) - current and has_curated(run, day, days[day])}
    unread = {
        delivery: {
            day: version
            for day, version in within_reach(run, delivery, days).items()
            if day not in touched and delivery.version not in bases.get(day.day, ())
        }
        for delivery in deliveries
    }
    return touched | find_labelled_days(run, unread)


def look_through(run: Run, delivery: Delivery, days: _Versions) -> Looked:
    """Look for the ids of a delivery among the predictions of some days."""
    found, touched = np.zeros(delivery.rows, np.bool_), set()
    labelled = find_labelled(run, delivery, days)
    for day, rows in labelled.items():
        found[rows] = True
        if len(rows):
            touched.add(day)
    return Looked(frozenset(touched), found, frozenset(days.keys() - labelled.keys()))


def within_reach(run: Run, delivery: Delivery, days: _Versions) -> dict[Partition, str]:
    """Return those of some days that a delivery may have labels for."""
    first = delivery.partition.shift(-run.spec.labels.reach if run.spec.labels else 0)
    return {day: version for day, version in days.items() if first <= day <= delivery.partition}


def match_ids(run: Run, delivery: Delivery, days: _Versions, looked: Looked) -> tuple[Told, LabelMatches | None]:
    """Say which ids of a delivery belong to no prediction, and in which spelling more would; return their counts.

    Args:
        run: the model.
        delivery: the delivery.
        days: all days that were run, with their served versions; labels of those before the delay are late.
        looked: what was found on the days within reach.
    """
    labels = run.spec.labels
    if labels is None or labels.path is None or not delivery.rows:
        return NOTHING_TOLD, None
    rest = read_keys(run, delivery, ~looked.found)
    within = within_reach(run, delivery, days)
    first = delivery.partition.shift(-labels.reach)
    before = {day: version for day, version in days.items() if first.shift(-labels.delay_days) <= day < first}
    marked = mark_found(run, rest, before)
    late, gone = int(marked.found.sum()), looked.gone | marked.gone
    missing, matched = len(rest) - late, int(looked.found.sum())
    # labels of predictions from before the first day are delivered too, and of days that were not run
    is_known = first.day >= run.spec.start and len(within) > labels.reach and not gone
    counts = LabelMatches(ids=delivery.rows, matched=matched, late=late, is_known=is_known)
    remark = f"labels: {late} came later than delay_days ({labels.delay_days}), and do not count" if late else ""
    if gone:
        pruned = f"labels: rows of {len(gone)} days from {min(gone).key} on were pruned, and get no labels"
        remark = "; ".join(filter(None, (remark, pruned)))
    if problem := _tell_of_spelling(run, delivery, within, matched, missing):
        return _told_of_ids(problem, remark, missing), counts
    if not is_known or not missing:
        return Told("", remark), counts
    if not matched and not late:
        problem = f"{_belong(matched, delivery)} of the {labels.delay_days} days before"
        return _told_of_ids(problem, "", missing), counts
    return Told("", "; ".join(filter(None, (remark, f"labels: {missing} ids belong to no prediction")))), counts


def _told_of_ids(problem: str, note: str, count: int) -> Told:
    return Told(problem, note, (Cause(kind=CauseKind.LABEL_IDS, count=count, words=problem),))


def tell_of_spelling(run: Run, delivery: Delivery, days: _Versions) -> str:
    """Name the spelling in which more ids of a delivery would belong to a prediction of some days; empty if none."""
    matched = int(mark_found(run, read_keys(run, delivery), days).found.sum())
    return _tell_of_spelling(run, delivery, days, matched, delivery.rows - matched)


def _tell_of_spelling(run: Run, delivery: Delivery, days: _Versions, matched: int, missing: int) -> str:
    if missing <= _FEW * delivery.rows:
        return ""
    forms, would = _other_spelling(run, read_keys(run, delivery), days)
    if would - matched <= _SOME * missing:
        return ""
    words = " and ".join(WORDS[form] for form in forms)
    every = list(dict.fromkeys([*(run.spec.labels.ids if run.spec.labels else ()), *forms]))
    key = every[0] if len(every) == 1 else f"[{', '.join(every)}]"
    return f"{_belong(matched, delivery)}; {would} would {words}: set `labels.ids: {key}`"


def _belong(matched: int, delivery: Delivery) -> str:
    return f"labels: {matched} of {delivery.rows} ids of the delivery belong to a prediction"


def tell_of_merged(run: Run, day: Partition, version: str) -> Told:
    """Say how many ids of a day's predictions are no longer told apart in the spelling of the spec."""
    if run.spec.labels is None or not run.spec.labels.ids:
        return NOTHING_TOLD
    with open_columns(run, day, version) as rows, scratch_folder() as folder:
        merged = count_merged(rows.batches(list(key_columns(run.spec))), run.spec, folder)
    forms = ", ".join(run.spec.labels.ids)
    problem = f"labels: {merged} ids of predictions are those of others by `labels.ids: [{forms}]`"
    return _told_of_ids(problem, "", merged) if merged else NOTHING_TOLD


def _other_spelling(run: Run, keys: pa.ChunkedArray, days: _Versions) -> tuple[Sequence[IdForm], int]:
    """Return the fewest forms of ids in which the most of a delivery's belong to a prediction, and how many then do."""
    is_hashed = any(run.spec.columns[name].personal is not None for name in key_columns(run.spec))
    if is_hashed or not days:
        return (), 0

    def count(forms: Sequence[IdForm]) -> int:
        return int(mark_found(run, keys, days, forms).found.sum())

    most = count(list(IdForm))
    return next(((forms, most) for forms in every_spelling() if count(forms) == most), ((), 0))
