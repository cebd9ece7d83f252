"""Signed texts that only the person and the session to whom they were given can send back, for some time.

They guard forms against requests from other sites, and carry the outcome of an action to the page after it.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_PURPOSE = b"airflow_mlmon: forms and outcomes"
_PARTS = 3


class RefusedTokenError(ValueError):
    """A token was not given to this person and session, is of something else, or has expired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Person in a session of a browser."""

    user: str
    session: str


class TokenSigner:
    """Signer of texts, with a key derived from Airflow's."""

    def __init__(self, key: str) -> None:
        self._key = hmac.digest(key.encode(), _PURPOSE, hashlib.sha256)

    def sign(self, text: str, holder: Holder, now: datetime, valid: timedelta) -> str:
        """Return a token with a text for a holder, valid for some time."""
        until = str(int((now + valid).timestamp()))
        content = urlsafe_b64encode(text.encode()).decode()
        return f"{content}.{until}.{self._mac(content, until, holder)}"

    def read(self, token: str, holder: Holder, now: datetime) -> str:
        """Return the text of a token.

        Raises:
            RefusedTokenError: it is not one of the holder's, or has expired.
        """
        parts = token.split(".")
        if len(parts) != _PARTS or not token.isascii():
            raise RefusedTokenError("not a token")
        content, until, mac = parts
        if not hmac.compare_digest(mac, self._mac(content, until, holder)):
            raise RefusedTokenError("not signed for this person and session")
        if datetime.fromtimestamp(int(until), UTC) <= now:
            raise RefusedTokenError("expired")
        return urlsafe_b64decode(content).decode()

    def _mac(self, content: str, until: str, holder: Holder) -> str:
        # a length before each part: no two lists of parts are one text
        parts = (content, until, holder.user, holder.session)
        signed = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
        return urlsafe_b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode().rstrip("=")
