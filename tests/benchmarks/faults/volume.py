"""Faults in the rows of a day, and in their times."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from tests.benchmarks.faults.planting import Day, Kind, Planted, is_changing

# digits at the end of an id that are drawn anew
_RENAMED = 8
_DIGIT = re.compile("[0-9]")
_ROWS = ("rows",)
_REPEATED = ("rows", "repeat", "repeats", "repeated", "duplicate", "duplicates")
_REPLAYED = (*_REPEATED, "replay", "replayed")
_HOURS = ("rows", "hour", "hours", "rows_by_hour")


def _renamed(day: Day, rows: pd.DataFrame, taken: set[str]) -> pd.DataFrame:
    """The rows under ids of their own, which look like those of the day; `taken` gets them too."""
    name = day.source.of_role("id")
    taken |= set(day.rows[name])
    ids = []
    for text in rows[name]:
        renamed = text
        while renamed in taken:
            renamed = text[:-_RENAMED] + _DIGIT.sub(lambda _: str(day.random.integers(10)), text[-_RENAMED:])
        taken.add(renamed)
        ids.append(renamed)
    return rows.assign(**{name: ids})


def _joined(day: Day, *parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True).sort_values(day.source.of_role("time"), ignore_index=True)


def _hours(day: Day) -> np.ndarray:
    return day.rows[day.source.of_role("time")].dt.hour.to_numpy()


def rows_lost(day: Day, share: float) -> Planted | None:
    """A share of the rows is lost, at random."""
    return Planted(day.rows[~day.some(share)], _ROWS)


def file_cut(day: Day, share: float) -> Planted | None:
    """The last share of the rows is lost."""
    rows = day.rows
    return Planted(rows.iloc[: round((1 - share) * len(rows))], _HOURS)


def segment_lost(day: Day, share: float) -> Planted | None:
    """A share of the rows of the most frequent value of a category is lost."""
    if not (name := day.pick(day.source.features("category"), is_changing)):
        return None
    column = day.rows[name]
    lost = day.some(share, (column == column.value_counts().index[0]).to_numpy())
    return Planted(day.rows[~lost], (name, *_ROWS))


def more_rows(day: Day, share: float) -> Planted | None:
    """Rows of the same hours of the week before are added: a share of them, once or more often."""
    other, taken = day.week_before, set[str]()
    counts = [1.0] * int(share) + [share - int(share)]
    parts = [other.sample(frac=count, random_state=number) for number, count in enumerate(counts)]
    return Planted(_joined(day, day.rows, *(_renamed(day, part, taken) for part in parts)), _REPLAYED)


def duplicates(day: Day, share: float) -> Planted | None:
    """A share of the rows comes a second time, ids and all."""
    rows = day.rows
    return Planted(_joined(day, rows, rows[day.some(share)]), _REPEATED)


def repeated_rows(day: Day, share: float) -> Planted | None:
    """A share of the rows comes a second time under ids of its own."""
    rows = day.rows
    return Planted(_joined(day, rows, _renamed(day, rows[day.some(share)], set())), _REPEATED)


def fan_out(day: Day, share: float) -> Planted | None:
    """A join repeats a share of the rows three times, with other values of one column."""
    names = day.source.features("float", "integer", "category")
    name = day.pick(names, is_changing)
    rows = day.rows
    joined = rows[day.some(share)]
    copies, taken = [], set[str]()
    for _ in range(2):
        drawn = rows[name].sample(len(joined), replace=True, random_state=int(day.random.integers(2**31)))
        copies.append(_renamed(day, joined, taken).assign(**{name: drawn.to_numpy()}))
    return Planted(_joined(day, rows, *copies), _REPEATED)


def replay(day: Day, share: float) -> Planted | None:
    """A share of the rows is that of the day a week before, under the ids and at the times of this day."""
    rows, other = day.rows, day.week_before
    mask = day.some(share)[: len(other)]
    columns = [name for name, one in day.source.columns.items() if one.get("role") not in {"id", "time"}]
    places = np.flatnonzero(mask)
    for name in columns:
        values = rows[name].copy()
        values.iloc[places] = other[name].iloc[places].to_numpy()
        rows[name] = values
    return Planted(rows, _REPLAYED)


def missing_hours(day: Day, hours: float) -> Planted | None:
    """So many hours in a row are lost, those with the most rows."""
    rows, own = day.rows, _hours(day)
    counts = np.bincount(own, minlength=24)
    first = int(np.argmax([counts[start : start + int(hours)].sum() for start in range(25 - int(hours))]))
    return Planted(rows[(own < first) | (own >= first + hours)], _HOURS)


def burst(day: Day, times: float) -> Planted | None:
    """The rows of the hour with the most come so many times, under ids of their own."""
    rows, own = day.rows, _hours(day)
    of_hour = rows[own == np.bincount(own).argmax()]
    taken = set[str]()
    copies = [_renamed(day, of_hour, taken) for _ in range(int(times) - 1)]
    return Planted(_joined(day, rows, *copies), (*_HOURS, *_REPEATED))


def time_zone(day: Day, hours: float) -> Planted | None:
    """Times are so many hours ahead; those past midnight are in the day's file all the same."""
    name, rows = day.source.of_role("time"), day.rows
    return Planted(rows.assign(**{name: rows[name] + pd.Timedelta(hours=hours)}), (*_HOURS, "outside", name))


def stuck_clock(day: Day, share: float) -> Planted | None:
    """A share of the rows, the last ones, has the time of the first of them."""
    name, rows = day.source.of_role("time"), day.rows
    first = round((1 - share) * (len(rows) - 1))
    times = rows[name].copy()
    times.iloc[first:] = times.iloc[first]
    return Planted(rows.assign(**{name: times}), (*_HOURS, name))


KINDS = (
    Kind("rows_lost", (0.1, 0.3, 0.6), rows_lost),
    Kind("file_cut", (0.05, 0.2, 0.5), file_cut),
    Kind("segment_lost", (0.3, 0.6, 1), segment_lost),
    Kind("more_rows", (0.2, 0.5, 2), more_rows),
    Kind("duplicates", (0.05, 0.25, 1), duplicates),
    Kind("repeated_rows", (0.05, 0.25, 1), repeated_rows),
    Kind("fan_out", (0.03, 0.1, 0.5), fan_out),
    Kind("replay", (0.2, 0.5, 1), replay),
    Kind("missing_hours", (1, 3, 8), missing_hours),
    Kind("burst", (2, 4, 10), burst),
    Kind("time_zone", (1, 3, 8), time_zone),
    Kind("stuck_clock", (0.05, 0.3, 1), stuck_clock),
)
