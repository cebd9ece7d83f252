"""Example service: predicts the delay of flights, is measured by Prometheus, and captures what it predicts.

    SERVING_MODEL_FOLDER=… uvicorn --factory include.serving.app:open_app

The event time of a prediction is that of the request, so that days of the past can be replayed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator, metrics

from include.serving.archive import Archive
from include.serving.bodies import Arrival, Flight, Prediction
from include.serving.settings import ServingSettings, read_settings
from include.serving.traces import TRACEPARENT, continue_trace
from include.serving.versions import Versions, open_source

AIRPORTS = frozenset({"EWR", "JFK", "LGA"})
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_FLUSH_S = 30.0


def open_app() -> FastAPI:
    """Create the service that the environment describes."""
    return create_app(read_settings(os.environ))


def create_app(settings: ServingSettings) -> FastAPI:
    """Create the service."""
    registry = CollectorRegistry()
    archive = Archive(settings, registry)
    versions = Versions(open_source(settings))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        archive.close()

    app = FastAPI(title="Flight delays", lifespan=lifespan)
    instrumentator = Instrumentator(
        should_group_status_codes=False, excluded_handlers=["/metrics", "/health"], registry=registry
    )
    # in this order: a row is archived with the latency and status that Prometheus has counted
    instrumentator.add(metrics.default(registry=registry), archive.log_request)
    instrumentator.instrument(app).expose(app)
    _add_predictions(app, versions)
    _add_administration(app, versions, archive)

    @app.post("/labels", status_code=202)
    async def log_labels(arrivals: list[Arrival]) -> int:
        """Take in outcomes of flights."""
        for arrival in arrivals:
            archive.log_label(arrival)
        return len(arrivals)

    return app


def _add_predictions(app: FastAPI, versions: Versions) -> None:
    @app.post("/predict")
    async def predict(
        body: Flight | list[Flight], request: Request, response: Response
    ) -> Prediction | list[Prediction]:
        """Predict the delay of one flight, or of several."""
        trace = response.headers[TRACEPARENT] = continue_trace(request.headers.get(TRACEPARENT))
        asked = body if isinstance(body, list) else [body]
        rows = [(flight, flight.prediction_id or uuid.uuid4().hex) for flight in asked]
        # noted before the model is asked: a request that fails is archived too, with its status
        answered = request.state.answered = Archive.note(rows, trace)
        if unknown := {flight.origin for flight in asked} - AIRPORTS:
            known = ", ".join(sorted(AIRPORTS))
            raise HTTPException(422, f"Flights of {len(unknown)} other airports than {known}.", {TRACEPARENT: trace})
        predictions = []
        for row in answered:
            version = versions.choose(row.id)
            row.version = version.name
            (row.scored,) = version.model.score([row.features])
            predictions.append(
                Prediction(
                    prediction_id=row.id,
                    score=row.scored.score,
                    predicted=row.scored.is_late,
                    model_version=version.name,
                )
            )
        return predictions if isinstance(body, list) else predictions[0]


def _add_administration(app: FastAPI, versions: Versions, archive: Archive) -> None:
    @app.get("/health")
    async def tell_health() -> dict[str, str]:
        """Answer that the service is up."""
        return {"status": "up"}

    @app.get("/versions")
    async def list_versions() -> dict[str, float]:
        """Return the share of each version in service."""
        return versions.shares()

    @app.post("/refresh", dependencies=[Depends(_is_from_here)])
    def refresh() -> dict[str, float]:
        """Ask the folder or the registry again which versions to serve."""
        versions.refresh()
        return versions.shares()

    @app.post("/flush", dependencies=[Depends(_is_from_here)])
    def flush() -> bool:
        """Write the rows that wait, and answer whether they are in the archive."""
        return archive.flush(_FLUSH_S)


def _is_from_here(request: Request) -> None:
    """Refuse what does not come from the machine of the service."""
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(403, "Only from the machine of the service.")
