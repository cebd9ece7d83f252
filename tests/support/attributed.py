"""Attributions of the small archive: of the score to the amount most, to the term less, and to the channel least."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, to_bytes

ROWS = 400
COLUMNS = ("shap_amount", "shap_term", "shap_channel")
PATTERN = ("    score:", '    "shap_{feature}": {type: float, role: attribution}\n    score:')
VECTOR = ("    score:", "    shap: {type: vector, dimension: 3, role: attribution}\n    score:")
WEIGHTS = (0.3, 0.1, 0.02)


def attributed(day: date, weights: tuple[float, ...] = WEIGHTS, *, times: float = 1.0) -> pa.Table:
    """The rows of a day, with the amounts some times as high, and their attributions."""
    table = day_table(day, ROWS)
    amount = np.log(table.column("amount").fill_null(np.exp(8)).to_numpy() * times) - 8
    term = (table.column("term").to_numpy() - 24) / 12
    channel = np.random.default_rng(day.toordinal()).normal(0, 1, ROWS)
    higher = pa.array(table.column("amount").to_numpy() * times, from_pandas=True)
    table = table.set_column(table.column_names.index("amount"), "amount", higher)
    for name, weight, values in zip(COLUMNS, weights, (amount, term, channel), strict=True):
        table = table.append_column(name, pa.array(weight * values))
    return table


def with_vector(table: pa.Table) -> pa.Table:
    """The attributions as one vector."""
    rows = np.stack([table.column(name).to_numpy() for name in COLUMNS], axis=1)
    return table.drop_columns(list(COLUMNS)).append_column("shap", pa.array(rows.tolist(), pa.list_(pa.float64())))


def write_attributed(archive: Archive, days: dict[int, pa.Table], *, vector: bool = False) -> None:
    """Write the reference with its attributions, and some days by their number after the first."""
    past = pa.concat_tables([attributed(FIRST - timedelta(days=before)) for before in range(REFERENCE_DAYS, 0, -1)])
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(with_vector(past) if vector else past))
    for offset, table in days.items():
        archive.write_predictions(FIRST + timedelta(days=offset), with_vector(table) if vector else table)
