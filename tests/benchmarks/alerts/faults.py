"""The faults that a day is given, each in one column (half of the rows excepted)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.support.drawn import LEVELS, LOGNORMAL, NORMAL, Fault, Rows

_NEW_LEVEL = 8


def shifted(deviations: float) -> Fault:
    """The mean of one normal column moves by so many standard deviations."""

    def fault(rows: Rows, _: np.random.Generator) -> Rows:
        return _with(rows, NORMAL[3], rows.numbers[NORMAL[3]] + deviations)

    return fault


def new_category(rows: Rows, random: np.random.Generator) -> Rows:
    """A value that nobody has seen takes 2 % of a category."""
    name = LEVELS[4]
    codes = np.where(random.random(len(rows.levels[name])) < 0.02, _NEW_LEVEL, rows.levels[name])
    return replace(rows, levels={**rows.levels, name: codes})


def nulls(rows: Rows, random: np.random.Generator) -> Rows:
    """The nulls of one column go from 1 % to 3 %."""
    name = LOGNORMAL[2]
    return replace(rows, nulls={**rows.nulls, name: random.random(len(rows.nulls[name])) < 0.03})


def other_unit(rows: Rows, _: np.random.Generator) -> Rows:
    """One normal column comes in units of a hundredth."""
    return _with(rows, NORMAL[5], rows.numbers[NORMAL[5]] * 100)


def swapped(rows: Rows, _: np.random.Generator) -> Rows:
    """A normal and a lognormal column, of the same mean and standard deviation, take each other's place."""
    one, two = NORMAL[1], LOGNORMAL[1]
    return _with(_with(rows, one, rows.numbers[two]), two, rows.numbers[one])


def stuck(rows: Rows, random: np.random.Generator) -> Rows:
    """A fifth of one column repeats one ordinary value."""
    values = rows.numbers[NORMAL[7]]
    return _with(rows, NORMAL[7], np.where(random.random(len(values)) < 0.2, values[0], values))


def _with(rows: Rows, name: str, values: np.ndarray) -> Rows:
    return replace(rows, numbers={**rows.numbers, name: values})
