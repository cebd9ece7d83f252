"""Rows that payloads were decoded to, and the reasons for which one was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

UNDECODABLE = "undecodable payload"
NO_PAYLOAD = "payload too large or null"

Reasons = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows of several payloads, one after the other.

    Attributes:
        counts: Rows of each payload; none of one that was refused.
        reasons: Why a payload was refused, else None.
        columns: Values of all rows, by column; a column that is absent was in no payload.
    """

    counts: npt.NDArray[np.int64]
    reasons: Reasons
    columns: dict[str, pa.Array] = field(default_factory=dict)

    @classmethod
    def refused(cls, reasons: Reasons) -> Decoded:
        """Return payloads that were all refused."""
        return cls(np.zeros(len(reasons), dtype=np.int64), reasons)


def merge(parts: Sequence[tuple[npt.NDArray[np.int64], Decoded]], payloads: int) -> Decoded:
    """Merge payloads that were decoded apart, each part with the positions of its payloads."""
    filled = [(positions, part) for positions, part in parts if len(positions)]
    if len(filled) == 1:
        return filled[0][1]
    counts, reasons = np.zeros(payloads, dtype=np.int64), np.full(payloads, None, dtype=object)
    tables, owners = [], []
    for positions, part in filled:
        counts[positions], reasons[positions] = part.counts, part.reasons
        if part.columns:
            tables.append(pa.table(part.columns))
            owners.append(np.repeat(positions, part.counts))
    if not tables:
        return Decoded(counts, reasons)
    joined = pa.concat_tables(tables, promote_options="permissive")
    ordered = joined.take(pa.array(np.argsort(np.concatenate(owners), kind="stable")))
    return Decoded(counts, reasons, {name: ordered.column(name).combine_chunks() for name in ordered.column_names})
