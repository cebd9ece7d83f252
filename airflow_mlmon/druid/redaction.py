"""Removal of secrets from text before it is logged, raised or stored.

Druid repeats its input: a failed ingestion names the presigned URL it could not read, whose query is as good as
a password until it expires.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"
_TELLING_NAMES = (
    r"x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|signature|sig|awsaccesskeyid"
    r"|access_?key_?(?:id)?|secret_?(?:access_?)?key|secret|password|passwd|session_?token|token|api_?key"
)
_RULES = (
    # the whole query: which of its parts sign it depends on the store
    (re.compile(r"((?:https?|s3|gs)://[^\s\"'<>?\\]*)\?[^\s\"'<>)\]}]*", re.IGNORECASE), rf"\1?{MASK}"),
    (re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\b(basic|bearer)\s+[a-z0-9+/=._~-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(rf"\b({_TELLING_NAMES})(\\?\"?\s*[=:]\s*\\?[\"']?)[^\s\"'&,;)\]}}\\]+", re.IGNORECASE), rf"\1\2{MASK}"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Remove signatures of URLs, credentials, and the `secrets` themselves from a text.

    >>> redact("cannot read http://s3/b/day.json.gz?X-Amz-Signature=abc, gave up")
    'cannot read http://s3/b/day.json.gz?[redacted] gave up'
    >>> redact('{"password": "hunter2", "user": "mlmon"}')
    '{"password": "[redacted]", "user": "mlmon"}'
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, MASK)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
