"""Counting of numeric values in blocks that fit the cache.

The result depends on the numbers only, not on their order or on how they were split.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from airflow_mlmon.profiles.columns.cells import CellCounter
from airflow_mlmon.profiles.columns.distribution import MAX_VALUES, Distribution
from airflow_mlmon.profiles.columns.hourly import HourCodes, HourlySums
from airflow_mlmon.profiles.columns.tally import Tally
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.profiles.values.arrow import to_number_array, to_numpy
from airflow_mlmon.profiles.values.deviation import to_deviations
from airflow_mlmon.profiles.values.exact import sum_quantised
from airflow_mlmon.profiles.values.kernels import kernels
from airflow_mlmon.profiles.values.reading import Numbers
from airflow_mlmon.statistics.arrays import Floats

_BLOCK = 1 << 15
# The first block is short: it suffices to show that most columns have more than 1,024 distinct values.
_FIRST_BLOCK = 1 << 11
# The sum of a block of integers below this fits into 63 bits.
_NEAR = 2.0**47


class NumericCounter:
    """Counter of the values of one numeric column over any number of arrays.

    Attributes:
        rows: Number of rows.
        nulls: Number of rows without a value.
        nans: Number of NaN.
        positive_infinities: Number of +inf.
        negative_infinities: Number of -inf.
        min: Smallest finite value.
        max: Largest finite value.
        total: Sum of the deviations, in units of the quantum.
        squares: Sum of their squares.
    """

    def __init__(self, schema: ColumnSchema, *, is_summed_only: bool = False) -> None:
        self._schema = schema
        self._is_summed_only = is_summed_only
        self._atoms = dict.fromkeys(schema.atoms, 0)
        self._values: list[Tally] | None = [Tally.empty(np.float64)]
        self._cells = CellCounter()
        self.rows = self.nulls = 0
        self.nans = self.positive_infinities = self.negative_infinities = 0
        self.min: float | None = None
        self.max: float | None = None
        self.total = self.squares = 0

    def add(self, numbers: Numbers, by_hour: HourlySums | None = None) -> None:
        """Count the numbers of an array, and sum them by hour too."""
        start, step = 0, _BLOCK if self.rows else _FIRST_BLOCK
        while start < len(numbers.values):
            block = slice(start, start + step)
            self._add_block(numbers.values[block], numbers.codes[block], by_hour)
            start, step = start + step, _BLOCK
        self.rows += len(numbers.values) + numbers.nulls
        self.nulls += numbers.nulls

    def release(self) -> None:
        """Let other counters have the buffers."""
        self._cells.release()

    def distribution(self) -> Distribution:
        """Return the distribution of the deviations counted so far."""
        if self._values is not None:
            return Distribution(pinned_atoms=self._schema.atoms, values=Tally.total(self._values))
        atoms = np.array(self._schema.atoms, dtype=np.float64)
        counts = np.array([self._atoms[atom] for atom in self._schema.atoms], dtype=np.int64)
        return Distribution(
            pinned_atoms=self._schema.atoms,
            is_exact=False,
            cells=self._cells.tally(),
            atoms=Tally.of_counts(atoms, counts),
        )

    def _add_block(self, block: npt.NDArray[np.number], codes: HourCodes, by_hour: HourlySums | None) -> None:
        low, high = block.min().item(), block.max().item()
        # Either is NaN where one of the values is.
        if not (math.isfinite(low) and math.isfinite(high)):
            if by_hour:
                by_hour.add_unusable(block, codes)
                codes = codes[np.isfinite(block)]
            block = self._take_finite(block)
            if not len(block):
                return
            low, high = block.min().item(), block.max().item()
        # Adding 0.0 makes -0.0 and 0.0 the same bits, whichever came first.
        self.min = float(low) + 0.0 if self.min is None else min(self.min, float(low) + 0.0)
        self.max = float(high) + 0.0 if self.max is None else max(self.max, float(high) + 0.0)
        deviations = self._deviations(block)
        centre = int(self._schema.centre) if self._schema.integer and isinstance(low, int) else self._schema.centre
        self._sum(deviations, codes, by_hour, reach=float(max(abs(low - centre), abs(high - centre))))
        if self._is_summed_only:
            return
        if self._values is not None:
            self._count_values(self._values, deviations)
            return
        for atom in self._atoms:
            self._atoms[atom] += int(np.count_nonzero(deviations == atom))

    def _sum(self, deviations: Floats, codes: HourCodes, by_hour: HourlySums | None, *, reach: float) -> None:
        """Sum deviations of at most a magnitude, and count them on the grid."""
        on_grid = self._values is None and not self._is_summed_only
        if kernels and reach / self._schema.quantum < _NEAR:
            total, squares = kernels.count_deviations(
                deviations,
                reach / self._schema.quantum,
                1 / self._schema.quantum,
                self._cells.places if on_grid else None,
                codes if by_hour else None,
                by_hour.by_code if by_hour else None,
            )
            if by_hour:
                by_hour.take_in()
        else:
            total, squares = sum_quantised(deviations, self._schema.quantum, reach=reach)
            if by_hour:
                by_hour.add(deviations, codes, reach=reach)
            if on_grid:
                self._cells.add(deviations)
        self.total += total
        self.squares += squares

    def _deviations(self, numbers: npt.NDArray[np.number]) -> Floats:
        return to_deviations(numbers, centre=self._schema.centre, integer=self._schema.integer)

    def _take_finite(self, block: npt.NDArray[np.number]) -> npt.NDArray[np.number]:
        finite: npt.NDArray[np.number] = block[np.isfinite(block)]
        nans = int(np.isnan(block).sum())
        above = int((block == np.inf).sum())
        self.nans += nans
        self.positive_infinities += above
        self.negative_infinities += len(block) - len(finite) - nans - above
        return finite

    def _count_values(self, values: list[Tally], deviations: Floats) -> None:
        counted = pc.value_counts(to_number_array(deviations + 0.0))
        values.append(Tally.of_counts(to_numpy(counted.field("values")), to_numpy(counted.field("counts"))))
        if sum(map(len, values)) <= MAX_VALUES:
            return
        values[:] = [Tally.total(values)]
        if len(values[0]) > MAX_VALUES:
            grid = Distribution(pinned_atoms=self._schema.atoms, values=values[0]).to_grid()
            self._cells.add_tally(grid.cells)
            self._atoms.update(zip(grid.atoms.keys.tolist(), grid.atoms.counts.tolist(), strict=True))
            self._values = None
