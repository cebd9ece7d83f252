"""A Bento service that captures its predictions by the library, with the attributions of a linear model.

    CAPTURE_DESTINATION=s3://acme-ml/ bentoml serve service:Fraud

It writes what model.yaml declares; the capture wheel is among the packages of the Bento.
"""

import math
import os
from pathlib import Path
from typing import Any

import bentoml

from airflow_mlmon.capture import Capture

VERSION = "v7"
SPEC = Path(__file__).with_name("model.yaml")
COUNTRIES = {"DE": -1.0, "FR": 0.5}


def explain_fraud(amount: float, country: str) -> dict[str, float]:
    """Return what each feature adds to the log odds; in a linear model these are the SHAP values."""
    return {"amount": 0.02 * (amount - 50), "country": COUNTRIES.get(country, 0.0)}


@bentoml.service(workers=2)
class Fraud:
    """Scores payments."""

    def __init__(self) -> None:
        # each worker captures for itself
        self.capture = Capture(SPEC, os.environ.get("CAPTURE_DESTINATION"))

    @bentoml.on_shutdown
    def close(self) -> None:
        """Write what waits."""
        self.capture.close()

    @bentoml.api
    def predict(self, amount: float, country: str, ctx: bentoml.Context) -> dict[str, Any]:
        """Score one payment; by the id its label is joined."""
        attributions = explain_fraud(amount, country)
        score = 1 / (1 + math.exp(-sum(attributions.values())))
        prediction = {"score": score, "flagged": score > 0.5}  # noqa: PLR2004 - the threshold
        own_id = self.capture.log(
            {"amount": amount, "country": country},
            prediction,
            version=VERSION,
            attributions=attributions,
            trace=ctx.request.headers.get("traceparent"),
        )
        return {"id": own_id, **prediction}
