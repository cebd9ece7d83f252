"""Gradient-boosted trees as plain numbers, which say of a row what scikit-learn says of it, without its import.

A tree is nested: a leaf is its value, and a split `[feature, left, is_missing_left, tree, tree]`, where `left` is the
largest number that goes left, or the codes of the categories that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from airflow_mlmon.statistics.arrays import Floats

# a leaf of a tree is a bit of a number
MOST_LEAVES = 16
_MISSING = 255
# rows at a time, whose columns stay in the processor's cache
_ROWS = 1 << 13


@dataclass(frozen=True, slots=True)
class Trees:
    """Sum of trees and of a number before them."""

    base: float
    trees: Sequence[Any]

    @classmethod
    def of_scikit(cls, model: Any, categories: Sequence[bool]) -> Trees | None:
        """Read the trees of a fitted `HistGradientBoostingRegressor`; None if this scikit-learn keeps them otherwise.

        Args:
            model: the model.
            categories: whether a column has codes of categories, of each column.
        """
        try:
            order = sorted(range(len(categories)), key=lambda place: not categories[place])
            codes = _encoded(model, categories)
            trees = [_nested(one[0], 0, order, codes) for one in model._predictors]  # noqa: SLF001 - of no public form
            return cls(float(model._baseline_prediction.item()), trees)  # noqa: SLF001
        except (AttributeError, LookupError, TypeError, ValueError):
            return None

    def predict(self, cells: Floats) -> Floats:
        """Return what the trees say of each row of a matrix."""
        flat, found = [_Flat.of(tree) for tree in self.trees], np.full(len(cells), self.base)
        for first in range(0, len(cells), _ROWS):
            columns = cells[first : first + _ROWS].T
            for tree in flat:
                found[first : first + _ROWS] += tree.predict(columns)
        return found


@dataclass(frozen=True, slots=True)
class _Flat:
    """Splits and leaves of a tree: the leaf of a row is the first that no split takes away which sends the row right.

    Source: Lucchese et al., QuickScorer (2015).
    """

    splits: list[tuple[int, Any, bool, int]]
    values: list[float]

    @classmethod
    def of(cls, tree: Any) -> _Flat:
        flat = cls([], [])
        flat._add(tree)
        return flat

    def _add(self, tree: Any) -> int:
        """Add a tree and return the bits of its leaves."""
        if isinstance(tree, float):
            self.values.append(tree)
            return 1 << (len(self.values) - 1)
        feature, left, is_missing_left, *sides = tree
        of_left, of_right = map(self._add, sides)
        self.splits.append((feature, left, is_missing_left, of_left))
        return of_left | of_right

    def predict(self, columns: Floats) -> Floats:
        gone = np.zeros(columns.shape[1], np.uint16)
        for feature, left, is_missing_left, of_left in self.splits:
            gone |= _goes_right(columns[feature], left, is_missing_left=is_missing_left) * np.uint16(of_left)
        return np.array(self.values).take(_first_bits().take(~gone))


def _goes_right(values: Floats, left: Any, *, is_missing_left: bool) -> npt.NDArray[np.bool_]:
    right: npt.NDArray[np.bool_]
    if not isinstance(left, list):
        # no comparison is true of what is missing
        right = values > left if is_missing_left else ~(values <= left)
        return right
    right = np.ones(_MISSING + 1, np.bool_)
    right[left] = False
    right[_MISSING] = not is_missing_left
    return right.take(np.where(np.isnan(values), _MISSING, values).astype(np.uint8))


@cache
def _first_bits() -> npt.NDArray[np.uint8]:
    """Return the place of the lowest bit of each number of 16 bits."""
    found = np.zeros(1 << MOST_LEAVES, np.uint8)
    for bit in reversed(range(MOST_LEAVES)):
        found[1 << bit :: 1 << (bit + 1)] = bit
    return found


def _encoded(model: Any, categories: Sequence[bool]) -> Floats:
    """Return, of each code and each column in the order of the model, what its trees are asked of; NaN if unknown."""
    codes = np.tile(np.arange(float(_MISSING))[:, None], len(categories))
    encoded: Floats = model._preprocessor.transform(codes) if any(categories) else codes  # noqa: SLF001
    return encoded


def _nested(tree: Any, place: int, order: Sequence[int], codes: Floats) -> Any:
    node = tree.nodes[place]
    if node["is_leaf"]:
        return float(node["value"])
    is_missing_left = bool(node["missing_go_to_left"])
    left: Any = float(node["num_threshold"])
    if node["is_categorical"]:
        bits = np.unpackbits(tree.raw_left_cat_bitsets[node["bitset_idx"]].view(np.uint8), bitorder="little")
        asked = codes[:, node["feature_idx"]]
        known = np.isfinite(asked)
        goes_left = np.where(known, bits[np.where(known, asked, 0).astype(int)], is_missing_left)
        left = np.flatnonzero(goes_left).tolist()
    sides = [_nested(tree, int(node[side]), order, codes) for side in ("left", "right")]
    return [order[node["feature_idx"]], left, is_missing_left, *sides]
