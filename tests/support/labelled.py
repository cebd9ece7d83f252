"""Predictions joined with labels, as performance is measured on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def labelled_table(
    *,
    score: Sequence[float | None],
    prediction: Sequence[bool | None],
    label: Sequence[bool | None] | None = None,
    excluded: Sequence[bool] | None = None,
) -> pa.Table:
    """The table of the given columns; no labels and no excluded rows by default."""
    rows = len(score)
    return pa.table(
        {
            "score": pa.array(score, pa.float64()),
            "prediction": pa.array(prediction, pa.bool_()),
            "label": pa.array([None] * rows if label is None else label, pa.bool_()),
            "excluded": pa.array([False] * rows if excluded is None else excluded, pa.bool_()),
        }
    )


def random_labels(rows: int, seed: int) -> pa.Table:
    """Scores that are calibrated, with labels missing here and there and some rows excluded."""
    random = np.random.default_rng(seed)
    score = random.beta(1, 2, rows)
    return pa.table(
        {
            "score": pa.array(score, mask=random.random(rows) < 0.02),
            "prediction": pa.array(score >= 0.5),
            "label": pa.array(random.random(rows) < score, mask=random.random(rows) < 0.1),
            "excluded": pa.array(random.random(rows) < 0.05),
        }
    )


def random_numbers(rows: int, seed: int) -> pa.Table:
    """Predicted amounts with bounds and quantiles, with values missing here and there and some rows excluded."""
    random = np.random.default_rng(seed)
    prediction = random.gamma(4, 25, rows)
    label = prediction * random.lognormal(0, 0.3, rows) + 1
    quantiles = np.stack([prediction * share for share in (0.7, 1.0, 1.4)], axis=1)
    return pa.table(
        {
            "prediction": pa.array(prediction, mask=random.random(rows) < 0.02),
            "lower": pa.array(prediction * 0.6),
            "upper": pa.array(prediction * 1.6, mask=random.random(rows) < 0.02),
            "quantile": pa.FixedSizeListArray.from_arrays(pa.array(quantiles.ravel()), 3),
            "label": pa.array(label, mask=random.random(rows) < 0.1),
            "excluded": pa.array(random.random(rows) < 0.05),
        }
    )


CLASSES = ("cat", "dog", "fox", "owl")


def random_classes(rows: int, seed: int) -> pa.Table:
    """Calibrated probabilities of four classes, the most probable one as the prediction, and a label in ten missing."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet((1.5, 1.0, 0.6, 0.4), rows)
    truth = (probabilities.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    names = np.array(CLASSES)
    values = pa.array(probabilities.ravel())
    return pa.table(
        {
            "prediction": pa.array(names[probabilities.argmax(axis=1)]),
            "probability": pa.FixedSizeListArray.from_arrays(values, len(CLASSES)),
            "label": pa.array(names[np.minimum(truth, len(CLASSES) - 1)], mask=random.random(rows) < 0.1),
            "excluded": pa.array(random.random(rows) < 0.05),
        }
    )
