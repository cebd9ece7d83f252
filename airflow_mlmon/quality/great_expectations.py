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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.quality.counts import CheckCounts, CheckedRows, ColumnMeasure, Question, question_of
from airflow_mlmon.quality.deferred import absent, deferred
from airflow_mlmon.quality.frame import FrameTypes, to_frame
from airflow_mlmon.quality.known import Counted, Known
from airflow_mlmon.quality.named_columns import columns_named, columns_of
from airflow_mlmon.quality.wording import arguments_text, observed_text
from airflow_mlmon.records import CheckOutcome
from airflow_mlmon.spec.model import ModelSpec
from airflow_mlmon.spec.quality import Check
from airflow_mlmon.spec.section import nearest

# its import logs more than 200 lines at INFO, uses deprecated modules, and loads 90 MB that it seldom needs
logging.getLogger("great_expectations").setLevel(logging.WARNING)
logging.getLogger("great_expectations._docs_decorators").setLevel(logging.WARNING)
# what it can do without: its rows come in a frame, from no database, service or Spark
_CLIENTS = (
    *("azure.identity", "azure.keyvault", "azure.storage", "boto3", "botocore", "google.api_core", "google.auth"),
    *("google.cloud", "google.oauth2", "databricks", "psycopg2", "py4j", "pyathena", "pyodbc", "pypd", "pyspark"),
    *("snowflake", "sqlalchemy.orm", "sqlalchemy_bigquery", "sqlalchemy_redshift", "teradatasqlalchemy", "trino"),
)
with warnings.catch_warnings(), deferred("altair", "jsonschema", "mistune", "scipy.stats"), absent(*_CLIENTS):
    warnings.simplefilter("ignore", DeprecationWarning)
    import great_expectations  # noqa: F401 - registers the expectations
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )
    from great_expectations.validator.metrics_calculator import MetricsCalculator

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_PASSED_ONLY = {"result_format": "BOOLEAN_ONLY"}
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
# metrics that follow from each row alone, so that their counts in batches add up
_BY_ROW = {
    "column_pair_values.a_greater_than_b",
    "column_pair_values.equal",
    "column_pair_values.in_set",
    "column_values.between",
    "column_values.dateutil_parseable",
    "column_values.in_set",
    "column_values.in_type_list",
    "column_values.json_parseable",
    "column_values.match_json_schema",
    "column_values.match_regex",
    "column_values.match_regex_list",
    "column_values.match_strftime_format",
    "column_values.nonnull",
    "column_values.not_in_set",
    "column_values.not_match_regex",
    "column_values.not_match_regex_list",
    "column_values.null",
    "column_values.of_type",
    "column_values.value_length.between",
    "column_values.value_length.equals",
    "multicolumn_sum.equal",
    "multicolumn_values.equal",
    "select_column_values.unique.within_record",
}
_BATCH = 1 << 17
# by class of expectation and format of its result; to find them takes longer than to decide
_WANTED: dict[tuple[type, bool], tuple[frozenset[str], dict[str, Any]]] = {}


def known_expectations() -> tuple[str, ...]:
    """Return the names of the expectations of Great Expectations, sorted."""
    names = list_registered_expectation_implementations()
    return tuple(sorted(name for name in names if name.startswith("expect_")))


def check_arguments(checks: Sequence[Check]) -> list[Any]:
    """Build the expectations of checks, in their order.

    Raises:
        ConfigError: an expectation is unknown or its arguments are wrong; each mistake on a line of its own.
    """
    known, built = known_expectations(), list[Any]()
    if mistakes := [found for at, check in enumerate(checks) for found in _mistakes(at, check, known, built)]:
        raise ConfigError("\n".join(mistakes))
    return built


def validate(rows: CheckedRows, checks: Sequence[Check], known: Known, *, size: int = _BATCH) -> list[CheckOutcome]:
    """Run the checks on the rows of a day and return their outcomes, in the order of the checks.

    Args:
        rows: the rows.
        checks: the checks.
        known: what is known of the rows.
        size: most rows of a batch.

    Raises:
        ConfigError: a check cannot be built.
    """
    expectations = check_arguments(checks)
    outcomes, asked = dict[int, CheckOutcome](), dict[int, _Asked]()
    for position, check in enumerate(checks):
        if (outcome := _outcome_without_rows(rows, check, known.spec)) is not None:
            outcomes[position] = outcome
        else:
            asked[position] = _Asked.of(check, expectations[position], known.spec)
    questions = {entry.question for entry in asked.values() if entry.question is not None}
    counts, counted = known.count(questions, rows, size), _Counted(rows)
    by_columns: dict[tuple[str, ...], list[int]] = {}
    for position, entry in asked.items():
        if (metrics := counted.metrics(entry, counts.get(entry.question) if entry.question else None)) is not None:
            outcomes[position] = _outcome(rows, entry.check, partial(counted.decide, entry, metrics))
        else:
            by_columns.setdefault(_columns_read(entry.check, rows.scalars), []).append(position)
    for columns, positions in by_columns.items():
        decided = _compute([asked[position] for position in positions], rows, columns, size)
        for position, decide in zip(positions, decided, strict=True):
            outcomes[position] = _outcome(rows, checks[position], decide)
    return [outcomes[position] for position in range(len(checks))]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A check, its expectation, the format of its result, and what rows it asks to count."""

    check: Check
    expectation: Any
    result_format: Mapping[str, Any]
    question: Question | None

    @classmethod
    def of(cls, check: Check, expectation: Any, spec: ModelSpec) -> _Asked:
        is_personal = any(spec.columns[name].personal for name in columns_of(check) if name in spec.columns)
        return cls(check, expectation, _PASSED_ONLY if is_personal else _COUNTS_ONLY, question_of(check))

    @property
    def settings(self) -> dict[str, Any]:
        return {"result_format": dict(self.result_format)}


def _mistakes(position: int, check: Check, known: Sequence[str], built: list[Any]) -> Iterator[str]:
    key = f"quality.{position}"
    if check.expectation not in known:
        hint = _nearest_expectation(check.expectation, known)
        yield f"{key}.expectation: unknown expectation {check.expectation!r}{hint}"
        return
    about = f"{check.expectation} of column {check.column!r}" if check.column else check.expectation
    if "column" in check.arguments:
        yield f"{key}.arguments.column: {about}: give the column as `column` beside `expectation`"
        return
    try:
        built.append(_build(check))
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


def _outcome_without_rows(rows: CheckedRows, check: Check, spec: ModelSpec) -> CheckOutcome | None:
    """Return the outcome if it does not depend on the rows."""
    missing = [name for name in columns_of(check) if name not in rows.scalars]
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


def _plain(rows: CheckedRows, check: Check, **found: Any) -> CheckOutcome:
    return CheckOutcome(
        expectation=check.expectation,
        column=check.column,
        severity=check.severity,
        rows=rows.rows,
        expected=arguments_text(check.arguments),
        **found,
    )


def _unknown(rows: CheckedRows, check: Check, error: str) -> CheckOutcome:
    return _plain(rows, check, passed=None, error=error)


def _columns_read(check: Check, scalars: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that a check may read: all, if it is of the table in a way of its own."""
    return columns_named(check, scalars) if columns_of(check) or check.expectation in _OF_TABLE else tuple(scalars)


class _Counted:
    """Metrics made of counts, on which Great Expectations decides without a row."""

    def __init__(self, rows: CheckedRows) -> None:
        names = list(rows.scalars)
        self._of_table = {"table.row_count": rows.rows, "table.columns": names, "table.column_count": len(names)}
        self._engine = PandasExecutionEngine()

    def metrics(self, asked: _Asked, counts: Counted | None) -> dict[str, Any] | None:
        """Return the metrics of a check by name; None if its expectation asks for others."""
        if isinstance(counts, CheckCounts):
            metric = asked.expectation.map_metric
            made = self._of_table | {
                "column_values.nonnull.unexpected_count": counts.nulls,
                f"{metric}.unexpected_count": counts.unexpected,
                f"{metric}.unexpected_values": [],
            }
        elif isinstance(asked.question, ColumnMeasure) and counts is not None:
            made = {asked.question.metric: counts}
        elif asked.check.expectation in _OF_TABLE and asked.check.arguments.get("row_condition") is None:
            made = self._of_table
        else:
            return None
        return made if self._find_wanted(asked)[0] <= made.keys() else None

    def decide(self, asked: _Asked, metrics: dict[str, Any]) -> Any:
        """Let the expectation decide on its metrics."""
        settings = {"result_format": self._find_wanted(asked)[1]}
        found = asked.expectation._validate(metrics, settings, self._engine)  # noqa: SLF001 - each expectation's own
        result = found if isinstance(found, ExpectationValidationResult) else ExpectationValidationResult(**found)
        if asked.result_format is _PASSED_ONLY:
            result.result = {}
        return result

    def _find_wanted(self, asked: _Asked) -> tuple[frozenset[str], dict[str, Any]]:
        """Find the metrics that an expectation asks for, and the whole format of its result."""
        key = type(asked.expectation), asked.result_format is _PASSED_ONLY
        if key not in _WANTED:
            found = asked.expectation.get_validation_dependencies(self._engine, asked.settings)
            _WANTED[key] = frozenset(found.metric_configurations), found.result_format
        return _WANTED[key]


class _NotComputedError(Exception):
    """Metrics could not be computed; the message is the traceback."""


class _Computed:
    """Metrics of a check that Great Expectations computes from rows."""

    def __init__(self, asked: _Asked) -> None:
        self._asked = asked
        self._engine: Any = None
        self._metrics: dict[Any, Any] = {}
        self._trace = ""

    @property
    def is_by_row(self) -> bool:
        """Whether each row counts by itself; of the expectations of others it is not known."""
        expectation = self._asked.expectation
        is_core = type(expectation).__module__.startswith("great_expectations.expectations.core")
        return is_core and getattr(expectation, "map_metric", None) in _BY_ROW

    def add(self, engine: Any) -> None:
        """Compute the metrics from the rows that an engine holds, and add them to those of other rows."""
        if not self._trace:
            self._engine = engine
            try:
                self._add(engine)
            except Exception:  # noqa: BLE001 - whatever an expectation raises is an outcome of its check alone
                self._trace = traceback.format_exc()

    def decide(self) -> Any:
        """Let the expectation decide."""
        if self._trace:
            raise _NotComputedError(self._trace)
        return self._asked.expectation.metrics_validate(self._metrics, self._asked.settings, self._engine)

    def _add(self, engine: Any) -> None:
        settings = self._asked.settings
        wanted = self._asked.expectation.get_validation_dependencies(engine, settings).get_metric_configurations()
        calculator = MetricsCalculator(engine)
        graph = calculator.build_metric_dependency_graph(wanted, settings)
        found, aborted = calculator.resolve_validation_graph(graph, settings)
        for entry in aborted.values():
            self._trace = entry["exception_info"]["exception_traceback"]
            return
        for metric in wanted:
            if metric.id in self._metrics and metric.metric_name.endswith("_count"):
                self._metrics[metric.id] += found[metric.id]
            elif metric.id in found:
                self._metrics.setdefault(metric.id, found[metric.id])


def _compute(asked: Sequence[_Asked], rows: CheckedRows, columns: Sequence[str], size: int) -> list[Callable[[], Any]]:
    """Compute the metrics of checks of the same columns, in batches where each row counts by itself."""
    computed = [_Computed(entry) for entry in asked]
    by_row = [one for one in computed if one.is_by_row and rows.rows > size]
    if by_row:
        types = FrameTypes(next(rows.batches([], columns, size)), columns)
        if types.ambiguous:
            for batch in rows.batches([], types.ambiguous, size):
                types.look_at(batch)
        for frame in types.to_frames(rows.batches([], columns, size)):
            _add(by_row, frame)
    if others := [one for one in computed if one not in by_row]:
        _add(others, to_frame(rows.table([], columns)))
    return [one.decide for one in computed]


def _add(computed: Sequence[_Computed], frame: pd.DataFrame) -> None:
    engine = PandasExecutionEngine(batch_data_dict={"day": frame})
    for one in computed:
        one.add(engine)


def _outcome(rows: CheckedRows, check: Check, decide: Callable[[], Any]) -> CheckOutcome:
    try:
        result = decide()
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
        observed=observed_text(found),
    )


def _raised(trace: str) -> str:
    """Return the class of the exception in a traceback; its message may contain values of rows."""
    for line in trace.splitlines():
        # the first such line is the cause, for example `builtins.TypeError: ...`
        if found := re.match(r"(?:\w+\.)*(\w+): ", line):
            return found[1]
    return "error"
