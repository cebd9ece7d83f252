"""Train the served model, and write it with its reference data set: `python -m include.serving.train FOLDER`.

    <folder>/training.parquet             in: flights with labels, written by include.serving.prepare
    <folder>/model/                       out: the model
    <folder>/reference/training.parquet   out: the same flights with the model's scores and attributions

The monitoring compares every day with that reference; it lies at `reference.path` of the spec.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pyarrow.parquet as pq

from include.serving.model import fit

VERSION = "2013.02"


def train(folder: Path) -> None:
    """Fit the model on the training rows of a folder, and score these rows."""
    flights = pq.read_table(folder / "training.parquet")
    model = fit(flights, VERSION)
    model.save(folder / "model")
    reference = folder / "reference"
    reference.mkdir(exist_ok=True)
    pq.write_table(model.score_table(flights), reference / "training.parquet", compression="zstd")


def main() -> None:
    """Train in the folder given on the command line."""
    parser = argparse.ArgumentParser(description="Train the model of the example service.")
    parser.add_argument("folder", type=Path)
    train(parser.parse_args().folder)


if __name__ == "__main__":
    main()
