"""Kinds of rates by which groups are compared."""

from __future__ import annotations

from enum import StrEnum


class RateKind(StrEnum):
    """What a rate is; its words are those of pages."""

    SELECTION = "selection rate"
    TRUE_POSITIVE = "true positive rate"
    FALSE_POSITIVE = "false positive rate"
    POSITIVE_PREDICTIVE = "predictive value"
    BASE = "base rate"
    ACCURACY = "accuracy"
    MEAN_ERROR = "mean error"
    MAE = "MAE"
