"""The files that are measured: features of every kind, a score and a class; the same at every run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_GROUP_ROWS = 1_000_000
_LEVELS = (4, 8, 20, 50)


def write_file(
    folder: Path, name: str, rows: int, columns: int, *, seed: int, shift: float = 0.0, ids: bool = True
) -> Path:
    """A Parquet file with pyarrow's defaults, written unless it is there."""
    path = folder / f"{name}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    random = np.random.default_rng(seed)
    kept = [name for name in make_table(0, columns, random).column_names if ids or not name.startswith("id")]
    schema = make_table(0, columns, random).select(kept).schema
    with pq.ParquetWriter(part, schema) as writer:
        for start in range(0, rows, _GROUP_ROWS):
            table = make_table(min(_GROUP_ROWS, rows - start), columns, random, shift=shift)
            writer.write_table(table.select(kept))
    part.rename(path)
    return path


def make_table(rows: int, columns: int, random: np.random.Generator, *, shift: float = 0.0) -> pa.Table:
    """70 % floats with 2 % nulls, 20 % strings of few levels, 10 % identifiers, a score and a class."""
    floats, texts = round(columns * 0.7), round(columns * 0.2)
    made: dict[str, pa.Array] = {}
    for number in range(floats):
        made[f"f{number}"] = pa.array(_numbers(number, rows, random) + shift, mask=random.random(rows) < 0.02)
    for number in range(texts):
        levels = _LEVELS[number % len(_LEVELS)]
        names = pa.array([f"level {level}" for level in range(levels)])
        made[f"s{number}"] = names.take(pa.array(random.integers(0, levels, rows)))
    for number in range(columns - floats - texts):
        made[f"id{number}"] = pa.array(random.integers(0, 2**40, rows)).cast(pa.string())
    score = random.beta(2, 3, rows)
    return pa.table({**made, "score": score, "class": score > 0.5})


def _numbers(number: int, rows: int, random: np.random.Generator) -> np.ndarray:
    return (
        random.normal(50, 10, rows),
        random.lognormal(3, 1, rows),
        random.exponential(4, rows),
        random.standard_t(4, rows),
    )[number % 4]


def link_ten_times(path: Path) -> str:
    """A glob of ten links to one file."""
    folder = path.with_suffix(".links")
    folder.mkdir(exist_ok=True)
    for number in range(10):
        link = folder / f"{number}.parquet"
        if not link.exists():
            link.symlink_to(path.resolve())
    return str(folder / "*.parquet")
