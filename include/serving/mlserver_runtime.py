"""A runtime of MLServer, and so of Seldon Core 2 and KServe, that captures what another runtime predicts.

Name it as the implementation of a model, and the runtime that predicts below `extra`:

    {
      "name": "fraud",
      "implementation": "mlserver_runtime.CapturedRuntime",
      "parameters": {
        "version": "v7",
        "extra": {
          "runtime": "mlserver_sklearn.SKLearnModel",
          "spec": "fraud.yaml",
          "destination": "s3://acme-ml/"
        }
      }
    }

`spec` is the spec of the monitored model, by its path from the folder of these settings; `destination` may be left out.
Tensors are columns by their names; those with names of no column fill the remaining ones in the order of the spec. A
row has the id of its request (its `id`, else the one that MLServer makes up and answers): id#0, id#1 of several rows.
`max_batch_size` and `max_batch_time` belong below `extra`, too: above it, MLServer would join requests before they are
captured.
"""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlserver import MLModel, ModelSettings
from mlserver.batching import load_batching
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput, ResponseOutput

from airflow_mlmon.capture import Capture

_OUTPUTS = frozenset({"score", "prediction"})
_OF_THE_ENVELOPE = frozenset({"id", "time", "version", "trace", "attribution"})
_TRACE = "traceparent"
_log = logging.getLogger(__name__)

Tensors = Sequence[RequestInput] | Sequence[ResponseOutput]
Columns = dict[str, list[Any]]


class CapturedRuntime(MLModel):
    """Runtime that predicts by another one, and logs each row of each request."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__(settings)
        extra = (settings.parameters.extra if settings.parameters else None) or {}
        if not {"runtime", "spec"} <= extra.keys():
            raise MLServerError("a captured model needs `runtime` and `spec` below parameters.extra")
        if settings.max_batch_size > 1:
            raise MLServerError("max_batch_size of a captured model belongs below parameters.extra")
        batching = {name: extra[name] for name in ("max_batch_size", "max_batch_time") if name in extra}
        own = settings.model_copy(update={"implementation_": extra["runtime"], **batching})
        self._runtime: MLModel = own.implementation(own)
        self._spec = Path(settings._source or "").parent / extra["spec"]  # noqa: SLF001 - as MLServer's runtimes do
        self._destination: str | None = extra.get("destination")
        self._capture: Capture | None = None

    async def load(self) -> bool:
        """Load the runtime; called in each worker, which captures for itself."""
        is_ready = await self._runtime.load()
        if self._runtime.inputs:
            self.inputs = self._runtime.inputs
        if self._runtime.outputs:
            self.outputs = self._runtime.outputs
        await load_batching(self._runtime)
        self._capture = Capture(self._spec, self._destination)
        return is_ready

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Predict by the runtime, and log what it predicted; a failure of the latter is none of the request."""
        response = await self._runtime.predict(payload)
        try:
            self._log(payload, response)
        except Exception:  # noqa: BLE001 - whatever it is
            _log.exception("a request to %s could not be captured", self.name)
        return response

    async def unload(self) -> bool:
        """Write what waits, and unload the runtime."""
        if self._capture is not None:
            self._capture.close()
        return await self._runtime.unload()

    def _log(self, request: InferenceRequest, response: InferenceResponse) -> None:
        capture = self._capture
        assert capture is not None  # noqa: S101 - loaded
        roles = {name: column.role for name, column in capture.schema.columns.items()}
        inputs = read_columns(
            request.inputs, [own for own, role in roles.items() if role not in _OUTPUTS | _OF_THE_ENVELOPE]
        )
        outputs = read_columns(response.outputs, [own for own, role in roles.items() if role in _OUTPUTS])
        own_id = request.id or response.id
        rows = list(zip(_rows(inputs), _rows(outputs), strict=True))
        for number, (features, prediction) in enumerate(rows):
            capture.log(
                features,
                prediction,
                id=f"{own_id}#{number}" if own_id and len(rows) > 1 else own_id,
                version=response.model_version or self.version,
            )


def read_columns(tensors: Tensors, names: Sequence[str]) -> Columns:
    """Return the values of tensors by column, a list for each row whose tensor has several.

    Raises:
        ValueError: the values of a tensor are not those of its shape, or are more than the columns.
    """
    named: Columns = {}
    placed: list[list[list[Any]]] = []
    for tensor in tensors:
        rows = _read_rows(tensor)
        if tensor.name in names:
            named[tensor.name] = [row[0] if len(row) == 1 else row for row in rows]
        else:
            placed.append(rows)
    rest = [name for name in names if name not in named]
    if placed and rest:
        flat = [[value for part in row for value in part] for row in zip(*placed, strict=True)]
        named |= {name: list(values) for name, values in zip(rest, zip(*flat, strict=True), strict=True)}
    return named


def _read_rows(tensor: RequestInput | ResponseOutput) -> list[list[Any]]:
    """Return the values of each row of a tensor, whose first dimension is the row."""
    values = [_to_plain(value, tensor) for value in _flatten(tensor.data.root)]
    if len(values) != math.prod(tensor.shape) or not values:
        raise ValueError(f"tensor {tensor.name} of shape {tensor.shape} has {len(values)} values")
    width = math.prod(tensor.shape[1:])
    return [values[start : start + width] for start in range(0, len(values), width)]


def _flatten(values: Any) -> Iterator[Any]:
    if isinstance(values, list):
        for value in values:
            yield from _flatten(value)
    else:
        yield values


def _to_plain(value: Any, tensor: RequestInput | ResponseOutput) -> Any:
    """Return a text as such: gRPC has bytes, and either may be in base64."""
    if tensor.datatype != "BYTES" or value is None:
        return value
    if tensor.parameters is not None and tensor.parameters.content_type == "base64":
        value = base64.b64decode(value)
    return value.decode() if isinstance(value, bytes) else value


def _rows(columns: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
