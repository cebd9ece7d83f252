"""Posts alerts to a webhook as JSON, signed when the receiver shares a secret with us."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import NightMessage

SIGNATURE = "X-Mlmon-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"


class WebhookSender:
    """Posts the message of a night as JSON.

    Args:
        endpoint: where to.
        now: the time of the signature.
        secret: the key of the signature; without one there is none.
    """

    def __init__(self, endpoint: Endpoint, now: datetime, secret: str = "") -> None:
        self._endpoint = endpoint
        self._now = now
        self._secret = secret

    def send(self, message: NightMessage) -> None:
        """Post the message; anything but a reply of 2xx is an error."""
        body = json.dumps(dict(message.payload), allow_nan=False).encode()
        headers = {"Content-Type": "application/json", IDEMPOTENCY_KEY: idempotency_key(message)}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, body, int(self._now.timestamp()))
        self._endpoint.send(body, headers)


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """The signature of a body: HMAC-SHA256 over the time, a dot and the body, as Stripe's webhooks have it.

    The time is signed too, so that a receiver can refuse an old message that somebody plays again.

    >>> signature("key", b"{}", 1700000000)[:20]
    't=1700000000,v1=9d71'
    """
    signed = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def idempotency_key(message: NightMessage) -> str:
    """The same for a message that is sent once more, and another for any other."""
    told = sorted((alert["fingerprint"], alert.get("event", "opened")) for alert in message.payload["alerts"])
    parts = [message.payload["model"], message.payload["partition"], *(word for pair in told for word in pair)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
