"""`mlmon init`: draft a commented spec from a sample of the archive."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import takewhile
from pathlib import Path

import pyarrow as pa

from airflow_mlmon.archive.drafting.beside import FoundSets, find_data_sets
from airflow_mlmon.archive.drafting.captured import answer_by, apply_marks
from airflow_mlmon.archive.drafting.draft import Place, draft_spec, guess_name
from airflow_mlmon.archive.drafting.guess import Answers, GuessedModel, guess_model
from airflow_mlmon.archive.drafting.guess_log import find_log, unpack_sample
from airflow_mlmon.archive.drafting.sample import find_samples, read_sample
from airflow_mlmon.archive.layouts.dates import find_layout
from airflow_mlmon.capture.marks import Marks
from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.init_questions import Asked, ask_of_columns, ask_of_paths, is_terminal
from airflow_mlmon.cli.stream import open_output
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.reports.wording import name_text
from airflow_mlmon.spec.choices import PersonalData
from airflow_mlmon.storage import Storage


def init_spec(
    call: Call,
    *,
    data: str,
    labels: str | None,
    reference: str | None,
    output: str | None,
    model: str | None,
    yes: bool,
) -> None:
    """Write the spec that fits a sample best to a new file or to standard output.

    In a terminal it asks about what is not certain; else, or with `yes`, the guesses are taken and marked.

    Args:
        call: the call.
        data: path of the predictions, of the archive that they are part of, or of a reference that stands for them.
        labels: path of the labels, if they are in files of their own.
        reference: path of the reference.
        output: file to write.
        model: name of the model.
        yes: whether to take the guesses.

    Raises:
        ConfigError: there is no sample, or the file exists.
        DataError: the sample cannot be read.
    """
    if output is not None and Path(output).exists():
        raise ConfigError(f"{output} exists.", hint="give the name of a new file; existing files are not overwritten")
    storage, folder = open_storage(), Path(output).parent if output else Path()
    told = find_data_sets(storage, data)
    asked = Asked(model=model, labels=labels, reference=reference)
    place = _place(told.predictions.files, folder, call.now.date())
    is_asking = not yes and is_terminal()
    if is_asking:
        asked = ask_of_paths(asked, told, guess_name(place), is_dated=place.is_dated)
    drafting = _Drafting(storage=storage, told=told, asked=asked, place=place, folder=folder, today=call.now.date())
    sample = drafting.read()
    guessed = sample.guess(asked.answers)
    if is_asking:
        guessed = sample.guess(ask_of_columns(guessed))
    text = drafting.write(sample, guessed)
    # a draft that `mlmon check` rejects is a bug, and is shown as one
    parse_spec(text, output or "<draft>")
    if output is None:
        open_output().write(text)
    else:
        Path(output).write_text(text, encoding="utf-8")
    sys.stderr.writelines(f"{line}\n" for line in drafting.notes(guessed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Samples of the predictions and, where they are in files of their own, of labels and reference."""

    table: pa.Table
    repeated: tuple[str, ...]
    null: dict[str, tuple[str, ...]]
    log: str | None
    labels: pa.Table | None
    labels_files: Sequence[str]
    reference: pa.Table | None
    marks: Marks | None = None

    def guess(self, answers: Answers) -> GuessedModel:
        """Guess the model, by what was answered and what capture says."""
        return apply_marks(guess_model(self.table, self.labels, answer_by(self.marks, answers)), self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drafting:
    """Drafting of one spec."""

    storage: Storage
    told: FoundSets
    asked: Asked
    place: Place
    folder: Path
    today: date

    @property
    def _labels(self) -> str | None:
        return self.asked.labels_among(self.told)

    @property
    def _reference(self) -> str | None:
        return self.asked.reference_among(self.told)

    def read(self) -> _Sample:
        """Read the samples."""
        files = self.told.predictions.files
        table, repeated, words, marks = read_sample(self.storage, files)
        null = {"predictions": words, "reference": words}
        labels, reference = None, None
        labels_files: tuple[str, ...] = ()
        if self._labels is not None:
            labels_files = tuple(find_samples(self.storage, self._labels))
            labels, _, null["labels"], _ = read_sample(self.storage, labels_files)
        if self._reference is not None:
            reference, _, null["reference"], _ = read_sample(self.storage, find_samples(self.storage, self._reference))
        log = find_log(table.column_names)
        unpacked = unpack_sample(self.storage, files, log) if log else None
        return _Sample(
            table=table if unpacked is None else unpacked,
            repeated=repeated,
            null=null,
            log=None if unpacked is None else log,
            labels=labels,
            labels_files=labels_files,
            reference=reference,
            marks=marks,
        )

    def write(self, sample: _Sample, guessed: GuessedModel) -> str:
        """Draft the text of the spec."""
        place = replace(self.place, others=tuple(_shown(path, self.folder) for path in self.told.others))
        if sample.labels is not None:
            reason = "" if self.asked.labels else "found beside the predictions; "
            place = replace(place, labels=replace(_place(sample.labels_files, self.folder, self.today), found=reason))
        known = None
        if self._reference is not None and sample.reference is not None:
            reason = "" if self.asked.reference else "found beside the predictions, with their columns and without days"
            shown = _shown(self._reference, self.folder)
            known = guess_model(sample.reference)
            place = replace(place, own_reference=shown, found_reference=reason)
        return draft_spec(
            guessed,
            place,
            self.asked.model or (sample.marks.model if sample.marks else None),
            owner=self.asked.owner,
            repeated=sample.repeated,
            null=sample.null,
            reference=known,
            log=sample.log,
        )

    def notes(self, guessed: GuessedModel) -> Iterator[str]:
        """Say what the draft rests on and what is to be decided; nothing of what was given."""
        told = self.told
        if told.labels and not self.asked.labels and self._labels:
            yield f"labels: found in {told.labels.path}"
        if told.training and not self.asked.reference and self._reference:
            yield f"reference: found training data in {told.training.path}"
        elif self._reference is None and self.place.is_dated:
            yield (
                "reference: no training data was found, so the watched days are their own reference: what is wrong in "
                "them counts as normal. Give the data that the model was trained on with --reference"
            )
        hashed = [name_text(one.name) for one in guessed.columns if one.personal is PersonalData.HASH]
        if hashed:
            key = "set AIRFLOW__MLMON__HASH_KEY, or decide otherwise"
            yield f"personal: of {', '.join(hashed)} only a keyed hash is kept: {key}"


def _shown(path: str, folder: Path) -> str:
    """Return a path as a spec in a folder names it."""
    return path if "://" in path else Path(os.path.relpath(path, folder)).as_posix()


def _place(files: Sequence[str], folder: Path, today: date) -> Place:
    shown = [_shown(uri, folder) for uri in files]
    parents = [uri.rpartition("/")[0] or "." for uri in shown]
    layout = find_layout([uri.replace("{", "").replace("}", "") for uri in shown])
    return Place(
        folder=parents[0],
        reference=(layout.root or ".") if layout else _common_folder(parents),
        first=layout.first if layout else today,
        is_dated=layout is not None,
        layout=layout,
    )


def _common_folder(folders: Sequence[str]) -> str:
    first, *others = [folder.split("/") for folder in folders]
    shared = takewhile(lambda at: all(other[: at + 1] == first[: at + 1] for other in others), range(len(first)))
    return "/".join(first[at] for at in shared) or "."
