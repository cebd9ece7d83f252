"""Quality rules of a data contract's library as checks: a metric, an operator and a unit.

Source: Open Data Contract Standard 3.2.0, data quality; `rule` is what 3.0 called `metric`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.quality import Check

NOT_NULL = "expect_column_values_to_not_be_null"
UNIQUE = "expect_column_values_to_be_unique"
UNIQUE_TOGETHER = "expect_compound_columns_to_be_unique"
IN_SET = "expect_column_values_to_be_in_set"
_NOT_IN_SET = "expect_column_values_to_not_be_in_set"
MATCHES = "expect_column_values_to_match_regex"
_ROWS_BETWEEN = "expect_table_row_count_to_be_between"

# names of 3.0, and those that stand for a comparison with 0
_OLD_RULES = {
    "nullCheck": "nullValues",
    "nullCount": "nullValues",
    "uniqueCheck": "duplicateValues",
    "unique": "duplicateValues",
    "duplicateCount": "duplicateValues",
    "validValues": "invalidValues",
    "countCheck": "rowCount",
}
_OF_NONE = frozenset({"nullCheck", "uniqueCheck", "unique", "validValues"})
_OPERATORS = (
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeGreaterThanOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeLessThanOrEqualTo",
    "mustBeBetween",
    "mustNotBeBetween",
)
# how urgent a rule is to those who wrote it; what fails a day is for people to choose here
_RECORDED = frozenset({"info", "low", "minor"})
_PERCENT = 100.0


class NotCarriedError(Exception):
    """Reason for which a part of a contract has no check that says the same."""


def checks_of_rule(rule: Mapping[str, Any], column: str | None) -> list[Check]:
    """Return the checks that say the same as a rule on a column, or on the whole table.

    Raises:
        NotCarriedError: no check says the same.
    """
    kind = str(rule.get("type", "library"))
    if kind != "library":
        kinds = {
            "text": "it is words",
            "sql": "it is a query",
            "custom": f"it is for {rule.get('engine', 'an engine')}",
        }
        raise NotCarriedError(kinds.get(kind, f"the type {kind!r} is unknown"))
    named = str(rule.get("metric") or rule.get("rule") or "")
    metric = _OLD_RULES.get(named, named)
    made = _METRICS.get(metric)
    if made is None:
        raise NotCarriedError(f"the metric {named!r} is unknown" if named else "it has no metric")
    given = {name: rule[name] for name in _OPERATORS if rule.get(name) is not None}
    if not given and named in _OF_NONE:
        given = {"mustBe": 0}
    if not given:
        raise NotCarriedError("it has no operator, such as mustBe")
    arguments = {**rule, **(rule.get("arguments") or {})}
    unit = str(rule.get("unit") or "rows")
    severity = Severity.RECORDED if str(rule.get("severity", "")).lower() in _RECORDED else Severity.WARNING
    checks = made(column, arguments, given, unit)
    return [check.model_copy(update={"severity": severity}) for check in checks]


def compile_pattern(pattern: Any) -> str:
    """Return a pattern that Python reads as well.

    Raises:
        NotCarriedError: it does not.
    """
    try:
        re.compile(str(pattern))
    except re.error as error:
        raise NotCarriedError(f"its pattern is none of Python: {error}") from None
    return str(pattern)


def _null_values(column: str | None, _: Mapping[str, Any], given: Mapping[str, Any], unit: str) -> list[Check]:
    return [_of_column(NOT_NULL, column, given, unit)]


def _missing_values(
    column: str | None, arguments: Mapping[str, Any], given: Mapping[str, Any], unit: str
) -> list[Check]:
    values = arguments.get("missingValues")
    if not isinstance(values, list) or not values:
        raise NotCarriedError("it names no missing values")
    others = [value for value in values if value is not None]
    checks = [_of_column(NOT_NULL, column, given, unit)] if None in values else []
    if others:
        checks.append(_of_column(_NOT_IN_SET, column, given, unit, value_set=others))
    if len(checks) > 1 and any("mostly" in check.arguments for check in checks):
        raise NotCarriedError("a share of nulls and other values together is counted by no check")
    return checks


def _invalid_values(
    column: str | None, arguments: Mapping[str, Any], given: Mapping[str, Any], unit: str
) -> list[Check]:
    checks = []
    if (values := arguments.get("validValues")) is not None:
        checks.append(_of_column(IN_SET, column, given, unit, value_set=list(values)))
    if (pattern := arguments.get("pattern")) is not None:
        checks.append(_of_column(MATCHES, column, given, unit, regex=compile_pattern(pattern)))
    if not checks:
        raise NotCarriedError("it names neither validValues nor a pattern")
    if len(checks) > 1 and any("mostly" in check.arguments for check in checks):
        raise NotCarriedError("a share of values outside a set or a pattern together is counted by no check")
    return checks


def _duplicate_values(
    column: str | None, arguments: Mapping[str, Any], given: Mapping[str, Any], unit: str
) -> list[Check]:
    if _largest_share(given, unit):
        # a check counts every row of a repeated value, the metric those beyond the first
        raise NotCarriedError("duplicates are allowed, and no check counts them so; only mustBe: 0 is carried")
    if column is not None:
        return [Check(expectation=UNIQUE, column=column)]
    columns = [str(name) for name in arguments.get("properties") or ()]
    if not columns:
        raise NotCarriedError("it names no properties")
    return [unique_together(columns)]


def unique_together(columns: Sequence[str]) -> Check:
    """Return the check that no two rows have the same values of some columns."""
    if len(columns) == 1:
        return Check(expectation=UNIQUE, column=columns[0])
    return Check(expectation=UNIQUE_TOGETHER, arguments={"column_list": list(columns)})


def _row_count(column: str | None, _: Mapping[str, Any], given: Mapping[str, Any], unit: str) -> list[Check]:
    if column is not None:
        raise NotCarriedError("rows are counted of a whole table")
    if unit != "rows":
        raise NotCarriedError(f"a number of rows has no unit {unit!r}")
    low, high = -math.inf, math.inf
    for name, value in given.items():
        match name:
            case "mustBe":
                low, high = max(low, _number(value)), min(high, _number(value))
            case "mustBeGreaterThan":
                low = max(low, math.floor(_number(value)) + 1)
            case "mustBeLessThan":
                high = min(high, math.ceil(_number(value)) - 1)
            case "mustBeGreaterOrEqualTo" | "mustBeGreaterThanOrEqualTo":
                low = max(low, math.ceil(_number(value)))
            case "mustBeLessOrEqualTo" | "mustBeLessThanOrEqualTo":
                high = min(high, math.floor(_number(value)))
            case "mustBeBetween":
                # the standard says that it is greater than the one and less than the other
                least, most = _pair(value)
                low, high = max(low, math.floor(least) + 1), min(high, math.ceil(most) - 1)
            case _:
                raise NotCarriedError(f"no check says {name}")
    bounds = {"min_value": low, "max_value": high}
    return [
        Check(
            expectation=_ROWS_BETWEEN,
            arguments={name: int(value) for name, value in bounds.items() if math.isfinite(value)},
        )
    ]


_Made = Callable[[str | None, Mapping[str, Any], Mapping[str, Any], str], list[Check]]
_METRICS: Mapping[str, _Made] = {
    "nullValues": _null_values,
    "missingValues": _missing_values,
    "invalidValues": _invalid_values,
    "duplicateValues": _duplicate_values,
    "rowCount": _row_count,
}


def _of_column(expectation: str, column: str | None, given: Mapping[str, Any], unit: str, **more: Any) -> Check:
    """Return a check that at most a share of a column's values fails."""
    if column is None:
        raise NotCarriedError("it is a metric of a property, and stands at the table")
    share = _largest_share(given, unit)
    return Check(
        expectation=expectation, column=column, arguments=more | ({"mostly": round(1 - share, 9)} if share else {})
    )


def _largest_share(given: Mapping[str, Any], unit: str) -> float:
    """Return the largest share that an operator allows; a strict bound is taken as the bound itself."""
    allowed = []
    for name, value in given.items():
        match name:
            case "mustBe":
                if _number(value):
                    raise NotCarriedError("no check says that exactly so many fail")
                allowed.append(0.0)
            case "mustBeLessThan" | "mustBeLessOrEqualTo" | "mustBeLessThanOrEqualTo":
                allowed.append(_number(value))
            case "mustBeBetween" if _pair(value)[0] <= 0:
                allowed.append(_pair(value)[1])
            case _:
                raise NotCarriedError(f"no check says {name}")
    most = min(allowed)
    if unit == "percent":
        return most / _PERCENT
    # fewer than one row is none
    is_none = most == 0 or (most <= 1 and set(given) == {"mustBeLessThan"})
    if is_none:
        return 0.0
    raise NotCarriedError("it allows a number of rows; a check allows a share, so give `unit: percent`")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotCarriedError("an operator needs a number")
    return float(value)


def _pair(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - from and to
        raise NotCarriedError("an operator of a range needs two numbers")
    return _number(value[0]), _number(value[1])
