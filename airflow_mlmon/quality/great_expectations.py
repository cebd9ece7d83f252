"""Execution of checks; the only module that imports Great Expectations.

Its results contain values of the failing rows, and its Data Docs run them as scripts. So only counts and numeric
aggregates leave this module, and for columns with personal data only passed or failed.

It decides on each check. What rows to count is known of most, so it is given these counts as its metrics; the other
checks are computed by it, on a frame of the columns that they name.
"""

from __future__ import annotations

import difflib
import logging
import numbers
import re
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.quality.counts import Answer, Question, Rows, count_rows, question_of
from airflow_mlmon.quality.frame import to_frame
from airflow_mlmon.quality.known import Known
from airflow_mlmon.quality.wording import arguments_text, number_text
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from airflow_mlmon.spec.section import nearest

# its import logs more than 200 lines at INFO and uses deprecated modules of Python
logging.getLogger("great_expectations").setLevel(logging.WARNING)
logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations  # noqa: F401 - registers the expectations
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )
    from great_expectations.validator.metrics_calculator import MetricsCalculator

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_PASSED_ONLY = {"result_format": "BOOLEAN_ONLY"}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
# their metrics are the number of rows and the names of the columns
_OF_TABLE = {
    "expect_column_to_exist",
    "expect_table_column_count_to_be_between",
    "expect_table_column_count_to_equal",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_columns_to_match_set",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
}


def known_expectations() -> tuple[str, ...]:
    """Return the names of the expectations of Great Expectations, sorted."""
    names = list_registered_expectation_implementations()
    return tuple(sorted(name for name in names if name.startswith("expect_")))


def check_arguments(checks: Sequence[Check]) -> None:
    """Raise an error for checks that Great Expectations cannot build.

    Raises:
        ConfigError: an expectation is unknown or its arguments are wrong; each mistake on a line of its own.
    """
    mistakes = [mistake for position, check in enumerate(checks) for mistake in _mistakes(position, check)]
    if mistakes:
        raise ConfigError("\n".join(mistakes))


def validate(rows: Rows, checks: Sequence[Check], known: Known) -> list[CheckOutcome]:
    """Run the checks on the rows of a day and return their outcomes, in the order of the checks.

    Raises:
        ConfigError: a check cannot be built.
    """
    check_arguments(checks)
    outcomes: dict[int, CheckOutcome] = {}
    asked: dict[int, Question | None] = {}
    for position, check in enumerate(checks):
        if (outcome := _outcome_without_rows(rows, check, known.spec)) is not None:
            outcomes[position] = outcome
        else:
            asked[position] = question_of(check)
    answers = _answer(asked.values(), rows, known)
    engine = PandasExecutionEngine()
    by_columns: dict[tuple[str, ...], list[int]] = {}
    for position, question in asked.items():
        check = checks[position]
        if question in answers or _is_of_table(check):
            counted = _Counted(rows, check, answers.get(question))
            outcomes[position] = _outcome(rows, check, known.spec, engine, counted)
        else:
            by_columns.setdefault(_columns_read(check, rows.scalars), []).append(position)
    for columns, positions in by_columns.items():
        engine = PandasExecutionEngine(batch_data_dict={"day": to_frame(rows.table([], columns))})
        outcomes |= {position: _outcome(rows, checks[position], known.spec, engine) for position in positions}
    return [outcomes[position] for position in range(len(checks))]


def _answer(asked: Iterable[Question | None], rows: Rows, known: Known) -> dict[Question | None, Answer]:
    """Return the counts that checks ask for, of which no row is read for those that are known."""
    questions = {question for question in asked if question is not None}
    found: dict[Question | None, Answer] = {}
    for question in questions:
        if (answer := known.answer(question)) is not None:
            found[question] = answer
    return found | {**count_rows(questions - found.keys(), rows)}


def _mistakes(position: int, check: Check) -> Iterator[str]:
    key = f"quality.{position}"
    known = known_expectations()
    if check.expectation not in known:
        hint = _nearest_expectation(check.expectation, known)
        yield f"{key}.expectation: unknown expectation {check.expectation!r}{hint}"
        return
    about = f"{check.expectation} of column {check.column!r}" if check.column else check.expectation
    if "column" in check.arguments:
        yield f"{key}.arguments.column: {about}: give the column as `column` beside `expectation`"
        return
    try:
        _build(check)
    except Exception as error:  # noqa: BLE001 - pydantic's and any error that an expectation's own validator raises
        fields = set(get_expectation_impl(check.expectation).__fields__)
        for name, what in _argument_mistakes(error).items():
            hint = nearest(name, sorted(fields)) if name in check.arguments and name not in fields else ""
            yield f"{key}.arguments{'.' + name if name else ''}: {about}: {what}{hint}"


def _nearest_expectation(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "; the Great Expectations gallery lists the names"


def _argument_mistakes(error: Exception) -> dict[str, str]:
    """Return the mistakes by argument."""
    if not hasattr(error, "errors"):
        return {"": f"{type(error).__name__}: {error}"[:300]}
    mistakes: dict[str, str] = {}
    for found in error.errors():
        name = str(found["loc"][0])
        mistakes.setdefault("" if name == "__root__" else name, str(found["msg"]))
    return mistakes


def _build(check: Check) -> Any:
    arguments = dict(check.arguments)
    if check.column is not None:
        arguments["column"] = check.column
    return ExpectationConfiguration(type=check.expectation, kwargs=arguments).to_domain_obj()


def _columns_of(check: Check) -> list[str]:
    given: list[Any] = [check.column]
    for name in _COLUMN_ARGUMENTS:
        value = check.arguments.get(name)
        given.extend(value if isinstance(value, list | tuple) else [value])
    return [name for name in given if isinstance(name, str)]


def _outcome_without_rows(rows: Rows, check: Check, spec: ModelSpec) -> CheckOutcome | None:
    """Return the outcome if it does not depend on the rows."""
    missing = [name for name in _columns_of(check) if name not in rows.scalars]
    if vectors := [name for name in missing if name in spec.vectors]:
        return _unknown(rows, check, f"column {vectors[0]!r} is a vector; checks cannot read vectors")
    if missing:
        dropped = [name for name in missing if name in spec.columns and spec.columns[name].personal == "drop"]
        if dropped:
            return _unknown(rows, check, f"column {dropped[0]!r} is personal and was dropped before the checks")
        return _plain(rows, check, passed=False, observed=f"column {missing[0]!r} is missing")
    if not rows.rows:
        return _unknown(rows, check, "not enough data")
    return None


def _plain(rows: Rows, check: Check, **found: Any) -> CheckOutcome:
    return CheckOutcome(
        expectation=check.expectation,
        column=check.column,
        severity=check.severity,
        rows=rows.rows,
        expected=arguments_text(check.arguments),
        **found,
    )


def _unknown(rows: Rows, check: Check, error: str) -> CheckOutcome:
    return _plain(rows, check, passed=None, error=error)


def _is_of_table(check: Check) -> bool:
    return check.expectation in _OF_TABLE and check.arguments.get("row_condition") is None


def _columns_read(check: Check, scalars: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the arguments of a check name, be it in a condition; those of the table if none."""
    words, conditions = _words(check.arguments)
    named = {check.column, *words}
    found = tuple(name for name in scalars if name in named or any(name in condition for condition in conditions))
    return found if _columns_of(check) or check.expectation in _OF_TABLE else tuple(scalars)


def _words(arguments: Mapping[str, Any]) -> tuple[set[str], list[str]]:
    """Return the texts in lists and mappings, and those that may be a condition."""
    words: set[str] = set()
    held = list(arguments.values())
    while held:
        entry = held.pop()
        if isinstance(entry, Mapping):
            held += entry.values()
        elif isinstance(entry, list | tuple):
            words |= {item for item in entry if isinstance(item, str)}
            held += [item for item in entry if not isinstance(item, str)]
        elif isinstance(entry, str):
            words.add(entry)
    return words, [text for text in arguments.values() if isinstance(text, str)]


class _Counted:
    """Metrics made of counts; Great Expectations asks for each by an id, which names it."""

    def __init__(self, rows: Rows, check: Check, answer: Answer | None) -> None:
        columns = list(rows.scalars)
        self._values = {"table.row_count": rows.rows, "table.columns": columns, "table.column_count": len(columns)}
        if answer is not None:
            metric = get_expectation_impl(check.expectation).map_metric
            self._values |= {
                "column_values.nonnull.unexpected_count": answer.nulls,
                f"{metric}.unexpected_count": answer.unexpected,
                f"{metric}.unexpected_values": [],
            }

    def __contains__(self, key: Any) -> bool:
        return key.metric_name in self._values

    def __getitem__(self, key: Any) -> Any:
        return self._values[key.metric_name]


class _NotComputedError(Exception):
    """Metrics could not be computed; the message is the traceback."""


def _compute(expectation: Any, engine: Any, settings: dict[str, Any]) -> Any:
    """Compute the metrics of an expectation from the rows that the engine holds."""
    wanted = expectation.get_validation_dependencies(execution_engine=engine, runtime_configuration=settings)
    calculator = MetricsCalculator(engine)
    graph = calculator.build_metric_dependency_graph(wanted.get_metric_configurations(), settings)
    metrics, aborted = calculator.resolve_validation_graph(graph, settings)
    for entry in aborted.values():
        raise _NotComputedError(entry["exception_info"]["exception_traceback"])
    return metrics


def _outcome(rows: Rows, check: Check, spec: ModelSpec, engine: Any, counted: _Counted | None = None) -> CheckOutcome:
    """Return what Great Expectations decides on the counts, or on the rows that the engine holds."""
    is_personal = any(spec.columns[name].personal for name in _columns_of(check) if name in spec.columns)
    settings = {"result_format": dict(_PASSED_ONLY if is_personal else _COUNTS_ONLY)}
    expectation = _build(check)
    try:
        metrics = _compute(expectation, engine, settings) if counted is None else counted
        result = expectation.metrics_validate(metrics, execution_engine=engine, runtime_configuration=settings)
    except Exception as error:  # noqa: BLE001 - whatever an expectation raises is an outcome of its check alone
        trace = str(error) if isinstance(error, _NotComputedError) else traceback.format_exc()
        said = f"could not be computed ({_raised(trace)}); check that the expectation suits the type of the column"
        return _unknown(rows, check, said)
    found = result.result or {}
    unexpected = found.get("unexpected_count")
    return _plain(
        rows,
        check,
        passed=bool(result.success),
        unexpected=int(unexpected) if isinstance(unexpected, numbers.Integral) else None,
        observed=_observed(found),
    )


def _raised(trace: str) -> str:
    """Return the class of the exception in a traceback; its message may contain values of rows."""
    for line in trace.splitlines():
        # the first such line is the cause, for example `builtins.TypeError: ...`
        if found := re.match(r"(?:\w+\.)*(\w+): ", line):
            return found[1]
    return "error"


def _observed(found: Mapping[str, Any]) -> str:
    """Format the counts and numbers of a result."""
    if (count := found.get("unexpected_count")) is not None and "element_count" in found:
        empty = found.get("missing_count")
        return f"{count:,} of {found['element_count']:,} unexpected" + (f", {empty:,} null" if empty else "")
    observed = found.get("observed_value")
    if isinstance(observed, Mapping):
        observed = observed.get("values")
    values: Sequence[Any] = observed if isinstance(observed, list | tuple) else [observed]
    if all(isinstance(value, numbers.Real) and not isinstance(value, bool) for value in values):
        return ", ".join(number_text(float(value)) for value in values)
    return ""
