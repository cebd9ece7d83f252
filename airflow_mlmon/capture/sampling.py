"""Sampling of rows by their ids: the same rows in every process, and the same labels."""

from __future__ import annotations

from hashlib import blake2b

_RANGE = 1 << 64


def is_sampled(key: str, fraction: float) -> bool:
    """Return whether the row with an id is in the sample of a fraction.

    >>> is_sampled("a", 1.0), is_sampled("a", 1e-9)
    (True, False)
    """
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < fraction * _RANGE
