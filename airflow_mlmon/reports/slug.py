"""Slug: the name of a file for a text of any kind."""

from __future__ import annotations

import hashlib
import re

_PLAIN = re.compile(r"[a-z0-9]{1,40}")
_READABLE = 30


def slug_of(text: str) -> str:
    """Return a name for a file that no other text has; texts of small letters and digits are their own.

    >>> slug_of("risk"), slug_of("Risk & Fraud"), slug_of("../etc")
    ('risk', 'risk-fraud-69367fb5a0', 'etc-f7f9121fdb')
    """
    if _PLAIN.fullmatch(text):
        return text
    # a slug with a hyphen ends in a hash of the whole text, and so is that of no plain text
    begins = re.sub(r"[^a-z0-9]+", "-", text.casefold())[:_READABLE].strip("-")
    return f"{begins or 'x'}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}"
