"""Distribution of a numeric column: exact counts of few distinct values, else counts on the grid.

Values are counted exactly while there are at most 1,024 distinct ones; beyond that the cells of the grid are
counted and, beside them, the atoms of the profile schema. The choice depends only on the distinct values of
the union, so a sum is the distribution of the union, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from airflow_mlmon.profiles.columns.grid import to_cells, to_midpoints
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.statistics.arrays import Counts, Floats

MAX_VALUES = 1_024
MIN_MIDDLE_CELLS = 30


Aligned = tuple[Floats, Counts, Counts]


def _no_values() -> Tally:
    return Tally.empty(np.float64)


def _no_cells() -> Tally:
    return Tally.empty(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Counts of the deviations from the centre.

    Attributes:
        pinned_atoms: Atoms of the profile schema, ascending.
        is_exact: Whether each value is counted by itself.
        values: Counts of deviations; empty when not exact.
        cells: Counts of grid cells, atoms included; empty when exact.
        atoms: Counts of the atoms; empty when exact.
    """

    pinned_atoms: tuple[float, ...] = ()
    is_exact: bool = True
    values: Tally = field(default_factory=_no_values)
    cells: Tally = field(default_factory=_no_cells)
    atoms: Tally = field(default_factory=_no_values)
    _points: list[Tally] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def sum_of(cls, parts: Sequence[Self]) -> Self:
        """Sum one or more distributions."""
        pinned = parts[0].pinned_atoms
        if all(part.is_exact for part in parts):
            exact = cls(pinned_atoms=pinned, values=Tally.total([part.values for part in parts]))
            return exact if len(exact.values) <= MAX_VALUES else exact.to_grid()
        grids = [part.to_grid() for part in parts]
        return cls(
            pinned_atoms=pinned,
            is_exact=False,
            cells=Tally.total([part.cells for part in grids]),
            atoms=Tally.total([part.atoms for part in grids]),
        )

    def without(self, part: Self) -> Self:
        """Return the distribution of all rows but those of a part."""
        if self.is_exact:
            return type(self)(pinned_atoms=self.pinned_atoms, values=self.values.without(part.values))
        grid = part.to_grid()
        return type(self)(
            pinned_atoms=self.pinned_atoms,
            is_exact=False,
            cells=self.cells.without(grid.cells),
            atoms=self.atoms.without(grid.atoms),
        )

    @property
    def rows(self) -> int:
        """Number of deviations counted."""
        return self.values.rows if self.is_exact else self.cells.rows

    @property
    def points(self) -> Tally:
        """Return the counts of deviations: exact values, or cell midpoints and, separately, atoms."""
        if self.is_exact:
            return self.values
        if not self._points:
            # those of a reference are asked for by each comparison, each picture and each quantile
            rest = self.without_atoms()
            self._points.append(Tally.total([Tally(keys=to_midpoints(rest.keys), counts=rest.counts), self.atoms]))
        return self._points[0]

    @property
    def is_too_coarse(self) -> bool:
        """Return whether the middle half of the values, without atoms, spans fewer than 30 cells."""
        rest = self.without_atoms()
        if not len(rest):
            return False
        low, high = np.searchsorted(np.cumsum(rest.counts), [rest.rows / 4, rest.rows * 3 / 4])
        return int(rest.keys[high] - rest.keys[low]) + 1 < MIN_MIDDLE_CELLS

    def to_grid(self) -> Self:
        """Convert the distribution to the grid."""
        if not self.is_exact:
            return self
        is_atom = np.isin(self.values.keys, np.array(self.pinned_atoms, dtype=np.float64))
        return type(self)(
            pinned_atoms=self.pinned_atoms,
            is_exact=False,
            cells=Tally.of_counts(to_cells(self.values.keys), self.values.counts),
            atoms=Tally(keys=self.values.keys[is_atom], counts=self.values.counts[is_atom]),
        )

    def without_atoms(self) -> Tally:
        """Return the counts of cells without the atoms in them."""
        if not len(self.atoms):
            return self.cells
        counts = self.cells.counts.copy()
        places = np.searchsorted(self.cells.keys, to_cells(self.atoms.keys))
        np.subtract.at(counts, places, self.atoms.counts)
        return Tally.of_counts(self.cells.keys, counts)


def align(first: Distribution, second: Distribution) -> Aligned:
    """Align two distributions on the ascending union of their deviations, with the counts of each.

    Exact values if both have them, else both on the grid.
    """
    if not (first.is_exact and second.is_exact):
        first, second = first.to_grid(), second.to_grid()
    one, two = first.points, second.points
    # stable, because such a sort merges the two ascending runs
    ordered = np.sort(np.concatenate((one.keys, two.keys)), kind="stable")
    is_new = np.ones(len(ordered), dtype=np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    keys = ordered[is_new]
    return keys, one.spread(keys), two.spread(keys)
