"""Faults in categories and ids. The share of a strength is that of the day's rows, unless it is said otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from tests.benchmarks.faults.planting import Day, Kind, Planted

_FEWEST = 2


def _category(day: Day) -> str:
    return day.pick(day.source.features("category"), lambda column: column.nunique() >= _FEWEST)


def _altered(day: Day, name: str, mask: np.ndarray, alter: Callable[[str], str]) -> Planted | None:
    """The day with the texts of some rows altered; None if that changes none."""
    rows = day.rows
    old = rows[name]
    new = [alter(str(text)) if chosen and not pd.isna(text) else text for text, chosen in zip(old, mask, strict=True)]
    is_same = all(one == other or pd.isna(other) for one, other in zip(new, old, strict=True))
    return None if is_same else Planted(rows.assign(**{name: new}), (name,))


def _each(alter: Callable[[str], str]) -> Callable[[Day, float], Planted | None]:
    def plant(day: Day, share: float) -> Planted | None:
        """A share of the rows has a category written otherwise."""
        name = _category(day)
        return _altered(day, name, day.some(share, _known(day, name)), alter) if name else None

    return plant


def _known(day: Day, name: str) -> np.ndarray:
    return day.rows[name].notna().to_numpy()


def _garble(text: str) -> str:
    """A euro sign or an accent read as another code page; in a plain text, the last letter replaced."""
    damaged = text.encode().decode("cp1252", "replace")
    return damaged if damaged != text else text[:-1] + "\N{REPLACEMENT CHARACTER}"


def typos(day: Day, share: float) -> Planted | None:
    """A share of the rows has a category with two letters in the wrong order, or one twice."""
    if not (name := _category(day)):
        return None

    def alter(text: str) -> str:
        place = int(day.random.integers(max(1, len(text) - 1)))
        turned = text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
        return turned if turned != text else text[: place + 1] + text[place:]

    return _altered(day, name, day.some(share, _known(day, name)), alter)


def new_category(day: Day, share: float) -> Planted | None:
    """A share of the rows has a category that was never seen."""
    if not (name := _category(day)):
        return None
    return _altered(day, name, day.some(share, _known(day, name)), lambda _: "ZZZ")


def merged_categories(day: Day, share: float) -> Planted | None:
    """A share of the rows of the second most frequent category has the most frequent one."""
    if not (name := _category(day)):
        return None
    column = day.rows[name]
    first, second = column.value_counts().index[:2]
    return _altered(day, name, day.some(share, (column == second).to_numpy()), lambda _: str(first))


def share_shift(day: Day, share: float) -> Planted | None:
    """A share of the rows, of any category, has the third most frequent one, or the least of fewer."""
    if not (name := _category(day)):
        return None
    order = day.rows[name].value_counts().index
    target = order[min(2, len(order) - 1)]
    return _altered(day, name, day.some(share, _known(day, name)), lambda _: str(target))


def swapped_categories(day: Day, share: float) -> Planted | None:
    """Two categories take each other's place in a share of the rows."""
    names = day.source.features("category")
    if len(names) < _FEWEST:
        return None
    one, other = day.random.choice(names, 2, replace=False)
    rows, mask = day.rows, day.some(share)
    swapped = rows.assign(**{one: rows[one].mask(mask, rows[other]), other: rows[other].mask(mask, rows[one])})
    return Planted(swapped, (one, other))


def id_format(day: Day, share: float) -> Planted | None:
    """A share of the rows has an id without its zeros in front, or else without its first three characters."""
    name = day.source.of_role("id")
    rows = day.rows
    short = rows[name].map(lambda text: text.lstrip("0") if text.startswith("0") else text[3:])
    return Planted(rows.assign(**{name: rows[name].mask(day.some(share), short)}), (name,))


def flag_flip(day: Day, share: float) -> Planted | None:
    """A share of the rows has the opposite of a flag."""
    if not (name := day.pick(day.source.features("boolean"))):
        return None
    rows, mask = day.rows, day.some(share)
    return Planted(rows.assign(**{name: rows[name].astype(bool) ^ mask}), (name,))


KINDS = (
    Kind("new_category", (0.005, 0.03, 0.2), new_category),
    Kind("merged_categories", (0.2, 0.6, 1), merged_categories),
    Kind("share_shift", (0.05, 0.15, 0.4), share_shift),
    Kind("typos", (0.01, 0.05, 0.25), typos),
    Kind("case", (0.02, 0.2, 1), _each(str.swapcase)),
    Kind("whitespace", (0.02, 0.2, 1), _each(lambda text: f"{text} ")),
    Kind("cut_texts", (0.05, 0.25, 1), _each(lambda text: text[:-1])),
    Kind("encoding", (0.02, 0.2, 1), _each(_garble)),
    Kind("swapped_categories", (0.05, 0.25, 1), swapped_categories),
    Kind("id_format", (0.05, 0.25, 1), id_format),
    Kind("flag_flip", (0.05, 0.2, 1), flag_flip),
)
