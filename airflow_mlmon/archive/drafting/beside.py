"""Data sets below and beside a sample: predictions, labels and training data are told apart by their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from airflow_mlmon.archive.drafting.guess import GuessedModel, guess_model
from airflow_mlmon.archive.drafting.guess_column import split_words
from airflow_mlmon.archive.drafting.sample import FirstRows, find_samples, read_sample
from airflow_mlmon.archive.layouts.dates import find_day, find_layout
from airflow_mlmon.errors import MlmonError
from airflow_mlmon.spec import Role
from airflow_mlmon.storage import Storage
from airflow_mlmon.storage.around import list_children

# of each data set
_ROWS = 2_000
_MOST_SETS = 12
# of the features of the predictions, those that training data has at least
_FEATURES = 0.8
_PREDICTION_WORDS = frozenset({"prediction", "predictions", "preds", "scores", "scored", "inference", "inferences"})
_LABEL_WORDS = frozenset({"label", "labels", "truth", "target", "targets", "outcome", "outcomes", "actual", "actuals"})
_HINTS = _LABEL_WORDS | {"train", "training", "reference", "baseline", "feedback"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Files of one data set.

    Attributes:
        path: Their folder, or the only file.
        files: The files.
        rows: First rows, few of each.
    """

    path: str
    files: tuple[str, ...]
    rows: FirstRows

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(self.rows.table.column_names)

    @property
    def is_dated(self) -> bool:
        """Whether the paths name days."""
        return find_layout(self.files) is not None


class FoundSets(NamedTuple):
    """Data sets told apart: the predictions, and labels and training data where some were found.

    `others` are paths of data sets that are none of these.
    """

    predictions: DataSet
    labels: DataSet | None = None
    training: DataSet | None = None
    others: tuple[str, ...] = ()


def find_data_sets(storage: Storage, data: str) -> FoundSets:
    """Tell the data sets below a path apart or, if it is one, those beside it.

    Raises:
        ConfigError: no file was found.
        DataError: a file of the only data set cannot be read.
    """
    files = find_samples(storage, data)
    groups = _group(data, files)
    if len(groups) > 1 and (below := _choose(_read_all(storage, groups))):
        return below
    own = DataSet(path=data, files=tuple(files), rows=read_sample(storage, files, _ROWS))
    layout = find_layout(files)
    if layout is None or any(letter in data for letter in "*?["):
        # a sample of the reference, or of chosen files
        return FoundSets(own)
    root = layout.root.removeprefix("file://").rstrip("/")
    return _beside(own, _read_all(storage, dict.fromkeys(_find_beside(storage, root), ())))


def _find_beside(storage: Storage, root: str) -> list[str]:
    """List what is beside a folder; of very much only what is named as labels or training data are."""
    parent, slash, _ = root.rpartition("/")
    if not root or parent.endswith(("/", ":")) or (slash and not parent):
        return []
    found = [path for path in list_children(storage.at(root), parent or ".") if path != root]
    return found if len(found) <= _MOST_SETS else [path for path in found if _HINTS & set(split_words(_name(path)))]


def _beside(own: DataSet, found: Sequence[DataSet]) -> FoundSets:
    model = guess_model(own.rows.table)
    labels = next((one for one in found if _has_labels_of(one, own, model)), None)
    training = next((one for one in found if one is not labels and _is_training(one, model)), None)
    others = tuple(one.path for one in found if one not in (labels, training))
    return FoundSets(own, labels, training, others)


def _choose(found: Sequence[DataSet]) -> FoundSets | None:
    """Choose the predictions among data sets; None if all have the same columns, as parts of one have."""
    if len({one.names for one in found}) < 2:  # noqa: PLR2004 - they differ
        return None
    scored = {one.path: _score(one) for one in found}
    dated = [one for one in found if one.is_dated] or list(found)
    own = max(dated, key=lambda one: scored[one.path])
    told = _beside(own, [one for one in found if one is not own])
    # parts of one archive may differ in a column
    has_parts = any(len(own.names & one.names) > len(own.names) / 2 for one in dated if one is not own)
    return None if has_parts and told.labels is None and told.training is None else told


def _score(found: DataSet) -> tuple[int, int]:
    """Return what speaks for predictions: their outputs, id and time; then the number of columns."""
    model = guess_model(found.rows.table)
    roles = {column.role for column in model.columns}
    is_named = bool(_PREDICTION_WORDS & set(split_words(_name(found.path))))
    return len(roles & {Role.ID, Role.TIME}) + 2 * len(model.outputs) + 2 * is_named, len(found.names)


def _has_labels_of(found: DataSet, own: DataSet, model: GuessedModel) -> bool:
    """Say whether a data set has labels of predictions: few columns, one of which is their id, and one a label."""
    identifier = model.column_of(Role.ID)
    is_named = bool(_LABEL_WORDS & set(split_words(_name(found.path))))
    has_id = identifier is not None and identifier.name in found.names
    features = _features(model)
    if len(features & found.names) > len(features) / 2 or not (has_id or is_named):
        return False
    label = guess_model(own.rows.table, found.rows.table).label
    return label is not None and (is_named or bool(_LABEL_WORDS & set(split_words(label.name))))


def _is_training(found: DataSet, model: GuessedModel) -> bool:
    """Say whether a data set is training data: without days in its paths, and with the features of the predictions."""
    features = _features(model)
    return bool(features) and not found.is_dated and len(features & found.names) >= _FEATURES * len(features)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _features(model: GuessedModel) -> frozenset[str]:
    return frozenset(column.name for column in model.columns if column.role is Role.FEATURE and column.type is not None)


def _read_all(storage: Storage, groups: Mapping[str, Sequence[str]]) -> list[DataSet]:
    """Read the first rows of data sets; one that cannot be read is none."""
    found = []
    for path, files in list(groups.items())[:_MOST_SETS]:
        try:
            own = find_samples(storage, path) if not files else list(files)
            found.append(DataSet(path=path, files=tuple(own), rows=read_sample(storage, own[:3], _ROWS)))
        except MlmonError:
            continue
    return found


def _group(data: str, files: Sequence[str]) -> dict[str, list[str]]:
    """Group files by the folder or file right below a path; none where that names a day or a value, or is a part."""
    root = data.removeprefix("file://").rstrip("/")
    groups: dict[str, list[str]] = {}
    has_folder = False
    for file in files:
        plain = file.removeprefix("file://")
        first, slash, _ = plain.removeprefix(f"{root}/").partition("/")
        if not plain.startswith(f"{root}/") or find_day(first) is not None or "=" in first or first.isdigit():
            return {}
        has_folder = has_folder or bool(slash)
        groups.setdefault(f"{root}/{first}", []).append(file)
    return groups if has_folder else {}
