"""Wording of checks, without values of the data."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any


def number_text(value: float) -> str:
    """Format a number in at most six significant digits.

    >>> number_text(1014.0), number_text(0.123456789)
    ('1,014', '0.123457')
    """
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.6g}"  # noqa: PLR2004


def arguments_text(arguments: Mapping[str, Any]) -> str:
    """Format the arguments of a check; sets of values are counted, not shown.

    >>> arguments_text({"min_value": 0, "max_value": 1, "mostly": 0.99})
    'between 0 and 1, in at least 99 % of rows'
    >>> arguments_text({"value_set": ["EWR", "JFK", "LGA"]})
    'one of 3 values'
    """
    parts = [_range_text(arguments)]
    if isinstance(values := arguments.get("value_set"), list | tuple):
        parts.append(f"one of {len(values):,} values")
    if (mostly := arguments.get("mostly")) is not None:
        parts.append(f"in at least {100 * mostly:.4g} % of rows")
    said = {"min_value", "max_value", "value_set", "mostly", "strict_min", "strict_max"}
    parts += [f"{name}: {_short(value)}" for name, value in arguments.items() if name not in said]
    return ", ".join(part for part in parts if part)


def observed_text(found: Mapping[str, Any]) -> str:
    """Format the counts and numbers of a result of Great Expectations.

    >>> observed_text({"unexpected_count": 2, "element_count": 1000, "missing_count": 0})
    '2 of 1,000 unexpected'
    """
    if (count := found.get("unexpected_count")) is not None and "element_count" in found:
        empty = found.get("missing_count")
        return f"{count:,} of {found['element_count']:,} unexpected" + (f", {empty:,} null" if empty else "")
    observed = found.get("observed_value")
    if isinstance(observed, Mapping):
        observed = observed.get("values")
    values: Sequence[Any] = observed if isinstance(observed, list | tuple) else [observed]
    if all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values):
        # of -0.0, 0
        return ", ".join(number_text(float(value) + 0.0) for value in values)
    return ""


def _range_text(arguments: Mapping[str, Any]) -> str:
    low, high = arguments.get("min_value"), arguments.get("max_value")
    if low is not None and high is not None:
        return f"between {_bound(low)} and {_bound(high)}"
    if low is not None:
        return f"at least {_bound(low)}"
    return f"at most {_bound(high)}" if high is not None else ""


def _bound(value: Any) -> str:
    return number_text(float(value)) if isinstance(value, int | float) else _short(value)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"  # noqa: PLR2004
