"""Delivery of alerts to a webhook as JSON, signed if a shared secret is configured."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime

from airflow_mlmon.alerts.endpoint import Endpoint
from airflow_mlmon.alerts.message import Message

SIGNATURE = "X-Mlmon-Signature"
IDEMPOTENCY_KEY = "Idempotency-Key"


class WebhookSender:
    """Sender that posts a message as JSON.

    Args:
        endpoint: the receiver.
        now: time of the signature.
        secret: key of the signature; unsigned if empty.
    """

    def __init__(self, endpoint: Endpoint, now: datetime, secret: str = "") -> None:
        self._endpoint = endpoint
        self._now = now
        self._secret = secret

    def send(self, message: Message) -> None:
        """Post the message; any reply other than 2xx is an error."""
        body = json.dumps(dict(message.payload), allow_nan=False).encode()
        headers = signed_headers(body, self._secret, self._now)
        self._endpoint.send(body, {**headers, IDEMPOTENCY_KEY: idempotency_key(message)})


def signed_headers(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """Return the headers of a JSON body, with its signature unless the secret is empty."""
    headers = {"Content-Type": "application/json"}
    return {**headers, SIGNATURE: signature(secret, body, int(now.timestamp()))} if secret else headers


def signature(secret: str, body: bytes, timestamp: int) -> str:
    """Sign a body: HMAC-SHA256 of the time, a dot and the body, as in Stripe's webhooks.

    The time is signed too, so that a receiver can reject replayed messages.

    >>> signature("key", b"{}", 1700000000)[:20]
    't=1700000000,v1=9d71'
    """
    signed = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


def idempotency_key(message: Message) -> str:
    """Return a key that is the same for a repeat of a message and different for any other message."""
    return hashlib.sha256("\x1f".join(message.parts).encode("utf-8", "replace")).hexdigest()[:32]
