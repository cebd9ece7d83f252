"""Small pictures of a column in block characters, for terminals and tables."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.histogram import histogram_bins

_BLOCKS = " ▁▂▃▄▅▆▇█"
BARS = 8


def draw_pair(reference: ColumnProfile, current: ColumnProfile) -> tuple[str, str]:
    """Both sides on the same bins and the same scale; empty where neither has a value."""
    bins = histogram_bins(reference, current, BARS)
    highest = max((*bins.reference, *bins.current), default=0.0)
    return draw_bars(bins.reference, highest), draw_bars(bins.current, highest)


def draw_bars(shares: Sequence[float], highest: float) -> str:
    """A block a share, as high as the share is of the highest.

    >>> draw_bars([0.0, 0.001, 0.5, 1.0], 1.0)
    ' ▁▄█'
    """
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[_height(share / highest, top)] for share in shares) if highest else ""


def _height(share: float, top: int) -> int:
    # whatever is there can be seen
    return max(round(share * top), 1) if share > 0 else 0
