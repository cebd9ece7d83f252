"""Domain classifier: separability of two samples.

    score = mean over three folds of the ROC AUC on the fold's rows, by a classifier that saw the others

The classifier has 30 gradient-boosted trees with at most 15 leaves and takes missing values and
categories as they are. A row's fold follows from the hash of its prediction id, so that an id that
is on both sides lies in one fold; the rows are put in the order of that hash and the classifier runs in
one thread, so that the same rows have the same score whatever their order and the machine.

Range: 0 to 1; 0.5 without drift, or a little below it. Infinite values count as
missing. A category has the first 254 values of its vocabulary, and one for all others, which is as many
as the classifier takes. A column that a side lacks, or that is all empty on one side, is left out with
the reason: its null rate shows that already, and it would hide all other drift.

Sources: Rabanser, Günnemann and Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset
Shift", 2019; NannyML's domain classifier (LightGBM); evidently's drift of texts and of embeddings by a domain
classifier (SGD). Those compare the ROC AUC with a fixed limit; here it is evaluated beside past days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from airflow_mlmon.drift.matrix import order_hashes, to_doubles
from airflow_mlmon.drift.multivariate import FEWEST_ROWS, DomainScore
from airflow_mlmon.profiles.schema import ColumnSchema, Kind
from airflow_mlmon.statistics.arrays import Flags, Floats

_FOLDS = 3
_STRONGEST = 5


def tell_apart(
    reference: pa.Table, current: pa.Table, columns: Sequence[ColumnSchema], id_column: str, *, explain: bool = False
) -> DomainScore:
    """Cross-validate a classifier that separates the rows of both sides by the given columns.

    With `explain` the most important columns are named, by permutation importance: the loss of ROC AUC on unseen rows
    when the column's values are permuted, by one fixed permutation.
    """
    sides = (("the reference", reference), ("the partition", current))
    rows = {"rows_reference": reference.num_rows, "rows_current": current.num_rows}
    for side, table in sides:
        if table.num_rows < FEWEST_ROWS:
            problem = f"{side} has {table.num_rows} rows, fewer than {FEWEST_ROWS}"
            return DomainScore(value=None, problem=problem, **rows)
    # samples have no derived columns
    columns = [column for column in columns if column.derived is None]
    values = {column.name: [to_doubles(table, column) for _, table in sides] for column in columns}
    left_out = tuple(reason for name, pair in values.items() for reason in _reasons(name, pair))
    seen = [column for column in columns if not any(_reasons(column.name, values[column.name]))]
    if not seen:
        return DomainScore(value=None, problem="no feature has values on both sides", left_out=left_out, **rows)
    hashes = np.concatenate([order_hashes(table.column(id_column)) for _, table in sides])
    order = np.argsort(hashes, kind="stable")
    cells = np.column_stack([np.concatenate(values[column.name]) for column in seen])[order]
    is_current = np.repeat([False, True], [table.num_rows for _, table in sides])[order]
    with threadpool_limits(limits=1):
        value, losses = _cross_validate(cells, is_current, hashes[order] % _FOLDS, seen, explain=explain)
    ranked = sorted(zip([column.name for column in seen], losses, strict=True), key=lambda pair: (-pair[1], pair[0]))
    strongest = tuple((name, loss) for name, loss in ranked[:_STRONGEST] if loss > 0)
    return DomainScore(value=value, strongest=strongest, left_out=left_out, **rows)


def _cross_validate(
    cells: Floats, is_current: Flags, folds: npt.NDArray[np.uint64], columns: Sequence[ColumnSchema], *, explain: bool
) -> tuple[float, list[float]]:
    """Return the mean ROC AUC over the folds, and the importance of each column."""
    scores: list[float] = []
    losses: list[list[float]] = []
    for fold in range(_FOLDS):
        unseen = folds == fold
        truth = is_current[unseen]
        if truth.all() or not truth.any():
            continue
        model = _classifier(columns).fit(cells[~unseen], is_current[~unseen])
        scores.append(_roc_auc(model, cells[unseen], truth))
        if explain:
            moved = (_roc_auc(model, part, truth) for part in _with_one_moved(cells[unseen]))
            losses.append([scores[-1] - value for value in moved])
    means = np.mean(losses, axis=0) if losses else np.zeros(len(columns))
    return float(np.mean(scores)), [round(float(mean), 4) for mean in means]


def _classifier(columns: Sequence[ColumnSchema]) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=30,
        learning_rate=0.2,
        max_leaf_nodes=15,
        early_stopping=False,
        categorical_features=[column.kind is Kind.CATEGORY for column in columns],
        random_state=0,
    )


def _roc_auc(model: Any, cells: Floats, truth: Flags) -> float:
    return float(roc_auc_score(truth, model.predict_proba(cells)[:, 1]))


def _with_one_moved(cells: Floats) -> Iterator[Floats]:
    """Yield, for each column, the rows with its values shifted by half of the rows."""
    for place in range(cells.shape[1]):
        moved = cells.copy()
        # the rows are in the order of a hash, so that a shift is as good as a random permutation
        moved[:, place] = np.roll(cells[:, place], len(cells) // 2)
        yield moved


def _reasons(name: str, sides: Sequence[Floats]) -> Iterator[str]:
    for side, values in zip(("the reference", "the partition"), sides, strict=True):
        if not len(values):
            yield f"{name}: missing in {side}"
        elif np.isnan(values).all():
            yield f"{name}: no values in {side}"
