"""What metrics are called for people, in the words of the model, and how rare and large what they show is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_mlmon.spec.metrics import DRIFT, METRICS, POSITIVE_SHARE, PREDICTED_POSITIVE_SHARE, Measure

if TYPE_CHECKING:
    # a comparison has titles and no spec, and is spared pydantic
    from airflow_mlmon.spec.model import Labels

# Cohen's words; see `judgement`
_EFFECTS = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))
_LARGEST_LOGARITHM = 20.0
_BILLIONTH = 1e-9
_HALF = 0.5


def metric_title(metric: str, labels: Labels | None = None) -> str:
    """The metric's title; unknown names, such as that of a check, are their own.

    >>> from airflow_mlmon.spec.model import Labels
    >>> spec = Labels(path="s3://l/{date}/", id="id", label="y", positive_name="late", void=("cancelled",))
    >>> metric_title("positive_share", spec), metric_title("void_share", spec)
    ('late share', 'cancelled share')
    """
    if metric not in METRICS:
        return metric
    title = METRICS[metric].title
    if labels is None:
        return title
    if metric in {POSITIVE_SHARE, PREDICTED_POSITIVE_SHARE}:
        return title.replace("positive", labels.positive_name)
    if metric == "void_share" and labels.void:
        return title.replace("void", " or ".join(labels.void))
    return title


def subject_title(metric: str, column: str | None = None, labels: Labels | None = None) -> str:
    """What a value is called together with its column.

    >>> subject_title("null_share", "temp"), subject_title("drift_score", "temp"), subject_title("rows")
    ('null share of temp', 'drift of temp', 'rows')
    """
    title = "drift" if metric == DRIFT and column else metric_title(metric, labels)
    return f"{title} of {column}" if column else title


def subject_names(subjects: Iterable[tuple[str, str | None]], labels: Labels | None = None) -> list[str]:
    """What metrics and columns are called when many are named: each once, the columns of a metric together.

    >>> subject_names([("null_share", "temp"), ("rows", None), ("null_share", "visib"), ("null_share", "temp")])
    ['null share of temp + visib', 'rows']
    """
    columns: dict[str, list[str]] = {}
    for metric, column in subjects:
        found = columns.setdefault(metric, [])
        if column and column not in found:
            found.append(column)
    return [subject_title(metric, " + ".join(found), labels) for metric, found in columns.items()]


def effect_words(metric: str, effect: float, *, segment: str | None = None) -> str:
    """How large an effect is, in words; for counts and losses it is the logarithm of a ratio.

    The rows of a segment are judged as a share of all.

    >>> effect_words("score_mean", -0.6), effect_words("rows", -0.22), effect_words("log_loss", 0.65)
    ('medium', '20 % less', '92 % more')
    """
    measure = METRICS[metric].measure if metric in METRICS else None
    if measure is Measure.LOSS or (measure is Measure.COUNT and segment is None):
        percent = 100 * math.expm1(min(effect, _LARGEST_LOGARITHM))
        return f"{abs(percent):,.0f} % {'less' if percent < 0 else 'more'}"
    return next((word for limit, word in _EFFECTS if abs(effect) >= limit), "slight")


def chance_words(p_value: float) -> str:
    """How rare something is, in words.

    >>> chance_words(0.0004), chance_words(0.013), chance_words(1e-30), chance_words(0.7)
    ('1 in 2,500', '1 in 77', 'below 1 in a billion', 'above 1 in 2')
    """
    if p_value < _BILLIONTH:
        return "below 1 in a billion"
    if p_value > _HALF:
        return "above 1 in 2"
    times = 1 / p_value
    # two digits are as much as anybody reads
    return f"1 in {round(times, 1 - math.floor(math.log10(times))):,.0f}"
