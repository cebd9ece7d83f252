"""Bundle of the profiles of many days in one object, so that a history is one read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.profile import Profile

_KIND = b"MLMD"
_VERSION = 1


def bundle(profiles: Mapping[date, Profile]) -> bytes:
    """Encode the profiles by day, in the order of the days."""
    writer = ByteWriter()
    writer.integer(len(profiles))
    for day in sorted(profiles):
        writer.text(day.isoformat())
        writer.blob(profiles[day].to_bytes())
    return writer.seal(_KIND, _VERSION)


def unbundle(data: bytes) -> dict[date, Profile]:
    """Decode the profiles that `bundle` wrote.

    Raises:
        StateError: the bytes are not a bundle, are damaged, or have a later format.
    """
    reader = ByteReader(data, _KIND, _VERSION)
    return {date.fromisoformat(reader.text()): Profile.from_bytes(reader.blob()) for _ in range(reader.integer())}
