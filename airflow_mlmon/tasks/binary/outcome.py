"""Outcome profile of a binary classifier: counts and sums of its predictions with their labels.

The score's cells are kept per class on a grid that is as fine at 1 as it is at 0: a score below ½ has
the cell of its value, one from ½ on the mirrored cell of 1 - p (which is exact there). Log loss and
Brier score are sums of integers in units of 2**-40, each row rounded to the nearest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.errors import ProfileSchemaMismatchError, SchemaMismatchError
from airflow_mlmon.profiles.codec.codec import read_column, read_steps, write_column, write_steps
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.profiles.columns.sketch import DistinctSketch
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.statistics.arrays import Flags, Floats
from airflow_mlmon.tasks.binary.scores import ScoreCells
from airflow_mlmon.tasks.cells import EPSILON, count_score_cells, from_half, to_score_cells
from airflow_mlmon.tasks.counting import CountedCell, CountedRows
from airflow_mlmon.tasks.outcome import OutcomeSchema
from airflow_mlmon.tasks.sums import in_units

KIND = b"MLML"
VERSION = 4
# the newest version that holds counts of the labels, the newest without the cells of all scores, and that without a
# threshold, which is still written where there is none
_COUNTED = 1
_LABELLED = 2
_ARCHIVED = 3
# what is pinned of the label
LABEL = ColumnSchema(name="label", kind=Kind.CATEGORY, vocabulary=("false", "true"))
SCHEMA = OutcomeSchema(columns=(LABEL,))
_NULL = -1
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryOutcomes:
    """Outcome profile of the predictions of a partition.

    Attributes:
        rows: Predictions.
        excluded: Predictions that will never be labelled (excluded).
        true_positive: Labels that are positive, predicted positive.
        false_positive: Labels that are negative, predicted positive.
        false_negative: Labels that are positive, predicted negative.
        true_negative: Labels that are negative, predicted negative.
        improbable: Labelled predictions with a score outside 0 to 1, which has no log loss.
        log_loss: Sum of the log losses of the scores within 0 to 1, in units of 2**-40.
        brier: Sum of their squared distances from the label, in units of 2**-40.
        label: Column profile of the labels.
        positive_cells: Cells of the scores of positive labels.
        negative_cells: Cells of the scores of negative labels.
        threshold: The score from which on a row is predicted positive; None where the class is archived.
        scores: Cells of the scores of all rows, labelled or not; None where older bytes or counts elsewhere lack them.
    """

    rows: int = 0
    excluded: int = 0
    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0
    improbable: int = 0
    log_loss: int = 0
    brier: int = 0
    label: CategoryProfile
    positive_cells: Tally
    negative_cells: Tally
    scores: ScoreCells | None = None
    threshold: float | None = None

    @classmethod
    def empty(cls) -> Self:
        """Return the profile of no rows, the neutral element of addition."""
        nothing = Tally.empty(np.int32)
        return cls(label=profile_label(0, 0), positive_cells=nothing, negative_cells=nothing, scores=ScoreCells.empty())

    def __add__(self, other: Self) -> Self:
        """Sum two profiles.

        Raises:
            ProfileSchemaMismatchError: their thresholds differ.
        """
        return type(self)(
            threshold=self._common_threshold(other),
            label=profile_label(self.labelled + other.labelled, self.positive + other.positive),
            positive_cells=Tally.total((self.positive_cells, other.positive_cells)),
            negative_cells=Tally.total((self.negative_cells, other.negative_cells)),
            scores=self.scores + other.scores if self.scores and other.scores else None,
            **{name: getattr(self, name) + getattr(other, name) for name in _NUMBERS},
        )

    def __sub__(self, part: Self) -> Self:
        """Subtract the profile of a part of the rows.

        Raises:
            ProfileSchemaMismatchError: their thresholds differ.
        """
        return type(self)(
            threshold=self._common_threshold(part),
            label=profile_label(self.labelled - part.labelled, self.positive - part.positive),
            positive_cells=self.positive_cells.without(part.positive_cells),
            negative_cells=self.negative_cells.without(part.negative_cells),
            scores=self.scores - part.scores if self.scores and part.scores else None,
            **{name: getattr(self, name) - getattr(part, name) for name in _NUMBERS},
        )

    @classmethod
    def numbers(cls) -> tuple[str, ...]:
        """Return the names of the additive counts and sums."""
        return _NUMBERS

    @property
    def schema(self) -> OutcomeSchema:
        """Pinned schema, which is the same for every model but for the threshold."""
        return schema_with(self.threshold)

    @property
    def labelled(self) -> int:
        """Predictions with a label."""
        return self.label.observed

    @property
    def positive(self) -> int:
        """Labels that are positive."""
        return self.label.count_of("true")

    @property
    def scored(self) -> int:
        """Labelled predictions with a finite score."""
        return self.positive_cells.rows + self.negative_cells.rows

    @property
    def classified(self) -> int:
        """Labelled predictions with a predicted class."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    def to_bytes(self) -> bytes:
        """Encode the profile as bytes that are the same on every platform."""
        writer = ByteWriter()
        for name in _NUMBERS:
            writer.integer(getattr(self, name))
        write_column(writer, self.label)
        write_steps(writer, self.positive_cells)
        write_steps(writer, self.negative_cells)
        writer.integer(self.scores is not None)
        if self.scores is not None:
            self.scores.write(writer)
        if self.threshold is None:
            return writer.seal(KIND, _ARCHIVED)
        writer.numbers([self.threshold])
        return writer.seal(KIND, VERSION)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Decode the profile that `to_bytes` wrote.

        Raises:
            StateError: the bytes are not an outcome profile, are damaged, or have a later format.
        """
        reader = ByteReader(data, KIND, VERSION)
        names = _NUMBERS if reader.version > _COUNTED else _NUMBERS_OF_1
        numbers = {name: reader.integer() for name in names}
        if reader.version > _COUNTED:
            label = read_column(reader, LABEL)
        else:
            label = profile_label(numbers.pop("labelled"), numbers.pop("positive"))
        assert isinstance(label, CategoryProfile)  # noqa: S101 - its profile schema says so
        positive_cells, negative_cells = read_steps(reader), read_steps(reader)
        has_scores = reader.version > _LABELLED and bool(reader.integer())
        scores = ScoreCells.read(reader) if has_scores else None
        return cls(
            label=label,
            positive_cells=positive_cells,
            negative_cells=negative_cells,
            scores=scores,
            threshold=reader.numbers()[0] if reader.version > _ARCHIVED else None,
            **numbers,
        )

    def _common_threshold(self, other: Self) -> float | None:
        if self.threshold == other.threshold or not other.rows:
            return self.threshold
        if self.rows:
            raise ProfileSchemaMismatchError(
                f"Outcome profiles with the thresholds {self.threshold} and {other.threshold} cannot be added.",
                hint="the threshold has changed: rebuild them with `mlmon reprofile`",
            )
        return other.threshold


_NUMBERS = tuple(field.name for field in fields(BinaryOutcomes) if field.type == "int")
# version 1 had counts of the labels in the place of their column profile
_NUMBERS_OF_1 = (_NUMBERS[0], "labelled", _NUMBERS[1], "positive", *_NUMBERS[2:])


def schema_with(threshold: float | None) -> OutcomeSchema:
    """Return the pinned schema of the outcomes of models with this threshold."""
    return SCHEMA if threshold is None else replace(SCHEMA, settings=(("threshold", threshold),))


def profile_label(labelled: int, positive: int) -> CategoryProfile:
    """Make the column profile of so many labels, of which so many are positive."""
    counts = np.array([labelled - positive, positive], dtype=np.int64)
    return CategoryProfile(
        schema=LABEL,
        rows=labelled,
        nulls=0,
        known=Tally.of_counts(np.array([0, 1], dtype=np.int32), counts),
        unseen=Tally.empty(np.int32),
        sketch=_sketch(*(bool(count) for count in counts.tolist())),
    )


@lru_cache(maxsize=4)
def _sketch(*is_held: bool) -> DistinctSketch:
    return DistinctSketch.of(pa.array([text for text, held in zip(LABEL.vocabulary, is_held, strict=True) if held]))


def profile_outcomes(table: pa.Table, threshold: float | None = None) -> BinaryOutcomes:
    """Profile predictions joined with their labels.

    Args:
        table: One row per prediction, with the columns score (double or null), prediction (boolean
            or null), label (boolean or null) and excluded (boolean). The label of an excluded row is
            ignored; a score that is NaN or infinite counts as missing.
        threshold: The score from which on a row is predicted positive; None to take the column prediction.

    Raises:
        SchemaMismatchError: one of the columns is absent or of another type.
    """
    excluded = _flags(table, "excluded") == 1
    labels = np.where(excluded, _NULL, _flags(table, "label"))
    scores = _scores(table)
    positive, negative = labels == 1, labels == 0
    scored = np.isfinite(scores)
    predictions = _flags(table, "prediction") if threshold is None else np.where(scored, scores >= threshold, _NULL)
    probable = scored & (labels != _NULL) & (scores >= 0) & (scores <= 1)
    held = slice(None) if scored.all() else scored
    by_label, by_class = count_score_cells(to_score_cells(scores[held]), labels[held], predictions[held])
    log_loss, brier = _losses(scores[probable], positive[probable])
    return BinaryOutcomes(
        threshold=threshold,
        rows=table.num_rows,
        label=profile_label(_count(labels != _NULL), _count(positive)),
        excluded=_count(excluded),
        true_positive=_count(positive & (predictions == 1)),
        false_positive=_count(negative & (predictions == 1)),
        false_negative=_count(positive & (predictions == 0)),
        true_negative=_count(negative & (predictions == 0)),
        improbable=_count(scored & (labels != _NULL)) - _count(probable),
        log_loss=log_loss,
        brier=brier,
        positive_cells=by_label.true,
        negative_cells=by_label.false,
        scores=ScoreCells(positive=by_class.true, negative=by_class.false, unclassified=by_class.null),
    )


def losses_of(table: pa.Table) -> Floats:
    """Return the Brier loss of each row, 0 or 1 by its class where it has no score, and NaN without a label."""
    labels = np.where(_flags(table, "excluded") == 1, _NULL, _flags(table, "label"))
    predictions, scores = _flags(table, "prediction"), _scores(table)
    wrong = np.where(predictions == _NULL, np.nan, predictions != labels)
    losses: Floats = np.where(np.isfinite(scores), (scores - labels) ** 2, wrong)
    return np.where(labels == _NULL, np.nan, losses)


def outcomes_of_counts(rows: Iterable[CountedRows], cells: Iterable[CountedCell]) -> BinaryOutcomes:
    """Make an outcome profile of counts, whose sums of log losses and Brier scores stay at 0.

    A logarithm elsewhere is not numpy's to the last bit, and nothing is compared by them.
    """
    found: Counter[str] = Counter()
    for alike in rows:
        label, prediction = alike.classes["label"], alike.classes["prediction"]
        found["rows"] += alike.rows
        found["excluded"] += alike.rows * alike.is_excluded
        if label is None:
            continue
        found["labelled"] += alike.rows
        found["positive"] += alike.rows * label
        found["improbable"] += alike.rows * (alike.is_within is False)
        if prediction is not None:
            found[f"{'true' if label == prediction else 'false'}_{'positive' if prediction else 'negative'}"] += (
                alike.rows
            )
    counted = list(cells)
    labels = profile_label(found.pop("labelled", 0), found.pop("positive", 0))
    return BinaryOutcomes(
        label=labels,
        positive_cells=_tally(counted, 1),
        negative_cells=_tally(counted, 0),
        # cells are counted of labelled rows alone
        scores=None if found["rows"] else ScoreCells.empty(),
        **found,
    )


def _tally(cells: Sequence[CountedCell], label: int) -> Tally:
    """Tally the cells of the scores of one class."""
    held = [cell for cell in cells if cell.of == label]
    halves = np.array([cell.cell for cell in held], dtype=np.int32)
    upper = np.array([cell.is_mirrored for cell in held], dtype=bool)
    return Tally.of_counts(from_half(halves, upper), np.array([cell.rows for cell in held], dtype=np.int64))


def _flags(table: pa.Table, name: str) -> npt.NDArray[np.int8]:
    """Convert true to 1, false to 0, null to -1."""
    column = _column(table, name)
    if not pa.types.is_boolean(column.type) and not pa.types.is_null(column.type):
        raise _wrong_type(name, column.type, "boolean")
    flags: npt.NDArray[np.int8] = column.cast(pa.int8()).fill_null(_NULL).to_numpy()
    return flags


def _scores(table: pa.Table) -> Floats:
    column = _column(table, "score")
    if not pa.types.is_floating(column.type) and not pa.types.is_null(column.type):
        raise _wrong_type("score", column.type, "double")
    scores: Floats = column.cast(pa.float64()).fill_null(np.nan).to_numpy()
    return scores


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        raise SchemaMismatchError(f"The joined labels lack column {name!r}.", column=name)
    return table.column(name)


def _wrong_type(name: str, found: pa.DataType, expected: str) -> SchemaMismatchError:
    return SchemaMismatchError(
        f"Column {name!r} of the joined labels is of type {found}, not {expected}.", column=name, type=str(found)
    )


def _losses(scores: Floats, positive: Flags) -> tuple[int, int]:
    """Sum log losses and squared distances, of so many scores at a time that they stay in the cache of a processor."""
    log_loss = brier = 0
    for start in range(0, len(scores), _BLOCK):
        own, is_positive = scores[start : start + _BLOCK], positive[start : start + _BLOCK]
        clipped = np.clip(own, EPSILON, 1 - EPSILON)
        log_loss += in_units(-np.log(np.where(is_positive, clipped, 1 - clipped)))
        brier += in_units((own - is_positive) ** 2)
    return log_loss, brier


def _count(flags: Flags) -> int:
    # ten times as fast as their sum
    return int(np.count_nonzero(flags))
