"""Wording of values, limits and states on pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from airflow_mlmon.quality.wording import number_text
from airflow_mlmon.records import MetricValue, Verdict, VerdictState
from airflow_mlmon.reports.svg import printable
from airflow_mlmon.spec.metric import Measure
from airflow_mlmon.spec.metrics import NULL_RATE
from airflow_mlmon.tasks.registry import METRICS
from airflow_mlmon.tasks.titles import effect_measure, effect_words, p_value_equation, p_value_text

NONE = "\N{EN DASH}"
NOT_ENOUGH = "not enough data"
_LONGEST_NAME = 80
# an effect that rounds to 0.00
_NO_EFFECT = 0.005
_LIKELY = 0.5
# numbers between them are written out, to the nearest whole one
_THOUSAND, _MILLIARD = 1e3, 1e9
_STATES = {
    VerdictState.OK: "within limits",
    VerdictState.BREACH: "outside limits",
    VerdictState.INSUFFICIENT_DATA: NOT_ENOUGH,
}


def name_text(name: object, longest: int = _LONGEST_NAME) -> str:
    """Return a name from data, printable and at most `longest` characters long.

    >>> name_text("origin"), name_text("x" * 100, 4)
    ('origin', 'xxx…')
    """
    text = str(name)
    return printable(text if len(text) <= longest else f"{text[: longest - 1]}…")


def day_text(day: date) -> str:
    """Format a day in full.

    >>> day_text(date(2013, 3, 8))
    'Friday 8 March 2013'
    """
    return f"{day:%A} {day.day} {day:%B %Y}"


def count_text(value: int | None) -> str:
    """Format a count with separators; a dash where there is none.

    >>> count_text(1014), count_text(None) == NONE
    ('1,014', True)
    """
    return NONE if value is None else f"{value:,}"


def value_text(value: float | None, metric: str) -> str:
    """Format a value by its metric; a dash where there is none.

    >>> value_text(0.2341, "null_rate"), value_text(930, "rows"), value_text(0.45678, "log_loss")
    ('23.4 %', '930', '0.457')
    >>> value_text(-110123.4, "own.amount_lost"), value_text(None, "accuracy") == NONE
    ('-110,123', True)
    """
    if value is None:
        return NONE
    known = METRICS.get(metric)
    if known is not None and known.is_share:
        percent = 100 * value
        return f"{percent:.1f} %" if abs(percent) >= 0.1 or percent == 0 else f"{percent:.2g} %"  # noqa: PLR2004
    if known is not None and known.measure is Measure.COUNT:
        return f"{value:,.0f}"
    if float(value).is_integer():
        return number_text(float(value))
    if _THOUSAND <= abs(value) < _MILLIARD:
        return f"{value:,.0f}"
    return f"{value:.3f}" if 0.01 <= abs(value) < 100 else f"{value:.3g}"  # noqa: PLR2004


def cell_text(value: str | float | None, *, is_share: bool = False) -> str:
    """Format the cell of a table: a whole number as a count, any other as a share or a number.

    >>> cell_text(1200), cell_text(0.1234, is_share=True), cell_text(12.3456), cell_text("late")
    ('1,200', '12.3 %', '12.346', 'late')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return count_text(value)
    return value_text(value, NULL_RATE if is_share else "")


def measured_texts(measured: MetricValue) -> list[str]:
    """Format what stands beside a value: its 95 % interval, and what a constant prediction would score.

    >>> measured_texts(MetricValue(metric="accuracy", value=0.87, rows=900, low=0.85, high=0.89, constant=0.62))
    ['0.850 to 0.890', 'constant 0.620']
    >>> measured_texts(MetricValue(metric="null_rate", value=0.2, rows=900, low=0.175, high=0.227))
    ['17.5 to 22.7 %']
    """
    low, high, constant = (value_text(end, measured.metric) for end in (measured.low, measured.high, measured.constant))
    has_interval = measured.low is not None and measured.high is not None
    interval = [f"{low.removesuffix(' %')} to {high}"] if has_interval else []
    return interval if measured.constant is None else [*interval, f"constant {constant}"]


def limits_text(verdict: Verdict) -> str:
    """Format the limits of a verdict, such as "between 700 and 1,200"; empty where it has none."""
    low, high = (value_text(limit, verdict.metric) for limit in (verdict.low, verdict.high))
    if verdict.low is not None and verdict.high is not None:
        return f"between {low} and {high}"
    if verdict.low is not None:
        # an expected range may reach down to the smallest possible value
        return f"at least {low}" if verdict.low > 0 or verdict.expected is None else ""
    return f"at most {high}" if verdict.high is not None else ""


def expected_text(verdict: Verdict) -> str:
    """Format the expected value and range, such as "908, at least 860"; of a fixed limit, the limit."""
    expected = "" if verdict.expected is None else value_text(verdict.expected, verdict.metric)
    return ", ".join(filter(None, (expected, limits_text(verdict))))


def effect_text(verdict: Verdict) -> str:
    """Format the effect size with its word, such as "+0.61 (medium)"; empty for a fixed limit."""
    if verdict.effect is None:
        return ""
    if abs(verdict.effect) < _NO_EFFECT:
        return "none"
    words = effect_words(verdict.metric, verdict.effect, segment=verdict.segment)
    return f"{verdict.effect:+.2f} ({words})"


def effect_measure_text(verdict: Verdict) -> str:
    """Return the name of the effect size, such as Cohen's d; empty where a metric has none of its own."""
    return effect_measure(verdict.metric, segment=verdict.segment)


def p_text(verdict: Verdict) -> str:
    """Format the p-value; empty for a fixed limit."""
    return "" if verdict.p_value is None else p_value_text(verdict.p_value)


def p_equation_text(verdict: Verdict) -> str:
    """Format the p-value for a sentence; empty for a fixed limit."""
    return "" if verdict.p_value is None else p_value_equation(verdict.p_value)


def beside_text(verdict: Verdict, days: int) -> str:
    """Format what stands beside a value in the table of columns, without what the others have in common.

    Args:
        verdict: by the expected value.
        days: how many days most verdicts rest on.
    """
    value, expected = (value_text(number, verdict.metric) for number in (verdict.value, verdict.expected))
    parts = (
        f"expected {expected}" if verdict.expected is not None and expected != value else "",
        p_value_equation(verdict.p_value).replace(" ", "\N{NO-BREAK SPACE}")
        if verdict.p_value is not None and verdict.p_value <= _LIKELY
        else "",
        basis_text(replace(verdict, note="")) if verdict.history != (days or None) else "",
    )
    return ", ".join(filter(None, parts))


def basis_text(verdict: Verdict) -> str:
    """Format what a verdict rests on: its history, the distance from its median, and its note."""
    parts = []
    if verdict.history is None and verdict.p_value is not None:
        parts.append("sampling error only")
    if verdict.history is not None:
        parts.append(f"against {verdict.history} {'day' if verdict.history == 1 else 'days'}")
    if verdict.deviations is not None:
        side = "above" if verdict.deviations > 0 else "below"
        parts.append(f"{abs(verdict.deviations):.1f} robust standard deviations {side} their median")
    if verdict.note:
        parts.append(verdict.note)
    return "; ".join(parts)


def state_text(verdict: Verdict) -> str:
    """Return the state of a verdict in words."""
    if verdict.p_value is not None:
        return f"{'outside' if verdict.state is VerdictState.BREACH else 'within'} expected range"
    return _STATES[verdict.state]


def version_runs(days: Mapping[date, str]) -> list[tuple[str, list[date]]]:
    """Join consecutive days of one version, in the order of the days.

    >>> version_runs({date(2013, 3, 1): "a", date(2013, 3, 2): "a", date(2013, 3, 4): "a"})
    [('a', [datetime.date(2013, 3, 1), datetime.date(2013, 3, 2)]), ('a', [datetime.date(2013, 3, 4)])]
    """
    runs: list[tuple[str, list[date]]] = []
    for day, version in sorted(days.items()):
        if runs and runs[-1][0] == version and (day - runs[-1][1][-1]).days == 1:
            runs[-1][1].append(day)
        else:
            runs.append((version, [day]))
    return runs


def bytes_text(size: int | None) -> str:
    """Format a size in bytes in a suitable unit.

    >>> bytes_text(512), bytes_text(48_200)
    ('512 B', '48.2 kB')
    """
    if size is None:
        return NONE
    for limit, unit in ((1e3, "B"), (1e6, "kB"), (1e9, "MB")):
        if size < limit:
            return f"{size / (limit / 1e3):.4g} {unit}" if unit == "B" else f"{size / (limit / 1e3):.3g} {unit}"
    return f"{size / 1e9:.3g} GB"
