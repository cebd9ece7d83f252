"""Faults in the outputs of the model and in its labels. Shares are those of the day's rows, or of its labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.benchmarks.faults.planting import Day, Kind, Planted


def _score(day: Day) -> str:
    """The column of the score, or of the predicted number."""
    numbers = {name for name, one in day.source.columns.items() if one["type"] == "float"}
    return next((name for role in ("score", "prediction") if (name := day.source.of_role(role)) in numbers), "")


def _labelled(day: Day) -> pd.DataFrame:
    rows = day.rows
    return rows[rows[day.source.label].notna()].reset_index(drop=True)


_OF_LABELS = ("label", "labels", "accuracy", "precision", "recall", "ROC", "AUC", "log", "Brier", "error", "estimate")


def _words(day: Day) -> tuple[str, ...]:
    """Words of performance, which is what faulty labels change."""
    return (*_OF_LABELS, day.source.label, "calibration", "F1", "R²", "MAE", "RMSE", "bias", "specificity", "Gini")


def _of_score(day: Day, name: str) -> tuple[str, ...]:
    """Words of a faulty output: itself, or the performance that it leads to."""
    return name, "score", "prediction", *_words(day)


def score_saturated(day: Day, share: float) -> Planted | None:
    """A share of the rows has a score of 0.999, or ten times the largest prediction of the day."""
    if not (name := _score(day)):
        return None
    rows = day.rows
    full = 0.999 if day.source.of_role("score") else 10 * rows[name].max()
    return Planted(
        rows.assign(**{name: rows[name].mask(day.some(share), full)}), _of_score(day, name), is_labelled=True
    )


def score_shuffled(day: Day, share: float) -> Planted | None:
    """A share of the rows exchanges the scores among each other."""
    if not (name := _score(day)):
        return None
    rows = day.rows
    places = np.flatnonzero(day.some(share))
    values = rows[name].to_numpy(copy=True)
    values[places] = values[day.random.permutation(places)]
    return Planted(rows.assign(**{name: values}), _of_score(day, name), is_labelled=True)


def score_shift(day: Day, deviations: float) -> Planted | None:
    """Each score is lower by so many standard deviations, but not below zero."""
    if not (name := _score(day)):
        return None
    values = day.rows[name]
    lower = (values - deviations * values.std()).clip(lower=0)
    return Planted(day.rows.assign(**{name: lower}), _of_score(day, name), is_labelled=True)


def threshold_moved(day: Day, factor: float) -> Planted | None:
    """So many times as many rows are predicted to be positive, those with the next lower scores."""
    name, score = day.source.of_role("prediction"), day.source.of_role("score")
    if not score:
        return None
    rows = day.rows
    count = min(round(factor * rows[name].sum()), len(rows))
    if count == rows[name].sum():
        return None
    moved = rows[score].rank(method="first", ascending=False) <= count
    return Planted(rows.assign(**{name: moved}), (*_of_score(day, name), "positive", "predictions"), is_labelled=True)


def label_flip(day: Day, share: float) -> Planted | None:
    """A share of the labels is the opposite, or in a regression that of another row."""
    if not day.source.label:
        return None
    rows = _labelled(day)
    values = rows[day.source.label]
    chosen = day.random.permutation(len(rows))[: round(share * len(rows))]
    flipped = values.to_numpy(copy=True)
    is_class = bool(day.source.of_role("score"))
    flipped[chosen] = ~flipped[chosen].astype(bool) if is_class else flipped[day.random.permutation(chosen)]
    return Planted(None, _words(day), labels=rows.assign(**{day.source.label: pd.array(flipped, values.dtype)}))


def label_leak(day: Day, share: float) -> Planted | None:
    """A share of the labels is what was predicted: the feedback of the model itself."""
    if not day.source.label:
        return None
    rows = _labelled(day)
    predicted = rows[day.source.of_role("prediction")]
    if not day.source.of_role("score"):
        predicted = predicted.round()
    values = rows[day.source.label]
    chosen = np.isin(np.arange(len(rows)), day.random.permutation(len(rows))[: round(share * len(rows))])
    return Planted(None, _words(day), labels=rows.assign(**{day.source.label: values.mask(chosen, predicted)}))


def labels_lost(day: Day, share: float) -> Planted | None:
    """A share of the labels does not come."""
    if not day.source.label:
        return None
    rows = _labelled(day)
    kept = day.random.permutation(len(rows))[round(share * len(rows)) :]
    return Planted(None, ("label", "labels", "coverage"), labels=rows.iloc[np.sort(kept)])


def labels_unmatched(day: Day, share: float) -> Planted | None:
    """A share of the labels has ids that no prediction has."""
    if not day.source.label:
        return None
    rows = _labelled(day)
    chosen = np.isin(np.arange(len(rows)), day.random.permutation(len(rows))[: round(share * len(rows))])
    name = day.source.of_role("id")
    return Planted(
        None,
        ("label", "labels", "coverage", "ids"),
        labels=rows.assign(**{name: rows[name].mask(chosen, "x" + rows[name].astype(str))}),
    )


KINDS = (
    Kind("score_saturated", (0.05, 0.2, 1), score_saturated),
    Kind("score_shuffled", (0.2, 0.5, 1), score_shuffled),
    Kind("score_shift", (0.2, 0.5, 1.5), score_shift),
    Kind("threshold_moved", (1.1, 1.3, 2), threshold_moved),
    Kind("label_flip", (0.05, 0.15, 0.4), label_flip),
    Kind("label_leak", (0.1, 0.3, 1), label_leak),
    Kind("labels_lost", (0.2, 0.5, 0.9), labels_lost),
    Kind("labels_unmatched", (0.1, 0.3, 1), labels_unmatched),
)
