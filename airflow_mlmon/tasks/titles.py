"""Titles of metrics in the words of the model, and the wording of p-values and effect sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from airflow_mlmon.spec.metric import Measure
from airflow_mlmon.spec.metrics import DRIFT
from airflow_mlmon.tasks.registry import METRICS

if TYPE_CHECKING:
    # a comparison has titles and no spec, and is spared pydantic
    from airflow_mlmon.records import MetricValue
    from airflow_mlmon.spec.labels import Labels

# thresholds of Cohen (1988)
_EFFECTS = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))
# in standard deviations of the days, most of which lie within two
_OF_DAYS = ((4.0, "large"), (3.0, "medium"), (2.0, "small"))
_LARGEST_LOGARITHM = 20.0
_BILLIONTH = 1e-9
_PLAIN = 1e-4
_LONGEST_VALUE = 40
_EFFECT_MEASURES = {
    Measure.COUNT: "log ratio",
    Measure.SHARE: "Cohen's h",
    Measure.MEAN: "Cohen's d",
    Measure.AREA: "Cohen's h",
    Measure.LOSS: "log ratio",
    Measure.SKILL: "log ratio",
    Measure.DURATION: "log ratio",
    Measure.NUMBER: "standard deviations of the days",
}


def metric_title(metric: str, labels: Labels | None = None) -> str:
    """Return the title of a metric; an unknown name, such as that of a check, is returned as it is.

    >>> from airflow_mlmon.spec.labels import Labels
    >>> spec = Labels(path="s3://l/{date}/", id="id", label="y", positive_name="late", excluded=("cancelled",))
    >>> metric_title("positive_rate", spec), metric_title("excluded_share", spec)
    ('late rate', 'cancelled rate')
    """
    if metric not in METRICS:
        return metric
    title = METRICS[metric].title
    for word, own in (labels.words if labels else {}).items():
        title = title.replace(word, own)
    return title


def subject_title(metric: str, column: str | None = None, labels: Labels | None = None) -> str:
    """Return the title of a metric together with its column.

    >>> subject_title("null_rate", "temp"), subject_title("drift_score", "temp"), subject_title("rows")
    ('null rate of temp', 'drift of temp', 'rows')
    """
    title = "drift" if metric == DRIFT and column else metric_title(metric, labels)
    return f"{title} of {column}" if column else title


def subject_names(subjects: Iterable[tuple[str, str | None]], labels: Labels | None = None) -> list[str]:
    """Return the titles of many metrics and columns: each once, the columns of a metric together.

    >>> subject_names([("null_rate", "temp"), ("rows", None), ("null_rate", "visib"), ("null_rate", "temp")])
    ['null rate of temp + visib', 'rows']
    """
    columns: dict[str, list[str]] = {}
    for metric, column in subjects:
        found = columns.setdefault(metric, [])
        if column and column not in found:
            found.append(column)
    return [subject_title(metric, " + ".join(found), labels) for metric, found in columns.items()]


def new_values_text(value: MetricValue) -> str:
    """Name the new values of a column with their rows, as literals: spaces and empty texts are seen.

    >>> from airflow_mlmon.records import MetricValue
    >>> found = (("Atlantis", 40), ("", 1))
    >>> new_values_text(MetricValue(metric="new_category_rate", value=0.5, rows=90, new_values=found))
    "new values 'Atlantis' (40 rows), '' (1 row), others (4 rows)"
    """
    counts = [(value_literal(name), rows) for name, rows in value.new_values]
    others = round((value.value or 0.0) * value.rows) - sum(rows for _, rows in counts)
    told = [*counts, ("others", others)] if others > 0 else counts
    return "new values " + ", ".join(f"{name} ({rows:,} row{'s' * (rows != 1)})" for name, rows in told)


def effect_words(metric: str, effect: float, *, segment: str | None = None) -> str:
    """Return the size of an effect in words; of a log ratio, the change in percent.

    The rows of a segment are evaluated as a share of all rows.

    >>> effect_words("score_mean", -0.6), effect_words("rows", -0.22), effect_words("log_loss", 0.65)
    ('medium', '20 % less', '92 % more')
    >>> effect_words("own.net_value", 1.4), effect_words("own.net_value", -4.5)
    ('negligible', 'large')
    """
    measure = METRICS[metric].measure if metric in METRICS else None
    if measure is Measure.LOSS or (measure is Measure.COUNT and segment is None):
        percent = 100 * math.expm1(min(effect, _LARGEST_LOGARITHM))
        return f"{abs(percent):,.0f} % {'less' if percent < 0 else 'more'}"
    sizes = _OF_DAYS if measure is Measure.NUMBER else _EFFECTS
    return next((word for limit, word in sizes if abs(effect) >= limit), "negligible")


def effect_measure(metric: str, *, segment: str | None = None) -> str:
    """Return the name of a metric's effect size; empty where it depends on the values, as for drift.

    >>> effect_measure("score_mean"), effect_measure("rows"), effect_measure("rows", segment="origin=JFK")
    ("Cohen's d", 'log ratio', "Cohen's h")
    """
    measure = METRICS[metric].measure if metric in METRICS else None
    if measure is Measure.COUNT and segment is not None:
        measure = Measure.SHARE
    return "" if measure is None else _EFFECT_MEASURES[measure]


def p_value_text(p_value: float) -> str:
    """Format a p-value to two significant digits, for a column of a table.

    >>> p_value_text(0.00048), p_value_text(0.0000123), p_value_text(1e-30), p_value_text(0.7)
    ('0.00048', '1.2e-5', '<1e-9', '0.7')
    """
    if p_value < _BILLIONTH:
        return f"<{_BILLIONTH:.0e}".replace("e-0", "e-")
    if p_value < _PLAIN:
        return f"{p_value:.1e}".replace("e-0", "e-")
    return f"{p_value:.2g}"


def p_value_equation(p_value: float) -> str:
    """Format a p-value for a sentence.

    >>> p_value_equation(0.00048), p_value_equation(1e-30)
    ('p = 0.00048', 'p < 1e-9')
    """
    text = p_value_text(p_value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


def value_literal(value: str) -> str:
    """Return a value of the data as a short literal, in which spaces and what is not printable are seen.

    >>> value_literal("EWR "), value_literal("x" * 50)
    ("'EWR '", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'")
    """
    return repr(value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…")
