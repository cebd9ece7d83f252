"""A Bento service with BentoML's own monitoring log.

    BENTO_LOG=/var/log/bento bentoml serve service:Fraud

writes `<BENTO_LOG>/fraud/data/data.<worker>.log` and, once a day, gives it the day as ending.
"""

import os
from typing import Any

import bentoml


def predict_fraud(amount: float, country: str) -> float:
    """Return the probability of fraud; stands in for `model.predict_proba`."""
    return amount / (amount + (30 if country == "FR" else 60))


def score_payments(payments: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Score payments, and log them with the id of their request."""
    scores = [predict_fraud(payment["amount"], payment["country"]) for payment in payments]
    answers = [{"score": score, "flagged": score > 0.5} for score in scores]  # noqa: PLR2004 - the threshold
    # one monitor for a service: a second one would take over the rows of the first
    with bentoml.monitor("fraud") as log:
        for name, kind in (("amount", "numerical"), ("country", "categorical")):
            log.log_batch([payment[name] for payment in payments], name, "feature", kind)
        # plain numbers: numpy's would be logged as text
        for name, kind in (("score", "numerical"), ("flagged", "categorical")):
            log.log_batch([answer[name] for answer in answers], name, "prediction", kind)
    return answers


@bentoml.service(
    workers=2,
    monitoring={"enabled": True, "type": "default", "options": {"log_path": os.environ.get("BENTO_LOG", "monitoring")}},
)
class Fraud:
    """Scores payments."""

    @bentoml.api
    def predict(self, amount: float, country: str) -> dict[str, Any]:
        """Score one payment."""
        return score_payments([{"amount": amount, "country": country}])[0]

    @bentoml.api
    def predict_many(self, payments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Score several payments, which share the id of their request."""
        return score_payments(payments)
