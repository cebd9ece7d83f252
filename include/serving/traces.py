"""Trace of a request, as W3C Trace Context passes it from service to service in the header `traceparent`."""

from __future__ import annotations

import re
import secrets

TRACEPARENT = "traceparent"
_FORM = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def continue_trace(header: str | None) -> str:
    """Return the trace of the header, or that of a new one where it is missing or malformed."""
    if header is not None and _FORM.fullmatch(header) and not header.startswith("ff"):
        return header
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
