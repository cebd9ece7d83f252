"""Small charts in block characters, for terminals and tables."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_mlmon.profiles.columns.column import ColumnProfile
from airflow_mlmon.profiles.columns.histogram import build_histogram

_BLOCKS = " ▁▂▃▄▅▆▇█"
BARS = 8


def draw_pair(reference: ColumnProfile, current: ColumnProfile) -> tuple[str, str]:
    """Draw both sides with the same bins and scale; empty if neither has a value."""
    bins = build_histogram(reference, current, BARS)
    highest = max((*bins.reference, *bins.current), default=0.0)
    return draw_bars(bins.reference, highest), draw_bars(bins.current, highest)


def draw_bars(shares: Sequence[float], highest: float) -> str:
    """Draw a block for each share, relative to the highest.

    >>> draw_bars([0.0, 0.001, 0.5, 1.0], 1.0)
    ' ▁▄█'
    """
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[_height(share / highest, top)] for share in shares) if highest else ""


def _height(share: float, top: int) -> int:
    # a share above 0 is never drawn as a space
    return max(round(share * top), 1) if share > 0 else 0
