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
Latency, status and trace are captured where the spec has columns for them, attributions where a tensor of the response
has their name. `max_batch_size` and `max_batch_time` belong below `extra`, too: above it, MLServer would join requests
before they are captured.
"""

from __future__ import annotations

import base64
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlserver import MLModel, ModelSettings
from mlserver.batching import load_batching
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse, MetadataModelResponse, RequestInput, ResponseOutput

from airflow_mlmon.capture import Capture, CaptureSchema

_INPUTS = frozenset({"feature", "text", "ignored", "group", "item"})

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
        """Predict by the runtime, and log what it predicted; a request is never the worse for it."""
        start = time.perf_counter()
        try:
            response = await self._runtime.predict(payload)
        except Exception:
            self._log(payload, None, start)
            raise
        self._log(payload, response, start)
        return response

    async def metadata(self) -> MetadataModelResponse:
        """Return what the runtime says of its tensors."""
        return await self._runtime.metadata()

    async def unload(self) -> bool:
        """Write what waits, and unload the runtime."""
        if self._capture is not None:
            self._capture.close()
        return await self._runtime.unload()

    def _log(self, request: InferenceRequest, response: InferenceResponse | None, start: float) -> None:
        capture = self._capture
        if capture is None:
            return
        latency_ms = (time.perf_counter() - start) * 1_000
        if response is None and capture.schema.status is None:
            capture.skip("failed_call")
            return
        try:
            rows = self._read(capture.schema, request, response)
        except Exception:  # noqa: BLE001 - whatever a tensor holds
            capture.drop("unreadable_tensors")
            return
        parameters = request.parameters
        capture.log_batch(
            **rows,
            versions=(response and response.model_version) or self.version,
            latency_ms=latency_ms,
            status=capture.schema.failure if response is None else capture.schema.success,
            trace=((parameters and parameters.headers) or {}).get("traceparent"),
        )

    def _read(
        self, schema: CaptureSchema, request: InferenceRequest, response: InferenceResponse | None
    ) -> dict[str, Any]:
        widths = {name: column.dimension or 1 for name, column in schema.columns.items()}
        inputs = {name: widths[name] for name, column in schema.columns.items() if column.role in _INPUTS}
        features = read_columns(request.inputs, inputs)
        rows = len(next(iter(features.values())))
        ids = [f"{request.id}#{number}" for number in range(rows)] if rows > 1 else request.id
        outputs = {name: widths[name] for name in schema.outputs}
        answers = None if response is None else read_columns(response.outputs, outputs, schema.with_role("attribution"))
        return {"features": features, "predictions": answers, "ids": ids}


def read_columns(tensors: Tensors, widths: Mapping[str, int], beside: Collection[str] = ()) -> Columns:
    """Return the values of tensors by column, a list for each row of a vector.

    Args:
        tensors: those of a request or of a response.
        widths: number of values of each column in a row; tensors with names of none fill the columns in this order.
        beside: columns that are filled by name alone.

    Raises:
        ValueError: the values of a tensor are not those of its shape, or fit no columns.
    """
    named: Columns = {}
    placed: list[list[list[Any]]] = []
    for tensor in tensors:
        rows = _read_rows(tensor)
        if tensor.name in widths or tensor.name in beside:
            named[tensor.name] = [row[0] if len(row) == 1 else row for row in rows]
        else:
            placed.append(rows)
    rest = {name: width for name, width in widths.items() if name not in named}
    if placed and rest:
        flat = [[value for part in row for value in part] for row in zip(*placed, strict=True)]
        named |= _place(flat, rest)
    return named


def _place(rows: list[list[Any]], widths: Mapping[str, int]) -> Columns:
    if any(len(row) != sum(widths.values()) for row in rows):
        raise ValueError(f"not rows of {sum(widths.values())} values")
    columns: Columns = {}
    start = 0
    for name, width in widths.items():
        columns[name] = [row[start] if width == 1 else row[start : start + width] for row in rows]
        start += width
    return columns


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
