"""Own metrics of a spec: functions over the outcome profile of a day, or over batches of its rows."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.records import MetricValue
from airflow_mlmon.spec.metrics import LABEL_COVERAGE, OWN
from airflow_mlmon.tasks.outcome import OutcomeProfile

if TYPE_CHECKING:
    from airflow_mlmon.spec.model import ModelSpec

# what a function is given, by the name of its parameter
OUTCOMES, BATCHES = "outcomes", "batches"
_BATCH_ROWS = 65_536
_LONGEST = 300
# lengths of what a function may return beside its value: the rows, or the ends of its interval
_WITH_ROWS, _WITH_INTERVAL = 2, 3

Function = Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class OwnRows:
    """Rows of a day, read for each function that asks for them.

    Attributes:
        outcomes: Their outcome profile; None of a model without labels.
        rows: Number of the rows.
        read: Reads them, with their labels, in tables that fit into memory; see `beside`.
    """

    outcomes: OutcomeProfile | None
    rows: int
    read: Callable[[], Iterable[pa.Table]]


class _Batches:
    """Batches of the rows that a function is given; `error` says why they could not be read."""

    def __init__(self, rows: OwnRows) -> None:
        self.error: Exception | None = None
        self._rows = rows

    def read(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches."""
        try:
            for table in self._rows.read():
                yield from table.to_batches(max_chunksize=_BATCH_ROWS)
        except Exception as error:
            self.error = error
            raise


def beside(joined: pa.Table, rows: pa.Table) -> pa.Table:
    """Put the columns of rows beside their outputs by role, their label and exclusion; of one name, the latter stay."""
    held = set(joined.column_names)
    for name in rows.column_names:
        if name not in held:
            joined = joined.append_column(rows.schema.field(name), rows.column(name))
    return joined


def load_function(target: str, *, has_labels: bool) -> tuple[Function, str]:
    """Import the function that `module:function` names, and return it with what it is given.

    Raises:
        ConfigError: there is no such module or function, or it takes something else than a model with or without labels
            has.
    """
    module, _, name = target.partition(":")
    try:
        function = getattr(import_module(module), name, None)
    except Exception as error:
        # a module of somebody else may fail in any way
        raise ConfigError(f"{target!r} cannot be imported: {_told(error)}") from error
    if not callable(function):
        raise ConfigError(f"{target!r} is unknown: module {module} has no function {name}")
    given = _given(target, function)
    if given == OUTCOMES and not has_labels:
        raise ConfigError(f"{target!r} takes {OUTCOMES}, which a model without labels does not have")
    return function, given


def measure_own(spec: ModelSpec, rows: OwnRows, metrics: Sequence[MetricValue] = ()) -> list[MetricValue]:
    """Measure the own metrics of a spec, of all rows; of a model with labels, once enough have come.

    A function that fails costs its metric alone, which then has no value but the reason.

    Args:
        spec: the spec.
        rows: the rows.
        metrics: what was measured of their labels.
    """
    lack = _lack(spec, metrics) if rows.outcomes is not None else ""
    return [_measure(f"{OWN}{name}", target, rows, lack) for name, target in spec.metrics.items()]


def measure_unlabelled(spec: ModelSpec, rows: int, read: Callable[[], Iterable[pa.Table]]) -> list[MetricValue]:
    """Measure the own metrics of a model without labels; those of one with labels wait for them."""
    return [] if spec.labels else measure_own(spec, OwnRows(outcomes=None, rows=rows, read=read))


def _lack(spec: ModelSpec, metrics: Iterable[MetricValue]) -> str:
    needed = spec.labels.min_coverage if spec.labels else 0.0
    found = next((value.value for value in metrics if value.key == (LABEL_COVERAGE, None, None)), None)
    if found is None:
        return "no row is to get a label"
    return f"label coverage {found:.1%}, less than {needed:.0%}" if found < needed else ""


def _measure(metric: str, target: str, rows: OwnRows, lack: str) -> MetricValue:
    labelled = rows.outcomes.label.observed if rows.outcomes is not None else 0
    if lack:
        return MetricValue(metric=metric, value=None, rows=labelled, reason=lack)
    try:
        function, given = load_function(target, has_labels=rows.outcomes is not None)
    except ConfigError as error:
        return MetricValue(metric=metric, value=None, rows=labelled, reason=error.message)
    if rows.outcomes is None:
        labelled = rows.rows
    batches = _Batches(rows)
    try:
        found = _valued(metric, function(batches.read() if given == BATCHES else rows.outcomes), labelled)
    except Exception as error:  # noqa: BLE001 - a function of somebody else may fail in any way
        found = MetricValue(metric=metric, value=None, rows=labelled, reason=_told(error))
    if batches.error is not None:
        # that the rows cannot be read is no fault of the function, which may have caught it
        raise batches.error
    return found


def _valued(metric: str, returned: Any, labelled: int) -> MetricValue:
    """Return what a function returned as a value, or the reason why it is none."""
    parts = returned if isinstance(returned, tuple) else (returned,)
    if fault := _fault(parts):
        reason = f"the function returned {returned!r:.100}{fault}"
        return MetricValue(metric=metric, value=None, rows=labelled, reason=reason)
    rows = int(parts[1]) if len(parts) == _WITH_ROWS else labelled
    measured = MetricValue(metric=metric, value=float(parts[0]), rows=rows)
    return measured.within((float(parts[1]), float(parts[2]))) if len(parts) == _WITH_INTERVAL else measured


def _fault(parts: tuple[Any, ...]) -> str:
    """Return what is wrong with a value, with its rows or its interval; empty if nothing is."""
    if not 1 <= len(parts) <= _WITH_INTERVAL or not all(map(_is_number, parts)):
        return ", which is no number"
    if not all(map(math.isfinite, parts)):
        return ", which is not finite"
    if len(parts) == _WITH_ROWS and not (isinstance(parts[1], Integral) and parts[1] >= 0):  # type: ignore[operator]
        return ", whose second part is no number of rows"
    if len(parts) == _WITH_INTERVAL and not parts[1] <= parts[0] <= parts[2]:
        return ", whose interval does not hold the value"
    return ""


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _given(target: str, function: Function) -> str:
    try:
        parameters: Mapping[str, inspect.Parameter] = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{target!r} is no function whose parameters are known") from error
    needed = [name for name, found in parameters.items() if found.default is inspect.Parameter.empty]
    if needed not in ([OUTCOMES], [BATCHES]):
        words = ", ".join(needed) or "none"
        raise ConfigError(f"{target!r} must take one parameter, {OUTCOMES} or {BATCHES}, not {words}")
    return needed[0]


def _told(error: BaseException) -> str:
    """Return type and message of an error on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST].rstrip(": ")
