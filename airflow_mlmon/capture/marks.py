"""Marks: what capture writes into each file beside its rows, for the monitoring to read.

In a Parquet file they are the value of a key of its metadata; of any other file, the sidecar
`_capture/<file name>.json` in the same folder. Both hold the same JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

METADATA_KEY = b"mlmon.capture"
SIDECARS = "_capture"
FORMAT = 1
_COUNTS = {"first", "last", "rows", "bound", "accepted", "published", "lost"}
_NEEDED = {
    "Marks": {"model", "process", "first", "last", "rows"},
    "LostRows": {"model", "process", "accepted", "published", "lost"},
}


class Protection(str, Enum):  # Python 3.10 has no StrEnum
    """What was done to a column before its values left the process."""

    DROPPED = "dropped"
    HASHED = "hashed"
    COARSENED = "coarsened"

    def __str__(self) -> str:
        """Return the word."""
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What the file of a process holds, and what the process lost since the file before.

    Attributes:
        model: name of the model.
        process: id of the process that captured the rows; it names no host.
        first: sequence number of the first row that was taken from the queue for this file and those written with it.
        last: that of the last row. A process numbers every call of `log` from 1, also those whose row is lost.
        rows: rows of this file.
        dropped: rows lost since the last published file of the process, by reason.
        refused: values lost since then, of rows that were kept, by column and reason.
        bound: most rows that the process holds in memory: what is lost at most if it is killed.
        closing: whether the process ended in order after this file.
        protected: what was done to columns.
        key: id of the key with which values were hashed; None if none were.
        sampled: fraction of the rows that are captured.
        roles: roles of columns that are no features, as the spec of the service has them.
    """

    model: str
    process: str
    first: int
    last: int
    rows: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    bound: int = 0
    closing: bool = False
    protected: Mapping[str, Protection] = field(default_factory=dict)
    key: str | None = None
    sampled: float = 1.0
    roles: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Return the marks as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRows:
    """What a process that was killed has lost, as the next one on its machine finds it.

    Attributes:
        model: name of the model.
        process: id of the process.
        accepted: rows that it has put into the queue.
        published: rows of its files, those in its spool included.
        lost: rows that died with its memory.
        dropped: rows lost before, since its last published file, by reason.
        alive: its last sign of life, a time in UTC as ISO 8601 writes it.
    """

    model: str
    process: str
    accepted: int
    published: int
    lost: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    alive: str = ""

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True).encode()


def read_marks(text: bytes) -> Marks:
    """Read marks from JSON; what a later release has added is left out.

    Raises:
        ValueError: it is not JSON of marks, or of a later format.
    """
    known = _read(text, Marks)
    protected = {name: Protection(value) for name, value in dict(known.pop("protected", {})).items()}
    return Marks(**known, protected=protected)


def read_lost(text: bytes) -> LostRows:
    """Read what a killed process has lost, as `read_marks`.

    Raises:
        ValueError: it is not JSON of that, or of a later format.
    """
    return LostRows(**_read(text, LostRows))


def _read(text: bytes, kind: type[Any]) -> dict[str, Any]:
    values: Any = json.loads(text)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError("not of a captured file, or of a later release")
    known = {name: value for name, value in values.items() if name in kind.__dataclass_fields__}
    if missing := _NEEDED[kind.__name__] - known.keys():
        raise ValueError(f"lacks {min(missing)}")
    counts = [known[name] for name in _COUNTS & known.keys()]
    reasons = [known.get(name, {}) for name in ("dropped", "refused")]
    if not all(isinstance(found, dict) for found in reasons):
        raise ValueError("has reasons that are none")
    if not all(map(_is_count, [*counts, *(count for found in reasons for count in found.values())])):
        raise ValueError("has a count that is none")
    sampled = known.get("sampled", 1.0)
    if not isinstance(sampled, (int, float)) or not 0 < sampled <= 1:
        raise ValueError("has a fraction that is none")
    return known


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 0


def key_id(hash_key: bytes) -> str:
    """Return the id of a key, 8 hexadecimal digits, by which two files tell whether their hashes compare."""
    return hmac.new(hash_key, b"airflow_mlmon key id", hashlib.sha256).hexdigest()[:8]
