"""Realised performance of a classifier of several classes, from its outcome profile.

Every metric equals that of scikit-learn on the same rows. Averages are over the classes that occur among labels or
predictions, and a class that is never predicted has a precision of 0 in them, as there; one that exists for no class is
None with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from airflow_mlmon.profiles.columns.category import CategoryProfile
from airflow_mlmon.records import MetricValue
from airflow_mlmon.statistics.arrays import Counts, Flags, Floats
from airflow_mlmon.statistics.intervals import auc_interval, delong_variance, mean_interval_of_sums, wilson_interval
from airflow_mlmon.tasks.cells import area_under_curve, calibration_error
from airflow_mlmon.tasks.coverage import measure_under_coverage, share_of
from airflow_mlmon.tasks.multiclass.outcome import CONFUSION, LABEL, MAX_CURVES, RANKS, cells_key, tolerance_of
from airflow_mlmon.tasks.multiclass.table import AVERAGES, MAJORITY_RATE, TOLERANCE
from airflow_mlmon.tasks.sums import UNIT, OutcomeSums

TOP = 2
_NO_CLASS = "no row has both a label and a predicted class"
_NO_PROBABILITIES = "no row has both a label and probabilities"


@dataclass(frozen=True, slots=True)
class Confusion:
    """Confusion matrix: labels by row, predictions by column; the last of each is every class that is not pinned."""

    counts: Counts

    @classmethod
    def of(cls, profile: OutcomeSums) -> Confusion:
        """Return the matrix of an outcome profile."""
        size = len(classes_of(profile)) + 1
        tally = profile.tally(CONFUSION)
        counts = np.zeros(size * size, dtype=np.int64)
        counts[tally.keys] = tally.counts
        return cls(counts.reshape(size, size))

    @property
    def rows(self) -> int:
        """Labelled rows with a predicted class."""
        return int(self.counts.sum())

    @property
    def hits(self) -> Counts:
        """Rows of each class that are predicted as it; of other classes none is known to be."""
        found = np.diag(self.counts).copy()
        found[-1] = 0
        return found

    @property
    def labels(self) -> Counts:
        """Labels of each class."""
        found: Counts = self.counts.sum(axis=1)
        return found

    @property
    def predictions(self) -> Counts:
        """Predictions of each class."""
        found: Counts = self.counts.sum(axis=0)
        return found

    @property
    def occurs(self) -> Flags:
        """Whether each class occurs among labels or predictions."""
        return (self.labels + self.predictions) > 0


def classes_of(profile: OutcomeSums) -> tuple[str, ...]:
    """Return the pinned classes."""
    return profile.schema[LABEL].vocabulary if profile.schema else ()


def measure_classifications(profile: OutcomeSums, min_coverage: float) -> list[MetricValue]:
    """Measure every metric that needs labels, in the order of their table."""
    return measure_under_coverage(
        profile, min_coverage, of_labels=[majority_rate(profile)], performance=list(_performance(profile))
    )


def top_of(profile: OutcomeSums) -> int:
    """Return how many classes the top-k accuracy is of."""
    return int(dict(profile.schema.settings).get("cutoff", TOP)) if profile.schema else TOP


def majority_rate(profile: OutcomeSums) -> MetricValue:
    """Measure the share of labels of the class that the reference has most, which is pinned first."""
    labels = profile.label
    count = labels.known.count_of(0) if isinstance(labels, CategoryProfile) else 0
    return share_of(MAJORITY_RATE, count, labels.observed, "no labels")


def area_of(profile: OutcomeSums, place: int) -> tuple[float, float, float] | None:
    """Compute a class's area under the ROC curve against the rest, its grid error and its standard deviation."""
    own, others = (profile.tally(cells_key(place, is_label=is_label)) for is_label in (True, False))
    area = area_under_curve(own, others)
    if area is None:
        return None
    keys = np.union1d(own.keys, others.keys)
    return *area, float(np.sqrt(delong_variance(own.spread(keys), others.spread(keys)) or 0.0))


def _performance(profile: OutcomeSums) -> Iterator[MetricValue]:
    confusion = Confusion.of(profile)
    hits, rows = int(confusion.hits.sum()), confusion.rows
    yield share_of("accuracy", hits, rows, _NO_CLASS)
    yield _balanced(confusion)
    for name, (values, weights) in _by_class(confusion).items():
        for average in AVERAGES:
            if average == "micro":
                yield share_of(f"{name}_micro", hits, rows, _NO_CLASS)
            else:
                yield _average(f"{name}_{average}", values, weights, confusion, is_weighted=average == "weighted")
    yield from _of_probabilities(profile)


@dataclass(frozen=True)
class _Ratios:
    """A share of each class, with the rows that it is a share of."""

    parts: Counts
    wholes: Counts

    @cached_property
    def values(self) -> Floats:
        return self.parts / np.maximum(self.wholes, 1)

    @cached_property
    def variances(self) -> Floats:
        # one success and one failure more, so that a class of few rows is not certain
        shares = (self.parts + 1) / (self.wholes + 2)
        return np.where(self.wholes > 0, shares * (1 - shares) / (self.wholes + 2), 0.0)


def _by_class(confusion: Confusion) -> Mapping[str, tuple[Floats, Floats]]:
    """Return precision, recall and F1 of each class, with the variance of each."""
    hits, labels, predictions = confusion.hits, confusion.labels, confusion.predictions
    precision, recall = _Ratios(hits, predictions), _Ratios(hits, labels)
    # F1 = 2 J / (1 + J) of the Jaccard index J, a share of the rows that have the class on either side
    jaccard = _Ratios(hits, labels + predictions - hits)
    slopes = 2 / (1 + jaccard.values) ** 2
    f1 = 2 * jaccard.values / (1 + jaccard.values)
    return {
        "precision": (precision.values, precision.variances),
        "recall": (recall.values, recall.variances),
        "f1": (f1, slopes**2 * jaccard.variances),
    }


def _average(metric: str, values: Floats, variances: Floats, confusion: Confusion, *, is_weighted: bool) -> MetricValue:
    """Average a metric of the classes, with the interval of independent classes."""
    weights = (confusion.labels if is_weighted else confusion.occurs).astype(np.float64)
    if not weights.sum():
        return _none(metric, _NO_CLASS)
    weights /= weights.sum()
    value, variance = float(weights @ values), float(weights**2 @ variances)
    return MetricValue(metric=metric, value=value, rows=confusion.rows).within(auc_interval(value, variance))


def _balanced(confusion: Confusion) -> MetricValue:
    has_labels = confusion.labels > 0
    if not has_labels.any():
        return _none("balanced_accuracy", _NO_CLASS)
    recall = _Ratios(confusion.hits, confusion.labels)
    value = float(recall.values[has_labels].mean())
    variance = float(recall.variances[has_labels].sum()) / int(has_labels.sum()) ** 2
    measured = MetricValue(metric="balanced_accuracy", value=value, rows=confusion.rows)
    return measured.within(auc_interval(value, variance))


def _of_probabilities(profile: OutcomeSums) -> Iterator[MetricValue]:
    rows, improbable = profile.sum("probable"), profile.sum("improbable")
    tolerance = tolerance_of(profile.schema) if profile.schema else TOLERANCE
    # a mean over the rest would look better than the probabilities are
    lack = "" if rows else _NO_PROBABILITIES
    if improbable:
        lack = f"the probabilities of {improbable} rows do not add up to 1 within {tolerance:g}"
    if lack:
        for metric in ("top_k_accuracy", "roc_auc", "log_loss", "brier", "ece"):
            yield _none(metric, lack)
        return
    ranks = profile.tally(RANKS)
    among = int(ranks.counts[ranks.keys <= top_of(profile)].sum())
    yield share_of("top_k_accuracy", among, rows, lack)
    yield _roc_auc(profile)
    for metric in ("log_loss", "brier"):
        total, squares = profile.sum(metric) * UNIT, profile.sum(f"{metric}2") * UNIT
        interval = mean_interval_of_sums(rows, total, squares)
        measured = MetricValue(metric=metric, value=total / rows, rows=rows)
        yield measured.within(interval and (max(interval[0], 0.0), interval[1]))
    yield _calibration(profile)


def _roc_auc(profile: OutcomeSums) -> MetricValue:
    """Average the areas of the classes; their errors are taken as wholly dependent, which is too wide if anything."""
    places = range(len(classes_of(profile)))
    if len(places) > MAX_CURVES:
        return _none("roc_auc", _too_many(len(places)))
    areas = [area for place in places if (area := area_of(profile, place)) is not None]
    if not areas:
        return _none("roc_auc", "all labels are of one class")
    value, bound, deviation = (float(np.mean(found)) for found in zip(*areas, strict=True))
    measured = MetricValue(metric="roc_auc", value=value, rows=profile.sum("probable"), error_bound=bound)
    return measured.within(auc_interval(value, deviation**2))


def _calibration(profile: OutcomeSums) -> MetricValue:
    places = range(len(classes_of(profile)))
    if len(places) > MAX_CURVES:
        return _none("ece", _too_many(len(places)))
    errors = [
        calibration_error(*(profile.tally(cells_key(place, is_label=own)) for own in (True, False))) for place in places
    ]
    return MetricValue(metric="ece", value=float(np.mean(errors)), rows=profile.sum("probable"))


def per_class(confusion: Confusion, place: int) -> dict[str, MetricValue]:
    """Measure precision, recall and F1 of one class, with Wilson's intervals."""
    hits = int(confusion.hits[place])
    labels, predictions = int(confusion.labels[place]), int(confusion.predictions[place])
    either = labels + predictions - hits
    jaccard = wilson_interval(hits, either)
    f1 = MetricValue(
        metric="f1",
        value=2 * hits / (labels + predictions) if either else None,
        rows=either,
        reason="" if either else "no label or prediction is of this class",
    )
    return {
        "precision": share_of("precision", hits, predictions, "never predicted"),
        "recall": share_of("recall", hits, labels, "no label is of this class"),
        "f1": f1.within(jaccard and (2 * jaccard[0] / (1 + jaccard[0]), 2 * jaccard[1] / (1 + jaccard[1]))),
    }


def _too_many(classes: int) -> str:
    return f"{classes} classes: curves are kept of at most {MAX_CURVES}"


def _none(metric: str, reason: str) -> MetricValue:
    return MetricValue(metric=metric, value=None, rows=0, reason=reason)
