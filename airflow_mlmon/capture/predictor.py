"""Functions that predict, wrapped so that their calls are logged."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from airflow_mlmon.capture.schema import CaptureSchema

_Function = Callable[..., Any]


class CallLog(Protocol):
    """Capture, as a decorator knows it."""

    schema: CaptureSchema

    @property
    def log(self) -> Callable[..., str]:
        """Log one prediction."""

    @property
    def log_batch(self) -> Callable[..., list[str]]:
        """Log several predictions."""

    @property
    def drop(self) -> Callable[[str], None]:
        """Count a row as lost."""

    @property
    def skip(self) -> Callable[[str], None]:
        """Count a call that is no row."""


def log_calls(
    capture: CallLog,
    *,
    features: _Function | None = None,
    prediction: _Function | None = None,
    id: _Function | None = None,  # noqa: A002 - the field's word
    version: Any = None,
) -> Callable[[_Function], _Function]:
    """Make a decorator that logs the calls of a function that predicts: plain or async, of one row or of several.

    The function's result is returned as it is, and its exceptions are raised; such a call is logged with the status of
    a failure if the spec has one, else counted.

    Args:
        capture: where calls are logged.
        features: makes the features of a call's arguments; by default they are its only argument, if that is a
            mapping, a table or a list of mappings, else all arguments by name but `self`.
        prediction: makes the prediction of a call's result; by default it is the result.
        id: makes the id, or the ids of several rows, of a call's arguments.
        version: version of the model, or a function that returns it.
    """

    def decorate(function: _Function) -> _Function:
        call = _Call(capture, function, features=features, prediction=prediction, key=id, version=version)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def predict_async(*args: Any, **kwargs: Any) -> Any:
                features, start = call.read(args, kwargs), time.perf_counter()
                try:
                    result = await function(*args, **kwargs)
                except Exception:
                    call.log_failure(features, start)
                    raise
                call.log(features, result, start)
                return result

            return predict_async

        @functools.wraps(function)
        def predict(*args: Any, **kwargs: Any) -> Any:
            features, start = call.read(args, kwargs), time.perf_counter()
            try:
                result = function(*args, **kwargs)
            except Exception:
                call.log_failure(features, start)
                raise
            call.log(features, result, start)
            return result

        return predict

    return decorate


class _Read(NamedTuple):
    """What is known of a call before it is made."""

    features: Any
    key: Any
    version: Any


def _copy(features: Any) -> Any:
    """Return features that the function cannot change, where they are mappings; a table is taken as it is later."""
    if isinstance(features, Mapping):
        return dict(features)
    return [_copy(row) for row in features] if isinstance(features, list | tuple) else features


class _Call:
    """What is logged of a call."""

    def __init__(
        self,
        capture: CallLog,
        function: _Function,
        *,
        features: _Function | None,
        prediction: _Function | None,
        key: _Function | None,
        version: Any,
    ) -> None:
        self._capture = capture
        self._signature = inspect.signature(function)
        self._features = features or self._from_arguments
        self._prediction = prediction
        self._key = key
        self._version = version

    def read(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Read | None:
        """Read features, ids and version before the function can change its arguments; None where that fails."""
        try:
            found = self._features(*args, **kwargs)
            return _Read(
                _copy(found),
                self._key(*args, **kwargs) if self._key else None,
                self._version() if callable(self._version) else self._version,
            )
        except Exception:  # noqa: BLE001 - functions of the service, whose call goes on
            return None

    def log(self, read: _Read | None, result: Any, start: float) -> None:
        """Log an answered call."""
        latency_ms = (time.perf_counter() - start) * 1_000
        try:
            outputs = result if self._prediction is None else self._prediction(result)
        except Exception:  # noqa: BLE001 - the call has its result
            read = outputs = None
        self._log(read, outputs, latency_ms, self._capture.schema.success)

    def log_failure(self, read: _Read | None, start: float) -> None:
        """Log a failed call, if the spec has a status."""
        latency_ms = (time.perf_counter() - start) * 1_000
        if self._capture.schema.status is None:
            self._capture.skip("failed_call")
        else:
            self._log(read, None, latency_ms, self._capture.schema.failure)

    def _log(self, read: _Read | None, outputs: Any, latency_ms: float, status: str) -> None:
        if read is None:
            self._capture.drop("unreadable")
        elif isinstance(read.features, Mapping):
            self._capture.log(
                read.features, outputs, id=read.key, version=read.version, latency_ms=latency_ms, status=status
            )
        else:
            self._capture.log_batch(
                read.features, outputs, ids=read.key, versions=read.version, latency_ms=latency_ms, status=status
            )

    def _from_arguments(self, *args: Any, **kwargs: Any) -> Any:
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {name: value for name, value in bound.arguments.items() if name not in ("self", "cls")}
        only = next(iter(arguments.values())) if len(arguments) == 1 else None
        is_rows = isinstance(only, Mapping | list | tuple) or hasattr(only, "to_dict") or hasattr(only, "to_pylist")
        return only if is_rows else arguments
