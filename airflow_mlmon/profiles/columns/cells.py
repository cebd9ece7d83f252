"""Counter of the grid cells of one column."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from airflow_mlmon.profiles.columns.grid import PLACES, count_codes, count_places, to_codes
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Counts, Floats

_CODES = 1 << 20
_PENDING = 16
# Buffers that counters have released; the system would clear a new one for each column.
_free_codes: deque[npt.NDArray[np.int64]] = deque(maxlen=4)
_free_places: deque[Counts] = deque(maxlen=4)


class CellCounter:
    """Counter of the cells of deviations, in buffers that it shares with other counters."""

    def __init__(self) -> None:
        self._cells: list[Tally] = []
        self._codes: npt.NDArray[np.int64] | None = None
        self._held = 0
        self._places: Counts | None = None

    @property
    def places(self) -> Counts:
        """Counts by place, into which a kernel counts."""
        if self._places is None:
            self._places = _free_places.pop() if _free_places else np.zeros(PLACES, dtype=np.int64)
        return self._places

    def add(self, deviations: Floats) -> None:
        """Count deviations."""
        if self._codes is None:
            self._codes = _free_codes.pop() if _free_codes else np.empty(_CODES, dtype=np.int64)
        if self._held + len(deviations) > _CODES:
            self._count_codes(self._codes)
        to_codes(deviations, out=self._codes[self._held : self._held + len(deviations)])
        self._held += len(deviations)

    def add_tally(self, cells: Tally) -> None:
        """Add counts of cells."""
        self._cells.append(cells)
        if len(self._cells) >= _PENDING:
            self._cells = [Tally.total(self._cells)]

    def release(self) -> None:
        """Count what is buffered, and let other counters have the buffers."""
        if self._codes is not None:
            self._count_codes(self._codes)
            _free_codes.append(self._codes)
            self._codes = None
        if self._places is not None:
            self.add_tally(count_places(self._places))
            self._places.fill(0)
            _free_places.append(self._places)
            self._places = None

    def tally(self) -> Tally:
        """Return the counts so far."""
        self.release()
        return Tally.total(self._cells)

    def _count_codes(self, codes: npt.NDArray[np.int64]) -> None:
        if self._held:
            self.add_tally(count_codes(codes[: self._held]))
        self._held = 0
