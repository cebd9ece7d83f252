"""Requests of the small archive: their latency, their status, and the queue that they waited in."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.support.archive import FIRST, REFERENCE_DAYS, Archive, day_table, replace_columns, to_bytes

ROWS = 400
SECTION = "operational: {latency_ms: latency, status: status, errors: [5xx, timeout], saturation: [queue]}\n"
OPERATIONAL = ("labels:\n", f"{SECTION}labels:\n")
# what a request that failed has no value of
_ANSWER = ("amount", "term", "score", "approved")


def requests(day: date, *, errors: float = 0.02, slow: float = 1.0, queue: int = 4) -> pa.Table:
    """The rows of a day with the columns of their requests; a failed one has no answer, not even its inputs."""
    table = day_table(day, ROWS)
    random = np.random.default_rng([day.toordinal(), 7])
    is_error = pa.array(random.random(ROWS) < errors)
    status = pc.if_else(is_error, pa.array(random.choice([503, 500], ROWS)), pa.array(random.choice([200, 404], ROWS)))
    failed = {name: pc.if_else(is_error, None, table.column(name)) for name in _ANSWER}
    return (
        replace_columns(table, **failed)
        .append_column("latency", pa.array(slow * random.lognormal(3, 0.5, ROWS)))
        .append_column("status", status)
        .append_column("queue", pa.array(random.poisson(queue, ROWS).astype(np.float64)))
    )


def write_requests(archive: Archive, days: dict[int, pa.Table]) -> None:
    """Write the reference with its requests, and some days by their number after the first."""
    past = [requests(FIRST - timedelta(days=before)) for before in range(REFERENCE_DAYS, 0, -1)]
    archive.write(f"{archive.root}/reference/part-0.parquet", to_bytes(pa.concat_tables(past)))
    for offset, table in days.items():
        archive.write_predictions(FIRST + timedelta(days=offset), table)
