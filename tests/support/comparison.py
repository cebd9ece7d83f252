"""Data sets for the tests of the comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def make_rows(rows: int, seed: int, *, amount: float = 0.0, web: float = 0.5, empty: float = 0.02) -> pa.Table:
    """Rows with a number, an integer, a category, a boolean and an id."""
    random = np.random.default_rng(seed)
    return pa.table(
        {
            "amount": pa.array(random.normal(amount, 1, rows), mask=random.random(rows) < empty),
            "age": pa.array(random.integers(18, 90, rows)),
            "channel": pa.array(random.choice(["web", "app", "shop"], rows, p=[web, 0.8 - web, 0.2])),
            "repeat": pa.array(random.random(rows) < 0.3),
            "customer": pa.array([f"{number:07d}" for number in random.integers(0, 10**6, rows)]),
        }
    )


def write_parquet(path: Path, table: Any) -> str:
    """The table as a Parquet file with page checksums; its path."""
    pq.write_table(table, path, write_page_checksum=True)
    return str(path)


def write_text(path: Path, text: str | bytes) -> str:
    """A text file; its path."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)
