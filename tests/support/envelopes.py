"""Logs of serving systems as files, and the rows that their envelopes make of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_mlmon.archive.envelopes.envelope import Envelope, open_envelope
from airflow_mlmon.archive.envelopes.reserved import REASON, SAMPLING
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.tables.piece import Piece
from airflow_mlmon.tables.reading import Reading
from airflow_mlmon.tables.schema import conform

TIME = datetime(2026, 3, 1, 3, 33, 59, tzinfo=UTC)
MODIFIED = datetime(2026, 3, 1, 5, tzinfo=UTC)
COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "role": "id"},
    "at": {"type": "timestamp", "role": "time"},
    "age": {"type": "integer"},
    "amount": {"type": "float"},
    "country": {"type": "category"},
    "score": {"type": "float", "role": "score"},
}


def predictions(log: str, columns: Mapping[str, Any] | None = None, **keys: Any) -> Predictions:
    """The section of a spec for the log of a system."""
    return Predictions.model_validate({"path": "p/{date}/", "log": log, "columns": columns or COLUMNS} | keys)


def to_base64(body: Any) -> str:
    """The body in base64; what is no text becomes JSON."""
    return base64.b64encode((body if isinstance(body, str) else json.dumps(body)).encode()).decode()


def to_lines(*records: Any) -> bytes:
    """JSON Lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


def captured(request: str, response: str, *, request_type: str = "text/csv", **event: Any) -> dict[str, Any]:
    """A record of SageMaker's data capture."""
    sides = {"Input": (request, request_type), "Output": (response, "text/csv; charset=utf-8")}
    return {
        "captureData": {
            f"endpoint{side}": {
                "observedContentType": kind,
                "mode": side.upper(),
                "data": data,
                "encoding": "JSON" if "json" in kind else "CSV",
            }
            for side, (data, kind) in sides.items()
        },
        "eventMetadata": {"eventId": "e-1", "inferenceTime": "2026-03-01T03:33:59Z"} | event,
        "eventVersion": "0",
    }


def logged(own_id: str, kind: str, body: Any, **fields: Any) -> dict[str, Any]:
    """A record of KServe's inference logger."""
    return {
        "url": {},
        "bytes": to_base64(body),
        "contentType": "application/json",
        "reqType": f"org.kubeflow.serving.inference.{kind}",
        "id": own_id,
        "sourceUri": {},
        "inferenceService": "churn",
        "occurrenceTime": "2026-03-01T03:33:59Z",
    } | fields


def unpack(section: Predictions, files: Mapping[str, bytes], folder: Path) -> list[dict[str, Any]]:
    """The typed rows of files, with the name of their file as `file`, and their reason if one is refused."""
    envelope = open_envelope(section)
    assert envelope is not None
    names = list(files)
    rows = []
    for number, piece in envelope.rows(_read(envelope, files, folder), [MODIFIED] * len(files)):
        typed = conform(piece.table, section.columns, timezone=section.timezone, is_text=piece.is_text).table
        said = piece.table.select([name for name in (REASON, SAMPLING) if name in piece.table.column_names])
        for row, beside in zip(typed.to_pylist(), said.to_pylist(), strict=True):
            rows.append(row | {"file": names[number]} | {name: text for name, text in beside.items() if text})
    return rows


def _read(envelope: Envelope, files: Mapping[str, bytes], folder: Path) -> Iterator[tuple[int, Piece]]:
    for number, (name, content) in enumerate(files.items()):
        path = folder / f"file-{number}"
        path.write_bytes(content)
        for piece in envelope.read(path, name, Reading()):
            yield number, piece


def refused(rows: list[dict[str, Any]]) -> dict[str, str]:
    """The reasons of refused rows, by id."""
    return {row["id"]: row[REASON] for row in rows if REASON in row}


def values(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Values of the sound rows, in these columns."""
    return [tuple(row[name] for name in names) for row in rows if REASON not in row]
