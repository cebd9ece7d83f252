"""What the example service archives of a request, by the capture library."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator.metrics import Info

from airflow_mlmon.capture import Capture
from airflow_mlmon.capture.prometheus import CaptureCollector
from include.serving.bodies import Arrival, Flight
from include.serving.model import Scored
from include.serving.settings import ServingSettings


@dataclass(slots=True)
class AnsweredFlight:
    """Flight of a request, and what the model has said of it so far."""

    features: dict[str, Any]
    id: str
    at: datetime | None
    trace: str
    version: str | None = None
    scored: Scored | None = None


class Archive:
    """Archive of the predictions and labels, which the nightly monitoring reads.

    Args:
        settings: where it lies.
        registry: metrics of the service, among which those of the capture are put.
    """

    def __init__(self, settings: ServingSettings, registry: CollectorRegistry) -> None:
        self._capture = None
        if settings.captures:
            self._capture = Capture(
                settings.spec,
                settings.destination,
                labels_destination=settings.labels_destination,
                flush_seconds=settings.flush_s,
                spool=settings.spool,
            )
            registry.register(CaptureCollector(self._capture))

    @staticmethod
    def note(flights: Iterable[tuple[Flight, str]], trace: str) -> list[AnsweredFlight]:
        """Note what a request asks."""
        return [AnsweredFlight(flight.features(), key, flight.event_time, trace) for flight, key in flights]

    def log_request(self, info: Info) -> None:
        """Log the flights of a request that has been answered, or has failed."""
        if self._capture is None:
            return
        for row in getattr(info.request.state, "answered", ()):
            scored = row.scored
            self._capture.log(
                row.features,
                None if scored is None else {"score": scored.score, "predicted": scored.is_late},
                id=row.id,
                version=row.version,
                at=row.at,
                attributions=None if scored is None else scored.attributions,
                latency_ms=info.modified_duration * 1000,
                status=info.modified_status,
                trace=row.trace,
            )

    def log_label(self, arrival: Arrival) -> None:
        """Log the outcome of a flight."""
        if self._capture is not None:
            self._capture.log_label(arrival.prediction_id, arrival.late, outcome=arrival.outcome, at=arrival.at)

    def flush(self, seconds: float) -> bool:
        """Write what waits; return whether all of it was written in time."""
        return self._capture is None or self._capture.flush(seconds)

    def close(self) -> None:
        """Write what waits."""
        if self._capture is not None:
            self._capture.close()
