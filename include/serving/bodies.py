"""Bodies of requests and responses of the example service."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from include.serving.model import FEATURES


class Flight(BaseModel):
    """Flight of which the delay is to be predicted."""

    prediction_id: str | None = None
    event_time: AwareDatetime | None = Field(default=None, description="Scheduled departure; by default, now.")
    hour: int
    weekday: int
    carrier: str
    origin: str
    dest: str
    distance: int
    temp: float | None = None
    wind_speed: float | None = None
    precip: float | None = None
    visib: float | None = None
    plane_age: int | None = None
    seats: int | None = None

    def features(self) -> dict[str, Any]:
        """Return the features of the model."""
        return {name: getattr(self, name) for name in FEATURES}


class Prediction(BaseModel):
    """Answer for one flight; a label is sent later with the same id."""

    model_config = ConfigDict(protected_namespaces=())

    prediction_id: str
    score: float
    predicted: bool
    model_version: str


class Arrival(BaseModel):
    """Outcome of a flight, once it is known."""

    prediction_id: str
    late: bool | None = None
    outcome: str
    at: AwareDatetime | None = Field(default=None, description="Time of the delivery; by default, now.")
