"""Execution of checks; the only module that imports Great Expectations.

Its results contain values of the failing rows, and its Data Docs run them as scripts. So only counts and numeric
aggregates leave this module, and for columns with personal data only passed or failed.
"""

from __future__ import annotations

import difflib
import logging
import numbers
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from airflow_mlmon.errors import ConfigError
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
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
_PASSED_ONLY = {"result_format": "BOOLEAN_ONLY"}
_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")


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


def validate(frame: pd.DataFrame, checks: Sequence[Check], spec: ModelSpec) -> list[CheckOutcome]:
    """Run the checks on the rows of `frame` and return their outcomes, in the order of the checks.

    Raises:
        ConfigError: a check cannot be built.
    """
    check_arguments(checks)
    outcomes: dict[int, CheckOutcome] = {}
    open_checks: dict[int, Check] = {}
    personal_checks: dict[int, Check] = {}
    for position, check in enumerate(checks):
        if (outcome := _outcome_without_rows(frame, check, spec)) is not None:
            outcomes[position] = outcome
        elif any(spec.columns[name].personal for name in _columns_of(check) if name in spec.columns):
            personal_checks[position] = check
        else:
            open_checks[position] = check
    for group, result_format in ((open_checks, _COUNTS_ONLY), (personal_checks, _PASSED_ONLY)):
        outcomes |= {
            position: _outcome(frame, check, result) for position, check, result in _run(frame, group, result_format)
        }
    return [outcomes[position] for position in range(len(checks))]


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
        _configuration(position, check).to_domain_obj()
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


def _configuration(position: int, check: Check) -> Any:
    arguments = dict(check.arguments)
    if check.column is not None:
        arguments["column"] = check.column
    return ExpectationConfiguration(type=check.expectation, kwargs=arguments, meta={"position": position})


def _columns_of(check: Check) -> list[str]:
    given: list[Any] = [check.column]
    for name in _COLUMN_ARGUMENTS:
        value = check.arguments.get(name)
        given.extend(value if isinstance(value, list | tuple) else [value])
    return [name for name in given if isinstance(name, str)]


def _outcome_without_rows(frame: pd.DataFrame, check: Check, spec: ModelSpec) -> CheckOutcome | None:
    """Return the outcome if it does not depend on the rows."""
    missing = [name for name in _columns_of(check) if name not in frame.columns]
    if vectors := [name for name in missing if name in spec.vectors]:
        return _unknown(frame, check, f"column {vectors[0]!r} is a vector; checks cannot read vectors")
    if missing:
        dropped = [name for name in missing if name in spec.columns and spec.columns[name].personal == "drop"]
        if dropped:
            return _unknown(frame, check, f"column {dropped[0]!r} is personal and was dropped before the checks")
        return _plain(frame, check, passed=False, observed=f"column {missing[0]!r} is missing")
    if frame.empty:
        return _unknown(frame, check, "not enough data")
    return None


def _plain(frame: pd.DataFrame, check: Check, **found: Any) -> CheckOutcome:
    return CheckOutcome(
        expectation=check.expectation,
        column=check.column,
        severity=check.severity,
        rows=len(frame),
        expected=arguments_text(check.arguments),
        **found,
    )


def _unknown(frame: pd.DataFrame, check: Check, error: str) -> CheckOutcome:
    return _plain(frame, check, passed=None, error=error)


def _run(
    frame: pd.DataFrame, checks: Mapping[int, Check], result_format: Mapping[str, Any]
) -> Iterator[tuple[int, Check, Any]]:
    """Yield each check with its Great Expectations result: one context, one batch, one suite."""
    if not checks:
        return
    settings = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=settings)
    asset = context.data_sources.add_pandas("curated").add_dataframe_asset("partition")
    batch = asset.add_batch_definition_whole_dataframe("day").get_batch({"dataframe": frame})
    # built without the constructor's deduplication, so that each of two equal checks has an outcome
    suite = gx.ExpectationSuite("checks")
    suite.expectations = [_configuration(position, check).to_domain_obj() for position, check in checks.items()]
    for result in batch.validate(suite, result_format=dict(result_format)).results:
        position = result.expectation_config.meta["position"]
        yield position, checks[position], result


def _outcome(frame: pd.DataFrame, check: Check, result: Any) -> CheckOutcome:
    if (error := _raised(result.exception_info)) is not None:
        return _unknown(
            frame, check, f"could not be computed ({error}); check that the expectation suits the type of the column"
        )
    found = result.result or {}
    unexpected = found.get("unexpected_count")
    return _plain(
        frame,
        check,
        passed=bool(result.success),
        unexpected=int(unexpected) if isinstance(unexpected, numbers.Integral) else None,
        observed=_observed(found),
    )


def _raised(info: Mapping[str, Any] | None) -> str | None:
    """Return the class of the exception that a check raised; its message may contain values of rows."""
    if not info or info.get("raised_exception") is False:
        return None
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        for line in str(entry["exception_traceback"] or "").splitlines():
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
