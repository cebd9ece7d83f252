"""`mlmon init`: draft a commented spec from a sample of the archive."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import takewhile
from pathlib import Path

from airflow_mlmon.archive.drafting.draft import Place, draft_spec
from airflow_mlmon.archive.drafting.guess import guess_model
from airflow_mlmon.archive.drafting.guess_log import find_log, unpack_sample
from airflow_mlmon.archive.drafting.sample import find_samples, read_sample
from airflow_mlmon.archive.layouts.dates import find_layout
from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.loading import parse_spec


def init_spec(
    call: Call, *, data: str, labels: str | None, reference: str | None, output: str | None, model: str | None
) -> None:
    """Draft the spec of a call."""
    write_draft(data, output, call.now.date(), model, labels=labels, reference=reference)


def write_draft(
    data: str,
    output: str | None,
    today: date,
    name: str | None = None,
    *,
    labels: str | None = None,
    reference: str | None = None,
) -> None:
    """Write the spec that fits the sample best to a new file or to standard output.

    Args:
        data: Path of the predictions, or of a reference that stands for them.
        output: File to write.
        today: First day to monitor, if no path names one.
        name: Name of the model.
        labels: Path of the labels, if they are in files of their own.
        reference: Path of the reference.

    Raises:
        ConfigError: there is no sample, or the file exists.
        DataError: the sample cannot be read.
    """
    if output is not None and Path(output).exists():
        raise ConfigError(f"{output} exists.", hint="give the name of a new file; existing files are not overwritten")
    storage = open_storage()
    folder = Path(output).parent if output else Path()
    files = find_samples(storage, data)
    sample = read_sample(storage, files)
    place, delivered, known = _place(files, folder, today), None, None
    null = {"predictions": sample.null, "reference": sample.null}
    if labels is not None:
        of_labels = find_samples(storage, labels)
        delivered, _, null["labels"] = read_sample(storage, of_labels)
        place = replace(place, labels=_place(of_labels, folder, today))
    if reference is not None:
        rows, _, null["reference"] = read_sample(storage, find_samples(storage, reference))
        known = guess_model(rows)
        place = replace(place, own_reference=_shown(reference, folder))
    log = find_log(sample.table.column_names)
    unpacked = unpack_sample(storage, files, log) if log else None
    model = guess_model(sample.table if unpacked is None else unpacked, delivered)
    log = None if unpacked is None else log
    text = draft_spec(model, place, name, repeated=sample.repeated, null=null, reference=known, log=log)
    # a draft that `mlmon check` rejects is a bug, and is shown as one
    parse_spec(text, output or "<draft>")
    if output is None:
        open_output().write(text)
    else:
        Path(output).write_text(text, encoding="utf-8")


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
