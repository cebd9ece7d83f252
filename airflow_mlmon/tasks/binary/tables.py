"""Confusion matrix and reliability of a binary classifier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_mlmon.statistics.intervals import wilson_interval
from airflow_mlmon.tasks.binary.outcome import BinaryOutcomes
from airflow_mlmon.tasks.cells import BINS, to_bins, to_scores
from airflow_mlmon.tasks.confusion import table_confusion
from airflow_mlmon.tasks.outcome_table import OutcomePoint, OutcomeTable


def table_classes(profile: BinaryOutcomes, reference: BinaryOutcomes | None) -> Iterator[OutcomeTable]:
    """Show the confusion matrix, and the share of positive labels by score."""
    if profile.classified:
        cells = ((profile.true_negative, profile.false_positive), (profile.false_negative, profile.true_positive))
        yield table_confusion(("negative", "positive"), np.array(cells))
    if profile.scored and not profile.improbable:
        yield _table_reliability(profile, reference)


def _table_reliability(profile: BinaryOutcomes, reference: BinaryOutcomes | None) -> OutcomeTable:
    known = _by_bin(reference) if reference is not None and not reference.improbable else {}
    rows, points = [], []
    for place, (labelled, hits, mean) in _by_bin(profile).items():
        low, high = wilson_interval(hits, labelled) or (None, None)
        before = known.get(place)
        share, name = hits / labelled, f"{place / BINS:.2f} to {(place + 1) / BINS:.2f}"
        rows.append((name, labelled, mean, share, low, high, before[1] / before[0] if before else None))
        points.append(OutcomePoint(name=name, value=share, low=low, high=high, expected=mean))
    columns = ("Score", "Rows", "Mean score", "Positive labels", "95 % low", "95 % high", "In the reference")
    return OutcomeTable(
        title="Reliability of the score",
        columns=columns,
        rows=tuple(rows),
        note="A calibrated score is the share of positive labels among the rows that have it: their mean is expected.",
        shares=frozenset(columns[3:]),
        points=tuple(points),
        axis="share of positive labels",
        is_share=True,
    )


def _by_bin(profile: BinaryOutcomes) -> dict[int, tuple[int, int, float]]:
    """Return the rows, the positive labels and the mean score of each bin of scores that has rows."""
    keys = np.union1d(profile.positive_cells.keys, profile.negative_cells.keys)
    hits = profile.positive_cells.spread(keys)
    counts, scores = hits + profile.negative_cells.spread(keys), to_scores(keys)
    bins = to_bins(scores, BINS)
    labelled, positive, total = (
        np.bincount(bins, weights=weights, minlength=BINS) for weights in (counts, hits, counts * scores)
    )
    return {
        place: (int(labelled[place]), int(positive[place]), float(total[place] / labelled[place]))
        for place in np.flatnonzero(labelled).tolist()
    }
