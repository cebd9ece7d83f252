"""Expected loss of a row given its features and outputs, by gradient-boosted trees (direct loss estimation).

Three models are fitted, each on two thirds of a sample of the reference's labelled rows, which third follows from the
hash of a row's id. A row of the reference is expected to have the loss that the model says which has not seen it; any
other row the mean of the three. So the losses expected of the reference are as far from its own as those of new rows
that are like them, and no fit looks better than it is.

The models are fitted in one thread and in the order of the hash: the same rows give the same trees. Missing values and
categories are taken as they are; a column that a table lacks is missing in all its rows.

Source: NannyML's direct loss estimation (DLE), which fits LightGBM.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from airflow_mlmon.drift.matrix import order_hashes, to_doubles
from airflow_mlmon.drift.rows.evenly import step_of
from airflow_mlmon.drift.trees import MOST_LEAVES, Trees
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.statistics.arrays import Floats

# rows of the reference that the models are fitted on at most, and at least
MAX_LOSSES = 10_000
FEWEST_LOSSES = 200
# of a matrix that a thread predicts at once
_MOST_CELLS = 1 << 21
_FOLDS = 3
_SMALLEST_EXPONENT = -60


@dataclass(frozen=True, slots=True, kw_only=True)
class LossModel:
    """Fitted models of the loss.

    Attributes:
        columns: Columns that it reads.
        exponent: Exponent of the unit in which losses are summed: that of about their spread.
        folds: Models, the first fitted without the first third of the rows, and so on.
    """

    columns: Sequence[ColumnSchema]
    exponent: int
    folds: Sequence[Any]

    def expect(self, rows: pa.Table) -> Floats:
        """Return the loss expected of rows that are none of the reference.

        Of a million rows every tenth has one, the others NaN: `evenly.MOST` rows say as much as anyone needs to know.
        """
        found, places = _spread(rows.num_rows)
        if len(places):
            found[places] = self._predict(rows, places).mean(axis=0)
        return found

    def expect_own(self, rows: pa.Table, id_column: str) -> Floats:
        """Return the loss expected of rows of the reference, each by the model that has not seen it; see `expect`."""
        found, places = _spread(rows.num_rows)
        if len(places):
            fold = (order_hashes(rows.column(id_column).take(pa.array(places))) % _FOLDS).astype(np.int64)
            found[places] = self._predict(rows, places)[fold, np.arange(len(places))]
        return found

    def to_json(self) -> bytes:
        """Return the model as it is stored; empty if its trees are known to scikit-learn alone."""
        folds = [[fold.base, fold.trees] for fold in self.folds if isinstance(fold, Trees)]
        names = [column.name for column in self.columns]
        content = {"columns": names, "exponent": self.exponent, "folds": folds}
        return json.dumps(content).encode() if len(folds) == len(self.folds) else b""

    @classmethod
    def of_json(cls, content: bytes, columns: Sequence[ColumnSchema]) -> Self:
        """Return the model that `to_json` stored, given the columns that it was fitted on, and maybe others."""
        stored, by_name = json.loads(content), {column.name: column for column in columns}
        return cls(
            columns=tuple(by_name[name] for name in stored["columns"]),
            exponent=stored["exponent"],
            folds=[Trees(*fold) for fold in stored["folds"]],
        )

    def _predict(self, rows: pa.Table, places: npt.NDArray[np.int64]) -> Floats:
        there = set(rows.column_names)
        asked = rows.select([column.name for column in self.columns if column.name in there])
        if len(places) < rows.num_rows:
            asked = asked.take(pa.array(places))
        size = max(_MOST_CELLS // max(len(self.columns), 1), 1)

        def predict(first: int) -> Floats:
            cells = _cells(asked.slice(first, size), self.columns, min(size, len(places) - first))
            # a loss is never below 0, a sum of trees may be
            return np.maximum([model.predict(cells) for model in self.folds], 0.0)

        # each row by itself, so that the threads change nothing
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.concatenate(list(pool.map(predict, range(0, len(places), size))), axis=1)


def fit_losses(rows: pa.Table, losses: Floats, columns: Sequence[ColumnSchema], id_column: str) -> LossModel | None:
    """Fit the loss of labelled rows on their features and outputs; None for too few.

    Args:
        rows: labelled rows of the reference.
        losses: the loss of each.
        columns: numbers and categories that it is fitted on.
        id_column: the ids, by whose hash rows are ordered and folded.
    """
    hashes = order_hashes(rows.column(id_column)) if rows.num_rows else np.empty(0, dtype=np.uint64)
    held = np.isfinite(losses)
    if held.sum() < FEWEST_LOSSES or not columns:
        return None
    order = np.argsort(hashes, kind="stable")
    order = order[held[order]]
    cells, own, fold = _cells(rows, columns, rows.num_rows)[order], losses[order], hashes[order] % _FOLDS
    # the trees cannot be fitted to a column without a value
    known = np.all([np.isfinite(cells[fold != part]).any(axis=0) for part in range(_FOLDS)], axis=0)
    columns, cells = [column for column, is_known in zip(columns, known, strict=True) if is_known], cells[:, known]
    if not columns:
        return None
    folds = [_fit(columns, cells[fold != part], own[fold != part]) for part in range(_FOLDS)]
    spread = float(own.std()) or float(own.max())
    exponent = round(math.log2(spread)) if spread > 0 else _SMALLEST_EXPONENT
    return LossModel(columns=tuple(columns), exponent=max(exponent, _SMALLEST_EXPONENT), folds=folds)


def _spread(rows: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return an expected loss of NaN for each row, and the places, evenly spread, of those that get one."""
    return np.full(rows, np.nan), np.arange(0, rows, step_of(rows))


def _cells(rows: pa.Table, columns: Sequence[ColumnSchema], many: int) -> Floats:
    """Return rows as a matrix that holds each column together, as trees ask for them."""
    cells, there = np.full((many, len(columns)), np.nan, order="F"), set(rows.column_names)
    for place, column in enumerate(columns):
        if column.name in there:
            cells[:, place] = to_doubles(rows, column)
    return cells


def _fit(columns: Sequence[ColumnSchema], cells: Floats, losses: Floats) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # noqa: PLC0415 - slow to import, and seldom fitted
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415

    categories = [column.kind is Kind.CATEGORY for column in columns]
    model = HistGradientBoostingRegressor(
        max_iter=40,
        learning_rate=0.15,
        max_leaf_nodes=MOST_LEAVES - 1,
        early_stopping=False,
        categorical_features=categories,
        random_state=0,
    )
    with ThreadpoolController().limit(limits=1):
        model.fit(cells, losses)
        trees = Trees.of_scikit(model, categories)
        is_same = trees is not None and np.array_equal(trees.predict(cells), model.predict(cells))
    return trees if is_same else model
