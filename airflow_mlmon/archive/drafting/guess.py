"""Guessing, from a sample, of the kind of model and the role of each column.

Every guess states its reason, which never holds a value of the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.archive.drafting.guess_column import GuessedColumn, PersonalAnswer, guess_column, split_words
from airflow_mlmon.spec import ColumnType, Role
from airflow_mlmon.spec.choices import SHARED_ROLES
from airflow_mlmon.tasks.registry import TASKS
from airflow_mlmon.tasks.task import Task

# weight of a word of a column's name as evidence of a role
_WORDS: Mapping[Role, Mapping[str, int]] = {
    Role.ID: {"id": 3, "uuid": 3, "guid": 3, "key": 1, "prediction": 2, "request": 1, "event": 1},
    Role.TIME: {"time": 3, "timestamp": 3, "ts": 3, "at": 2, "datetime": 2, "event": 2, "prediction": 2, "date": 1},
    Role.VERSION: {"version": 3, "release": 1, "model": 1},
    Role.SCORE: {"score": 3, "probability": 3, "proba": 3, "prob": 3, "likelihood": 2, "risk": 1, "prediction": 1},
    Role.PREDICTION: {"predicted": 3, "prediction": 3, "pred": 3, "class": 2, "decision": 2, "approved": 2, "flag": 1},
    Role.LOWER: {"lower": 3, "low": 2, "least": 2, "min": 2, "shortest": 2},
    Role.UPPER: {"upper": 3, "high": 2, "most": 2, "max": 2, "longest": 2},
    Role.RANK: {"rank": 3, "position": 2, "place": 1},
    Role.GROUP: {"group": 3, "query": 3, "session": 2, "search": 2},
    Role.ITEM: {"item": 3, "product": 2, "document": 2},
}
# found only beside the output that they bound
_BOUNDS = frozenset({Role.LOWER, Role.UPPER})
_LABEL_WORDS = {"label": 3, "target": 3, "actual": 3, "truth": 3, "true": 2, "observed": 1}
# of the probabilities of several classes
_FEWEST_CLASSES, _TOLERANCE = 3, 1e-3
_MOST_OTHERS = 3
# weight of what a person has said
_CHOSEN = 1000
_OF_KEYS = {ColumnType.STRING, ColumnType.CATEGORY, ColumnType.INTEGER}
_OUTCOME_WORDS = {"outcome": 3, "result": 2, "status": 1}


class Answers(NamedTuple):
    """What a person has said of a sample: columns of roles, None for the label, and how personal ones are treated."""

    roles: Mapping[Role | None, str] = MappingProxyType({})
    personal: Mapping[str, PersonalAnswer] = MappingProxyType({})


class GuessedDelivery(NamedTuple):
    """Columns of the labels' own files: of the prediction's id, and of when a row was written; None if not found."""

    id: str | None
    written: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessedModel:
    """Guessed kind of model, classes of its probabilities, columns of the predictions, label and outcome.

    `delivery` are further columns of the labels' own files, if there is a sample of them.
    """

    task: Task
    classes: tuple[str, ...]
    columns: tuple[GuessedColumn, ...]
    label: GuessedColumn | None
    outcome: GuessedColumn | None
    has_naive_times: bool
    delivery: GuessedDelivery | None = None

    @property
    def outputs(self) -> tuple[GuessedColumn, ...]:
        """Return the columns of roles that the kind of model has."""
        return tuple(column for column in self.columns if column.role in self.task.types)

    def column_of(self, role: Role) -> GuessedColumn | None:
        """Find the column of a role, if there is one."""
        return next((column for column in self.columns if column.role is role), None)


def guess_model(sample: pa.Table, labels: pa.Table | None = None, answers: Answers | None = None) -> GuessedModel:
    """Guess the kind of model that made a sample, and the declaration of each of its columns.

    With `labels`, a sample of the labels' own files, the label is a column of these. `answers` go before guesses.
    """
    sample = _without_dictionaries(sample)
    chosen, personal = (answers or Answers()).roles, (answers or Answers()).personal
    columns = {name: guess_column(name, sample.column(name), personal.get(name)) for name in sample.column_names}
    _take(columns, _guess_time(columns, chosen))
    _take(columns, _guess_id(columns, sample, chosen))
    _take(columns, _guess_version(columns))
    delivered = None if labels is None else _guess_delivery(labels, columns)
    guesses = [_guess_task(columns, sample, task, delivered, chosen) for task in TASKS.values() if task.has_labels]
    # the first of equals
    return max(guesses, key=_evidence)


class _Delivered(NamedTuple):
    """Labels' own files: a sample, its columns beside the keys, and the keys."""

    sample: pa.Table
    columns: Mapping[str, GuessedColumn]
    keys: GuessedDelivery


def _guess_delivery(labels: pa.Table, predictions: Mapping[str, GuessedColumn]) -> _Delivered:
    columns = {name: guess_column(name, labels.column(name)) for name in labels.column_names}
    own = next((name for name, column in predictions.items() if column.role is Role.ID), None)
    keyed = {name for name, column in columns.items() if column.type in _OF_KEYS}
    best, weight = _best(keyed, _WORDS[Role.ID])
    key = own if own in columns else best if weight else None
    written = _guess_time(columns, {})
    keys = GuessedDelivery(key, written.name if written else None)
    return _Delivered(labels, {name: column for name, column in columns.items() if name not in keys}, keys)


def _guess_task(
    known: Mapping[str, GuessedColumn],
    sample: pa.Table,
    task: Task,
    delivered: _Delivered | None,
    chosen: Mapping[Role | None, str],
) -> GuessedModel:
    """Guess the outputs and the label as those of a kind of model."""
    columns = dict(known)
    for role in task.types:
        if role not in SHARED_ROLES:
            _take(columns, _guess_output(columns, sample, task, role, chosen.get(role)))
    classes = _take_probabilities(columns, sample) if Role.PROBABILITY in task.types else ()
    if delivered:
        label = _guess_delivered_label(delivered, task, chosen.get(None))
        outcome = _guess_outcome(delivered.columns, label)
    else:
        label = _guess_label(columns, sample, task, chosen.get(None))
        outcome = _guess_outcome(columns, label)
    later = {column.name for column in (label, outcome) if column}
    return GuessedModel(
        delivery=delivered.keys if delivered else None,
        classes=classes,
        task=task,
        columns=tuple(column for name, column in columns.items() if name not in later),
        label=label,
        outcome=outcome,
        has_naive_times=any(
            pa.types.is_timestamp(field.type) and field.type.tz is None
            for field in sample.schema
            if columns[field.name].type is ColumnType.TIMESTAMP
        ),
    )


def _evidence(model: GuessedModel) -> int:
    """Count what speaks for a kind of model: its outputs, then its label; nothing does without an output it needs."""
    roles = {column.role for column in model.outputs}
    if not all(roles & set(group) for group in model.task.needs):
        return 0
    return 2 * len(roles) + (model.label is not None)


def _without_dictionaries(sample: pa.Table) -> pa.Table:
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in sample.columns
    ]
    return pa.table(columns, names=sample.column_names)


def _take(columns: dict[str, GuessedColumn], found: GuessedColumn | None) -> None:
    if found is not None:
        columns[found.name] = found


def _best(names: Iterable[str], words: Mapping[str, int], chosen: str | None = None) -> tuple[str | None, int]:
    """Return the name with the highest weight for a role, the first of equals, and the weight; or the chosen one."""
    names = list(names)
    if chosen is not None and chosen in names:
        return chosen, _CHOSEN
    ranked = {name: sum(words.get(word, 0) for word in set(split_words(name))) for name in names}
    best = max(ranked, key=lambda name: ranked[name], default=None)
    return best, ranked.get(best or "", 0)


def _others(names: Iterable[str], best: str, words: Mapping[str, int] | None = None) -> tuple[str, ...]:
    """Return what might be meant instead: the names with a weight for a role, or all."""
    return tuple(name for name in names if name != best and (words is None or _best([name], words)[1]))[:_MOST_OTHERS]


def _guess_time(columns: Mapping[str, GuessedColumn], chosen: Mapping[Role | None, str]) -> GuessedColumn | None:
    times = [name for name, column in columns.items() if column.type is ColumnType.TIMESTAMP and not column.personal]
    best, severity = _best(times, _WORDS[Role.TIME], chosen.get(Role.TIME))
    if best is None:
        return None
    only = "the only timestamp" if len(times) == 1 else "the first timestamp"
    reason = "the time of the prediction, by its name" if severity else f"the time of the prediction: {only}"
    return replace(columns[best], role=Role.TIME, reason=reason, others=_others(times, best))


def _guess_id(
    columns: Mapping[str, GuessedColumn], sample: pa.Table, chosen: Mapping[Role | None, str]
) -> GuessedColumn | None:
    unique = [
        name
        for name, column in columns.items()
        if column.type in {ColumnType.STRING, ColumnType.CATEGORY, ColumnType.INTEGER}
        and not column.personal
        and _is_unique(sample.column(name))
    ]
    texts = [name for name in unique if columns[name].type is not ColumnType.INTEGER]
    best, severity = _best(unique, _WORDS[Role.ID], chosen.get(Role.ID))
    if not severity:
        best = next(iter(texts), None)
    if best is None:
        return None
    reason = "the prediction's id: all values in the sample are distinct"
    others = _others(unique, best)
    return replace(columns[best], type=ColumnType.STRING, role=Role.ID, reason=reason, others=others)


def _is_unique(values: pa.ChunkedArray) -> bool:
    return not values.null_count and pc.count_distinct(values).as_py() == len(values)


def _guess_version(columns: Mapping[str, GuessedColumn]) -> GuessedColumn | None:
    kinds = {ColumnType.CATEGORY, ColumnType.STRING, ColumnType.INTEGER}
    names = [name for name in _features(columns) if columns[name].type in kinds]
    best, severity = _best(names, _WORDS[Role.VERSION])
    if best is None or severity < _WORDS[Role.VERSION]["version"]:
        return None
    return replace(
        columns[best], type=ColumnType.CATEGORY, role=Role.VERSION, reason="the model's version, by its name"
    )


def _guess_output(
    columns: Mapping[str, GuessedColumn], sample: pa.Table, task: Task, role: Role, chosen: str | None
) -> GuessedColumn | None:
    """Guess an output by its name and its values, or because it follows from the one that was found before."""
    kinds = {ColumnType.FLOAT, ColumnType.DECIMAL} if role is Role.SCORE else set(ColumnType) - {ColumnType.VECTOR}
    names = [
        name
        for name in _features(columns)
        if columns[name].type in kinds and task.looks_like(role, sample.column(name))
    ]
    main = next((name for name, column in columns.items() if column.role in task.types), None)
    following = [name for name in names if main and task.follows_from(role, sample.column(main), sample.column(name))]
    if role in _BOUNDS:
        names = following
    best, severity = _best(names if chosen in names else following or names, _WORDS[role], chosen)
    is_class = bool(following) and role is Role.PREDICTION
    if best is None or not (severity or is_class):
        return None
    kind = columns[best].type
    return replace(
        columns[best],
        type=kind if kind in task.types[role] else task.types[role][0],
        role=role,
        required=not sample.column(best).null_count,
        reason=f"the {role}: " + (task.looks[role] if is_class else f"by its name, and {task.looks[role]}"),
        others=_others(names, best, _WORDS[role]),
    )


def _take_probabilities(columns: dict[str, GuessedColumn], sample: pa.Table) -> tuple[str, ...]:
    """Take the columns of one beginning of a name whose values add up to 1 in each row, and name the classes."""
    names = [name for name in _features(columns) if pa.types.is_floating(sample.schema.field(name).type)]
    stems = Counter(stem for name in names if len(stem := name[: name.rfind("_") + 1]) > 1)
    for stem in (stem for stem, count in stems.items() if count >= _FEWEST_CLASSES):
        own = [name for name in names if name.startswith(stem) and "_" not in name[len(stem) :]]
        rows = np.stack([sample.column(name).to_numpy() for name in own])
        totals = rows.sum(axis=0)[~np.isnan(rows).any(axis=0)]
        if len(totals) and rows[~np.isnan(rows)].min() >= 0 and np.abs(totals - 1).max() <= _TOLERANCE:
            for name in own:
                reason = f"a probability: {stem}… add up to 1"
                columns[name] = replace(columns[name], type=ColumnType.FLOAT, role=Role.PROBABILITY, reason=reason)
            return tuple(name.removeprefix(stem) for name in own)
    return ()


def _guess_label(
    columns: Mapping[str, GuessedColumn], sample: pa.Table, task: Task, chosen: str | None
) -> GuessedColumn | None:
    names = [name for name in _features(columns) if task.looks_like(None, sample.column(name))]
    best, severity = _best(names, _LABEL_WORDS, chosen)
    if best is not None and severity:
        others = _others(names, best, _LABEL_WORDS)
        return replace(columns[best], type=task.label_type, reason="the label, by its name", others=others)
    # features come before the model's outputs, and labels after them
    after = list(columns)
    said = [after.index(name) for name, column in columns.items() if column.role in task.types]
    late = [name for name in names if said and after.index(name) > max(said)]
    if not late:
        return None
    return replace(
        columns[late[0]], type=task.label_type, reason=f"the label: {task.looks[None]}, and after the outputs"
    )


def _guess_delivered_label(delivered: _Delivered, task: Task, chosen: str | None) -> GuessedColumn | None:
    names = [name for name in _features(delivered.columns) if task.looks_like(None, delivered.sample.column(name))]
    best, severity = _best(names, _LABEL_WORDS, chosen)
    if best is None:
        return None
    reason = "the label, by its name" if severity else f"the label: {task.looks[None]}"
    return replace(delivered.columns[best], type=task.label_type, reason=reason, others=_others(names, best))


def _guess_outcome(columns: Mapping[str, GuessedColumn], label: GuessedColumn | None) -> GuessedColumn | None:
    if label is None:
        return None
    order = list(columns)
    names = [
        name
        for name in _features(columns)
        if columns[name].type is ColumnType.CATEGORY and order.index(name) >= order.index(label.name) - 1
    ]
    best, severity = _best(names, _OUTCOME_WORDS)
    return replace(columns[best], reason="the outcome, by its name") if best and severity else None


def _features(columns: Mapping[str, GuessedColumn]) -> list[str]:
    return [
        name
        for name, column in columns.items()
        if column.role in (Role.FEATURE, Role.IGNORED) and column.personal is None and column.type is not None
    ]
