"""Cells of the scores of all rows, labelled or not, by predicted class.

Rows that turn out to be excluded count too: an estimate stays as it was on the day, whatever is delivered later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from airflow_mlmon.profiles.codec.codec import read_steps, write_steps
from airflow_mlmon.profiles.codec.framing import ByteReader, ByteWriter
from airflow_mlmon.profiles.columns.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreCells:
    """Cells of the finite scores.

    Attributes:
        positive: Of rows predicted positive.
        negative: Of rows predicted negative.
        unclassified: Of rows without a predicted class.
    """

    positive: Tally
    negative: Tally
    unclassified: Tally

    @classmethod
    def empty(cls) -> Self:
        """Return the cells of no rows."""
        nothing = Tally.empty(np.int32)
        return cls(positive=nothing, negative=nothing, unclassified=nothing)

    def __add__(self, other: Self) -> Self:
        """Sum two."""
        return type(self)(**{name: Tally.total((getattr(self, name), getattr(other, name))) for name in _NAMES})

    def __sub__(self, part: Self) -> Self:
        """Subtract those of a part of the rows."""
        return type(self)(**{name: getattr(self, name).without(getattr(part, name)) for name in _NAMES})

    @property
    def rows(self) -> int:
        """Rows with a score."""
        return self.positive.rows + self.negative.rows + self.unclassified.rows

    @property
    def classified(self) -> int:
        """Rows with a score and a predicted class."""
        return self.positive.rows + self.negative.rows

    def write(self, writer: ByteWriter) -> None:
        """Write them."""
        for name in _NAMES:
            write_steps(writer, getattr(self, name))

    @classmethod
    def read(cls, reader: ByteReader) -> Self:
        """Read what `write` wrote."""
        return cls(**{name: read_steps(reader) for name in _NAMES})


_NAMES = tuple(field.name for field in fields(ScoreCells))
