"""Outcome profile of a classifier of several classes: the confusion matrix, and what its probabilities say.

Classes are numbered in the order of the pinned vocabulary of the label, the reference's most frequent one first; the
number after the last stands for every other class, which is counted as one. Probabilities are kept as cells per class,
of rows labelled with it and of the others, for at most 50 classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from airflow_mlmon.errors import SchemaMismatchError
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.profiles.values.arrow import to_text_array
from airflow_mlmon.profiles.values.exact import sum_exactly
from airflow_mlmon.profiles.values.reading import Texts, count_texts
from airflow_mlmon.spec.choices import Role
from airflow_mlmon.statistics.arrays import Flags, Floats
from airflow_mlmon.tasks.cells import EPSILON, N_CELLS, to_score_cells
from airflow_mlmon.tasks.multiclass.table import TOLERANCE
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.sums import OutcomeSums, to_units

LABEL = "label"
MAX_CLASSES = 1_000
MAX_CURVES = 50
CONFUSION, RANKS = "confusion", "ranks"

Codes = npt.NDArray[np.int32]
_NONE = -1
# columns of arranged rows, beside the label, the ranks and the losses
_TRUTH, _PREDICTED, _STATE = "truth", "predicted", "state"
_MISSING, _UNSOUND, _SOUND = range(3)
_LOSSES = ("log_loss", "log_loss2", "brier", "brier2")
# whether the label of a row is a class or another, each with whether the class is predicted
_UNLABELLED, _OWN, _OTHER = range(3)
_STATES = 6


def pin_classes(
    outputs: Mapping[Role, ColumnProfile],
    joined: pa.Table | None,
    classes: Sequence[str],
    settings: Mapping[str, float] = MappingProxyType({}),
) -> OutcomeSchema:
    """Pin the classes, the most frequent label first: those of the spec, else those that the reference has."""
    found = _count_classes(outputs, joined)
    named = classes or [name for name in sorted(found) if sum(found[name])]
    frequent = sorted(named, key=lambda name: [-count for count in found.get(name, (0, 0))])[:MAX_CLASSES]
    label = ColumnSchema(name=LABEL, kind=Kind.CATEGORY, vocabulary=tuple(frequent))
    return OutcomeSchema(columns=(label,), settings=tuple(sorted(settings.items())))


def arrange_classifications(joined: pa.Table, schema: OutcomeSchema, order: Sequence[str]) -> pa.Table:
    """Return what is counted of each row: numbers of classes, cells and rank of its probabilities, and its losses.

    Args:
        joined: One row per prediction, with the columns prediction and label (text or null), probability (a list of
            doubles per row, one per class, or null) and excluded (boolean). The label of an excluded row is ignored.
            Without a predicted class, the most probable one counts as predicted.
        schema: Pinned schema.
        order: Classes of the probabilities, in their order.

    Raises:
        SchemaMismatchError: one of the columns is absent or of another type.
    """
    classes = schema[LABEL].vocabulary
    excluded = _column(joined, "excluded").combine_chunks()
    labels = pc.if_else(excluded, pa.scalar(None, pa.string()), _texts(joined, LABEL))
    truth, predicted = _to_codes(labels, classes), _to_codes(_texts(joined, "prediction"), classes)
    kept = {name: joined.column(name) for name in joined.column_names if name not in {"prediction", "probability"}}
    columns = {**kept, LABEL: labels.dictionary_encode(), _TRUTH: truth, _PREDICTED: predicted}
    probabilities = _probabilities(joined, classes, order)
    if probabilities is None:
        return pa.table(columns)
    is_sound = _are_sound(probabilities, tolerance_of(schema))
    open_rows = np.flatnonzero((predicted == _NONE) & is_sound)
    predicted[open_rows] = probabilities[open_rows].argmax(axis=1)
    columns[_STATE] = np.where(is_sound, _SOUND, np.where(np.isnan(probabilities[:, 0]), _MISSING, _UNSOUND))
    own = np.where(is_sound & (truth != _NONE), _of_label(probabilities, truth), 1.0)
    columns[RANKS] = _ranks(probabilities, own, truth)
    log_losses = -np.log(np.clip(own, EPSILON, 1 - EPSILON))
    # the sum over the classes of (p - y)^2; unsound ones are not counted
    distances = np.where(is_sound, _square(probabilities) - 2 * own + 1, 0.0)
    for name, losses in (("log_loss", log_losses), ("brier", distances)):
        columns[name], columns[f"{name}2"] = to_units(losses), to_units(losses**2)
    if len(classes) <= MAX_CURVES:
        for place in range(len(classes)):
            scores = np.where(is_sound, probabilities[:, place], 0.0)
            columns[_cell_column(place)] = to_score_cells(scores).astype(np.int16)
    return pa.table(columns)


def profile_classifications(arranged: pa.Table, schema: OutcomeSchema) -> OutcomeSums:
    """Profile what `arrange_classifications` returns."""
    classes = schema[LABEL].vocabulary
    truth, predicted = _numbers(arranged, _TRUTH), _numbers(arranged, _PREDICTED)
    is_labelled = truth != _NONE
    both = is_labelled & (predicted != _NONE)
    tallies = {CONFUSION: _count_pairs(truth[both], predicted[both], len(classes) + 1)}
    sums: Counter[str] = Counter()
    if _STATE in arranged.column_names:
        state = _numbers(arranged, _STATE)
        is_sound = state == _SOUND
        rows = is_labelled & is_sound
        sums.update(improbable=int((is_labelled & (state == _UNSOUND)).sum()), scored=int(is_sound.sum()))
        sums.update(probable=int(rows.sum()))
        sums.update({name: sum_exactly(*_where(rows, _numbers(arranged, name))) for name in _LOSSES})
        tallies[RANKS] = _count_ranks(*_where(rows, _numbers(arranged, RANKS)))
        held = [place for place in range(len(classes)) if _cell_column(place) in arranged.column_names]
        for place in held:
            cells = _where(is_sound, _numbers(arranged, _cell_column(place)), truth, predicted)
            tallies |= _count_cells(place, *cells)
    return OutcomeSums(
        schema=schema,
        rows=arranged.num_rows,
        excluded=pc.sum(arranged.column("excluded")).as_py() or 0,
        columns={LABEL: _profile_label(schema[LABEL], arranged.column(LABEL).combine_chunks())},
        sums=sums,
        tallies=tallies,
    )


def is_arranged(joined: pa.Table) -> bool:
    """Return whether rows are what `arrange_classifications` returns."""
    return _TRUTH in joined.column_names


def cells_key(place: int, *, is_label: bool) -> str:
    """Return the key of the cells of a class's probability, of rows labelled with it or of the others."""
    return f"cells.{place}.{int(is_label)}"


def _cell_column(place: int) -> str:
    return f"cell.{place}"


def predicted_key(place: int, *, is_predicted: bool) -> str:
    """Return the key of the cells of a class's probability, labelled or not, of rows predicted as it or the others."""
    return f"predicted.{place}.{int(is_predicted)}"


def losses_of_classes(joined: pa.Table, order: Sequence[str], tolerance: float = TOLERANCE) -> Floats:
    """Return the Brier loss of each row, 0 or 1 by its class where it has no probabilities, and NaN without a label."""
    labels = pc.if_else(
        _column(joined, "excluded").combine_chunks(), pa.scalar(None, pa.string()), _texts(joined, LABEL)
    )
    wrong = pc.fill_null(pc.not_equal(labels, _texts(joined, "prediction")).cast(pa.float64()), np.nan)
    losses: Floats = wrong.to_numpy(zero_copy_only=False)
    probabilities = _probabilities(joined, order, order)
    if probabilities is not None:
        truth = _to_codes(labels, order)
        squares = _square(probabilities) - 2 * _of_label(probabilities, truth) + 1
        losses = np.where(_are_sound(probabilities, tolerance), squares, losses)
    return np.where(labels.is_valid().to_numpy(zero_copy_only=False), losses, np.nan)


def _count_classes(outputs: Mapping[Role, ColumnProfile], joined: pa.Table | None) -> dict[str, tuple[int, int]]:
    """Count the labels and the predictions of each class in the reference."""
    labels, predictions = Counter[str](), Counter[str]()
    prediction = outputs.get(Role.PREDICTION)
    if joined is not None:
        for counts, name in ((labels, LABEL), (predictions, "prediction")):
            found = count_texts(_texts(joined, name), name)
            counts.update(dict(zip(found.values.to_pylist(), found.counts.tolist(), strict=True)))
    elif isinstance(prediction, CategoryProfile):
        predictions.update({name: prediction.count_of(name) for name in prediction.schema.vocabulary})
    return {name: (labels[name], predictions[name]) for name in labels | predictions}


def _profile_label(schema: ColumnSchema, labels: pa.Array) -> CategoryProfile:
    found = count_texts(labels, LABEL)
    return CategoryProfile.of(schema, Texts(values=found.values, counts=found.counts, nulls=0))


def _to_codes(texts: pa.Array, classes: Sequence[str]) -> Codes:
    """Number the classes of rows; a class that is not pinned has the number after the last, a null -1."""
    places = pc.index_in(texts, value_set=to_text_array(classes))
    codes = pc.if_else(texts.is_null(), _NONE, pc.fill_null(places, len(classes)))
    numbers: Codes = codes.cast(pa.int32()).to_numpy(zero_copy_only=False, writable=True)
    return numbers


def _count_pairs(truth: Codes, predicted: Codes, classes: int) -> Tally:
    keys = truth * classes + predicted
    counts = np.bincount(keys, minlength=classes * classes) if len(keys) > classes else None
    if counts is None:
        return Tally.of(keys.astype(np.int32))
    held = np.flatnonzero(counts)
    return Tally(keys=held.astype(np.int32), counts=counts[held].astype(np.int64))


def tolerance_of(schema: OutcomeSchema) -> float:
    """Return within what the probabilities of a row must add up to 1."""
    return dict(schema.settings).get("tolerance", TOLERANCE)


def _where(is_held: Flags, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the held rows of arrays, without a copy if these are all."""
    return arrays if is_held.all() else tuple(array[is_held] for array in arrays)


def _count_ranks(ranks: Codes) -> Tally:
    return _to_tally(np.bincount(ranks))


def _are_sound(probabilities: Floats, tolerance: float) -> Flags:
    """Return whether each row's probabilities lie between 0 and 1 and add up to 1, within the tolerance."""
    with np.errstate(invalid="ignore"):
        sums = np.abs(probabilities.sum(axis=1) - 1) <= tolerance
        sound: Flags = sums & (probabilities.min(axis=1) >= 0) & (probabilities.max(axis=1) <= 1)
    return sound


def _count_cells(place: int, cells: Codes, truth: Codes, predicted: Codes) -> dict[str, Tally]:
    """Count the cells of a class's probability, by label of labelled rows, and by prediction of all."""
    of_label = np.where(truth == place, _OWN, np.where(truth == _NONE, _UNLABELLED, _OTHER))
    keys = cells.astype(np.int64) * _STATES + 2 * of_label + (predicted == place)
    counts = np.bincount(keys, minlength=_STATES * N_CELLS).reshape(N_CELLS, _STATES)
    sides = {
        cells_key(place, is_label=True): (2 * _OWN, 2 * _OWN + 1),
        cells_key(place, is_label=False): (2 * _OTHER, 2 * _OTHER + 1),
        predicted_key(place, is_predicted=True): (1, 3, 5),
        predicted_key(place, is_predicted=False): (0, 2, 4),
    }
    return {name: _to_tally(counts[:, states].sum(axis=1)) for name, states in sides.items()}


def _to_tally(counts: npt.NDArray[np.int64]) -> Tally:
    held = np.flatnonzero(counts)
    return Tally(keys=held.astype(np.int32), counts=counts[held])


def _of_label(probabilities: Floats, truth: Codes) -> Floats:
    """Return the probability of each row's label; 0 of a class that has none."""
    is_known = truth < probabilities.shape[1]
    known = probabilities[np.arange(len(truth)), np.where(is_known, truth, 0)]
    return np.where(is_known, known, 0.0)


def _square(probabilities: Floats) -> Floats:
    """Sum the squares of each row, one class after the other, so that no bit depends on the rows around it."""
    total = np.zeros(len(probabilities))
    for column in probabilities.T:
        total += column * column
    return total


def _ranks(probabilities: Floats, own: Floats, truth: Codes) -> Codes:
    """Rank each row's label by its probability, from 1 on; of equal ones the later class ranks first.

    So does scikit-learn's `top_k_accuracy_score`. The label of an unknown class ranks after all.
    """
    ranks = np.ones(len(truth), dtype=np.int32)
    for place, column in enumerate(probabilities.T):
        ranks += column > own
        ranks += (column == own) & (place > truth)
    return np.where(truth < probabilities.shape[1], ranks, probabilities.shape[1] + 1).astype(np.int32)


def _probabilities(joined: pa.Table, classes: Sequence[str], order: Sequence[str]) -> Floats | None:
    """Return the probabilities as rows of a matrix, with a column per class; None if there are none."""
    column = _column(joined, "probability")
    if column.null_count == len(column):
        return None
    if not pa.types.is_fixed_size_list(column.type) or column.type.list_size != len(order):
        raise SchemaMismatchError(
            f"The joined labels have probabilities as {column.type}, not one for each of {len(order)} classes.",
            hint="name the classes in the order of the probabilities by the key `classes`",
            column="probability",
        )
    if column.null_count:
        column = pc.coalesce(column, pa.scalar([np.nan] * len(order), column.type))
    numbers: Floats = column.combine_chunks().flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    places = [order.index(name) for name in classes]
    # one class after the other lie closer together than its rows
    matrix: Floats = np.asfortranarray(numbers.reshape(-1, len(order)))
    return matrix if places == list(range(len(order))) else matrix[:, places]


def _numbers(arranged: pa.Table, name: str) -> Codes:
    numbers: Codes = arranged.column(name).to_numpy()
    return numbers


def _texts(joined: pa.Table, name: str) -> pa.Array:
    column = _column(joined, name).combine_chunks()
    if not (pa.types.is_string(column.type) or pa.types.is_null(column.type)):
        raise SchemaMismatchError(
            f"Column {name!r} of the joined labels is of type {column.type}, not text.",
            column=name,
            type=str(column.type),
        )
    return column.cast(pa.string())


def _column(joined: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in joined.column_names:
        raise SchemaMismatchError(f"The joined labels lack column {name!r}.", column=name)
    return joined.column(name)
