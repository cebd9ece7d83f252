"""Drafting of a commented spec from guesses; it holds names of columns, never their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

import yaml

from airflow_mlmon.archive.drafting.guess import GuessedModel
from airflow_mlmon.archive.drafting.guess_column import GuessedColumn, split_words
from airflow_mlmon.archive.layouts.dates import FoundLayout, find_day, find_layout
from airflow_mlmon.spec import ColumnType, PersonalData, Role

_NOT_SERVED = {"reference", "training", "train"}
_GENERIC = {"data", "predictions", "prediction", "reference", "sample", "part", "parquet", "train", "archive", "tmp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Location of the sample, as the spec will name it.

    Attributes:
        folder: Folder of the first file.
        reference: Folder of all files.
        first: First day in the names of the folders, or a day to use instead.
        is_dated: Whether the paths name days.
        layout: How the paths of the files name days; by default found from the folder.
        own_reference: Reference, where it was named or found.
        found_reference: Why it was taken, where it was found.
        labels: Location of the labels, where they were named or found.
        found: Why they are those, where they were found.
        others: Paths of data sets beside it that are of no use here.
    """

    folder: str
    reference: str
    first: date
    is_dated: bool
    layout: FoundLayout | None = None
    own_reference: str | None = None
    found_reference: str = ""
    labels: Place | None = None
    found: str = ""
    others: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Path of one day's files, with placeholders."""
        if self.layout is not None:
            return self.layout.path
        folder = _plain(self.folder).rstrip("/")
        if found := find_layout([f"{folder}/"]):
            return found.path
        # a sample of the reference has the predictions beside it
        parent, slash, last = folder.rpartition("/")
        return f"{parent}{slash}{'predictions' if last in _NOT_SERVED else last}/dt={{date}}/"


def draft_spec(
    model: GuessedModel,
    place: Place,
    name: str | None = None,
    *,
    owner: str = "",
    repeated: Sequence[str] = (),
    null: Mapping[str, Sequence[str]] = MappingProxyType({}),
    reference: GuessedModel | None = None,
    log: str | None = None,
) -> str:
    """Draft the text of a spec that `mlmon check` accepts, with every guess marked.

    Args:
        model: What was guessed from the sample.
        place: Where the sample is.
        name: Name of the model.
        owner: Person or team responsible for it.
        repeated: Columns that a file of the sample has twice.
        null: Words that stand for a missing value, by section.
        reference: What was guessed from a sample of the reference, where it was named.
        log: System whose log the sample is.
    """
    lines = [
        "# The spec of one monitored model, drafted from a sample of its archive.",
        "# Lines marked `guess:` were guessed from names and the sample: check them, correct them, remove the mark.",
        *_tell_of_hashes(model),
        *_head(place, name, owner),
        *_task(model),
        "",
        *_predictions(model, place, log, null.get("predictions", ())),
        *(f"    # {_quoted(name)}: left out: it occurs twice in a file" for name in repeated),
        *_labels(model, place, null.get("labels", ())),
        "",
        "# Reference data set: the profile schema is pinned from these files, and drift is measured against them.",
        *(f"# {line}" for line in _warn_of_reference(place)),
        "reference:",
        *_reference(model, place, reference),
        *_null(null.get("reference", ())),
        "",
        *_alerts(),
    ]
    return "\n".join(lines) + "\n"


def _tell_of_hashes(model: GuessedModel) -> Iterator[str]:
    if any(column.personal is PersonalData.HASH for column in model.columns):
        yield "# Columns with `personal: hash` need a key, AIRFLOW__MLMON__HASH_KEY: without it no day is run."


def _head(place: Place, name: str | None, owner: str) -> Iterator[str]:
    mark = "" if name else " # guess: from the path; also the DAG's name"
    yield f"model: {name or guess_name(place)}{mark}"
    yield 'description: "" # description of the model'
    yield f"owner: {_quoted(owner)} # person or team responsible for the model"
    why = "the first day of the folders" if place.is_dated else "the day of this draft"
    yield f"start: {place.first} # guess: {why}; the first day to monitor"


def _task(model: GuessedModel) -> Iterator[str]:
    """Name the kind of model and why; nothing where neither an output nor a label was found."""
    firsts = {column.role: column for column in reversed(model.outputs)}
    said = [f"{_quoted(column.name)} is {model.task.looks[column.role]}" for column in reversed(firsts.values())]
    if model.label:
        said.append(f"the label {_quoted(model.label.name)} is {model.task.looks[None]}")
    if said:
        yield f"task: {model.task.name} # guess: {', '.join(said)}"
    if model.classes:
        names = ", ".join(_scalar(name) for name in model.classes)
        yield f"classes: [{names}] # guess: in the order of the columns of role probability"


def _predictions(model: GuessedModel, place: Place, log: str | None, null: Sequence[str]) -> Iterator[str]:
    yield "# Archived predictions: the files of each day."
    if place.others:
        yield f"# Beside them, and not used: {', '.join(map(_quoted, place.others))}"
    yield "predictions:"
    why = "the day in the sample's path" if place.is_dated else "the sample's path names no day"
    yield f"  path: {_scalar(place.path)} # guess: {why}; {{date}}, or {{year}} {{month}} {{day}}, stand for the day"
    if "://" in place.path:
        yield "  # connection: aws_default # an Airflow connection; without it the default AWS credential chain"
    yield "  # ready: _SUCCESS # marker file that marks a day as complete"
    if log:
        yield f"  log: {log} # guess: the records are those of its log; a payload without names is read in this order"
    yield from _null(null)
    if model.has_naive_times:
        yield "  timezone: UTC # guess: the timestamps have no time zone"
    yield "  columns:"
    for role, kind, missing in (
        (Role.ID, ColumnType.STRING, "prediction_id"),
        (Role.TIME, ColumnType.TIMESTAMP, "event_time"),
    ):
        if model.column_of(role) is None:
            free = _free_name(missing, model)
            mark = "# guess: no such column was found, but one is required"
            yield f"    {free}: {{ type: {kind}, role: {role} }} {mark}"
    for column in model.columns:
        yield _column(column)


def _found(reason: str) -> str:
    return f" # guess: {reason}" if reason else ""


def _null(words: Sequence[str]) -> Iterator[str]:
    if words:
        yield f"  null: [{', '.join(map(_quoted, words))}] # guess: these words stand among numbers"


def _free_name(name: str, model: GuessedModel) -> str:
    taken = {column.name for column in model.columns}
    while name in taken:
        name = f"{name}_"
    return name


def _column(column: GuessedColumn) -> str:
    if column.type is None:
        return f"    # {_quoted(column.name)}: left out: type {column.arrow.splitlines()[0][:60]} cannot be monitored"
    facts = [f"type: {column.type}"]
    if column.dimension is not None:
        facts.append(f"dimension: {column.dimension}")
    if column.unit is not None:
        facts.append(f"unit: {column.unit}")
    if column.role is not Role.FEATURE:
        facts.append(f"role: {column.role}")
    if column.required:
        facts.append("required: true")
    if column.personal is not None:
        facts.append(f"personal: {column.personal}")
    return f"    {_scalar(column.name)}: {{ {', '.join(facts)} }}{_mark(column)}"


def _mark(column: GuessedColumn) -> str:
    """Return the comment that marks a guess, with its reason and what may be meant instead."""
    said = [column.reason] if column.reason else []
    if column.personal is PersonalData.HASH and not column.is_answered:
        said.append("only a keyed hash is kept; `personal: drop` keeps nothing, without `personal` it is monitored")
    if column.suspicion:
        said.append(f"{column.suspicion}; if it is, add `personal: hash` or `personal: drop`")
    if column.role is Role.IGNORED:
        said.append("without `role: ignored` it is monitored")
    if column.others:
        said.append(f"or {', '.join(map(_quoted, column.others))}")
    return f" # guess: {'; '.join(said)}" if said else ""


def _warn_of_reference(place: Place) -> tuple[str, ...]:
    """Say what it means if the watched days are their own reference; nothing if they are not."""
    if place.own_reference or not place.is_dated:
        return ()
    return (
        "No training data was found, so the watched days are their own reference. What that means: whatever is wrong",
        "in them counts as normal, and a model that was wrong from the start is never found. Better is the data that",
        "the model was trained on, or a glob of days that are known to be sound, such as the first weeks.",
    )


def _reference(model: GuessedModel, place: Place, reference: GuessedModel | None) -> Iterator[str]:
    if place.own_reference:
        yield f"  path: {_scalar(place.own_reference)}{_found(place.found_reference)}"
        if reference is not None and reference.column_of(Role.TIME) is None:
            yield "  dated: false # guess: it has no event times; how days vary is learnt from the first days"
    elif place.is_dated:
        yield f"  path: {_scalar(_plain(place.reference).rstrip('/') + '/')} # guess: the watched days themselves"
    else:
        yield f"  path: {_scalar(_plain(place.reference).rstrip('/') + '/')} # guess: the folder of the sample"
    # labels in files of their own are not in the sample
    known = reference or (None if model.delivery else model)
    if known is None or model.label is None or _is_unclear(model, place):
        return
    if known.label is None and any(column.name == model.label.name for column in known.columns):
        yield f"  label: {_scalar(model.label.name)} # guess: named as in the labels"
    for key, column in (("label", known.label), ("outcome", known.outcome)):
        if column:
            yield f"  {key}: {_scalar(column.name)} # guess: {column.reason}"


def _labels(model: GuessedModel, place: Place, null: Sequence[str]) -> Iterator[str]:
    identifier = model.column_of(Role.ID)
    label = _scalar(model.label.name) if model.label else "label"
    key = _scalar(identifier.name) if identifier else "prediction_id"
    why_key = "named as in the predictions"
    if model.delivery and model.delivery.id and model.delivery.id != (identifier.name if identifier else None):
        key, why_key = _scalar(model.delivery.id), "the id, by its name"
    lines = [
        "labels:",
        *_labels_place(model, place),
        *_null(null),
        f"  id: {key} # guess: {why_key}",
        f"  label: {label}{_mark(model.label) if model.label else ' # guess: '}",
    ]
    if model.outcome:
        lines.append(f"  outcome: {_scalar(model.outcome.name)} # guess: {model.outcome.reason}")
        lines.append("  excluded: [] # outcomes that will never be labelled, such as cancelled")
    lines.append("  delay_days: 7 # days within which the label of a prediction may be delivered")
    is_whole = model.label is not None and not _is_unclear(model, place)
    yield ""
    yield f"# Labels of the predictions: {model.task.looks[None]}, by prediction id."
    if model.label is None:
        yield "# No label column was found in the sample; if labels are delivered, declare them here:"
    elif not is_whole:
        yield "# The folders of the labels name no day, and no column says when a row was written: put {date} into the"
        yield "# path, or name the `watermark` of the growing table:"
    for line in lines:
        yield line if is_whole else f"# {line.partition(' # guess')[0]}"


def _is_unclear(model: GuessedModel, place: Place) -> bool:
    """Say whether nothing tells on which day a label came."""
    is_growing = place.labels is not None and not place.labels.is_dated
    return is_growing and (model.delivery is None or model.delivery.written is None)


def _labels_place(model: GuessedModel, place: Place) -> Iterator[str]:
    if place.labels is None:
        path = _scalar(_labels_path(place.path))
        yield f"  path: {path} # guess: beside the predictions; one folder per day of delivery"
    elif place.labels.is_dated:
        reason = f"{place.labels.found}the day in their path is that of their delivery"
        yield f"  path: {_scalar(place.labels.path)} # guess: {reason}"
    else:
        reason = f"{place.labels.found}one growing table, as no folder names a day"
        yield f"  path: {_scalar(_plain(place.labels.reference))} # guess: {reason}"
        if model.delivery and model.delivery.written:
            yield f"  watermark: {_scalar(model.delivery.written)} # guess: when a row was written or changed"


def _labels_path(path: str) -> str:
    """Return the folder of labels beside that of the predictions.

    >>> _labels_path("s3://b/loans/predictions/dt={date}/"), _labels_path("dt={date}/")
    ('s3://b/loans/labels/dt={date}/', 'labels/dt={date}/')
    """
    parts = path.split("/")
    first = next(position for position, part in enumerate(parts) if "{" in part)
    return "/".join([*parts[: max(first - 1, 0)], "labels", *parts[first:]])


def _alerts() -> Iterator[str]:
    yield "# All metrics are evaluated against history; `mlmon calibrate` replays the evaluation for past days."
    yield "alerts:"
    yield "  evaluation:"
    yield "    rate: 0.05 # probability of any false alarm on an unchanged day"
    yield "    effect: 0.1 # smallest effect size that alerts (Cohen's d: 0.2 is small)"
    yield "  rules: [] # fixed limits, such as { metric: null_rate, max: 0.05 }"
    yield "  channels:"
    yield "    - log: true"


def guess_name(place: Place) -> str:
    """Derive a name for the model: the last folder that says more than `data`."""
    parts = [part for part in _plain(place.reference).split("/") if "=" not in part and find_day(part) is None]
    for part in reversed(parts):
        words = [word for word in split_words(part) if not word.isdigit()]
        if set(words) - _GENERIC and (name := "_".join(words)[:60]).isascii():
            return name
    return "model"


def _plain(path: str) -> str:
    """Remove braces from a path, where they would stand for a day."""
    return path.replace("{", "").replace("}", "")


def _scalar(text: str) -> str:
    """Write the text as a YAML scalar: plain where that is safe, else quoted."""
    if re.fullmatch(r"[A-Za-z_/.][A-Za-z0-9_/.=-]*", text) and yaml.safe_load(text) == text:
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    return str(yaml.safe_dump(text, default_style='"', width=10**6, allow_unicode=True)).strip()
