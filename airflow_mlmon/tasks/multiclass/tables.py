"""Confusion matrix of a classifier of several classes, and the quality of each class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from airflow_mlmon.statistics.arrays import Counts
from airflow_mlmon.statistics.hypergeometric import exact_p_value
from airflow_mlmon.tasks.confusion import NOTE, table_confusion
from airflow_mlmon.tasks.multiclass.metrics import Confusion, classes_of, per_class
from airflow_mlmon.tasks.outcome_table import Cell, OutcomePoint, OutcomeTable
from airflow_mlmon.tasks.sums import OutcomeSums

# the most frequent ones in the reference, which pages show one by one
SHOWN, _IN_MATRIX = 50, 20
_OTHER = "other"
# classes that a note names, at this level
_NAMED, _LEVEL = 3, 0.05


def table_classifications(profile: OutcomeSums, reference: OutcomeSums | None) -> Iterator[OutcomeTable]:
    """Show the confusion matrix, and precision, recall and F1 of each class."""
    confusion, classes = Confusion.of(profile), classes_of(profile)
    if not confusion.rows:
        return
    known = Confusion.of(reference) if reference is not None and reference.schema == profile.schema else None
    yield _table_of_each(confusion, classes, known)
    yield _table_confusion(confusion.counts, classes)


def _table_of_each(confusion: Confusion, classes: tuple[str, ...], known: Confusion | None) -> OutcomeTable:
    rows: list[tuple[Cell, ...]] = []
    points = []
    for place, name in enumerate(classes[:SHOWN]):
        found = per_class(confusion, place)
        precision, recall, f1 = found["precision"], found["recall"], found["f1"]
        before = per_class(known, place)["f1"].value if known else None
        labels = int(confusion.labels[place])
        ends = (f1.low, f1.high)
        rows.append((name, labels, precision.value, recall.value, f1.value, *ends, before))
        points.append(OutcomePoint(name=name, value=f1.value, low=f1.low, high=f1.high, expected=before))
    left_out = max(len(classes) - SHOWN, 0)
    notes = ["The interval is that of F1."]
    notes += [f"{left_out} rarer classes are left out."] if left_out else []
    notes += [f"Worse than in the reference: {', '.join(lost)}."] if (lost := _lost(confusion, known, classes)) else []
    columns = ("Class", "Labels", "Precision", "Recall", "F1", "95 % low", "95 % high", "F1 in the reference")
    return OutcomeTable(
        title="Quality by class",
        columns=columns,
        rows=tuple(rows),
        note=" ".join(notes),
        points=tuple(points),
        axis="F1",
    )


def _lost(confusion: Confusion, known: Confusion | None, classes: tuple[str, ...]) -> list[str]:
    """Name the classes whose F1 has fallen most, each with both values.

    F1 rises with the Jaccard index, a share of rows, whose difference has Fisher's exact test, corrected for all
    classes (Bonferroni).
    """
    fallen = []
    for place, name in enumerate(classes if known is not None else ()):
        sides = [_jaccard(side, place) for side in (confusion, known) if side is not None]
        (hits, rows), (hits_before, rows_before) = sides
        if rows and rows_before and hits / rows < hits_before / rows_before:
            p_value = exact_p_value(hits, rows, hits_before, rows_before) * len(classes)
            now, before = (2 * part / (whole + part) for part, whole in sides)
            fallen += [(now - before, f"{name} (F1 {before:.3f} → {now:.3f})")] if p_value <= _LEVEL else []
    return [text for _, text in sorted(fallen)[:_NAMED]]


def _jaccard(confusion: Confusion, place: int) -> tuple[int, int]:
    """Return the rows that have a class as label and prediction, and those that have it as either."""
    hits = int(confusion.hits[place])
    return hits, int(confusion.labels[place] + confusion.predictions[place]) - hits


def _table_confusion(counts: Counts, classes: tuple[str, ...]) -> OutcomeTable:
    """Show the matrix of the most frequent classes, and all others as one where there are some."""
    shown = min(len(classes), _IN_MATRIX)
    ends = [*range(shown), shown]
    together = np.add.reduceat(np.add.reduceat(counts, ends, axis=0), ends, axis=1)
    if not (together[-1].any() or together[:, -1].any()):
        return table_confusion(classes[:shown], together[:-1, :-1])
    note = f"{NOTE} Classes that the reference lacks{', and the rarer ones,' if shown < len(classes) else ''} are one."
    return table_confusion((*classes[:shown], _OTHER), together, note)
