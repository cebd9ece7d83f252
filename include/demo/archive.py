"""Write the flights to S3 as a serving system and an airline would: `python -m include.demo.archive`.

    <bucket>/flights/predictions/dt=YYYY-MM-DD/part-0.parquet … part-3.parquet, _SUCCESS
    <bucket>/flights/labels/dt=YYYY-MM-DD/part-0.parquet       by the day of delivery
    <bucket>/flights/reference/2013-01.parquet, 2013-02.parquet

The labels of a flight are delivered one to three days after it. Every run writes the same files with the same
bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.demo.flights import Served, delivery_delay, read_flights, serve, stable_hash
from include.demo.window import IN_SERVICE

HISTORY = timedelta(days=28)
BUCKET = "mlmon-demo"
PARTS = 4
_THREADS = 8
# key and content of every object of an archive, from the flights up to a day
Content = Callable[[Served, date], Iterator[tuple[str, bytes]]]

PREDICTIONS = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("event_time", pa.timestamp("us", tz="UTC")),
        ("model_version", pa.string()),
        ("hour", pa.int32()),
        ("weekday", pa.int32()),
        ("carrier", pa.string()),
        ("origin", pa.string()),
        ("dest", pa.string()),
        ("distance", pa.int32()),
        ("temp", pa.float64()),
        ("wind_speed", pa.float64()),
        ("precip", pa.float64()),
        ("visib", pa.float64()),
        ("plane_age", pa.int32()),
        ("seats", pa.int32()),
        ("score", pa.float64()),
        ("predicted", pa.bool_()),
    ]
)
_LABEL = [("late", pa.bool_()), ("outcome", pa.string())]
LABELS = pa.schema([("prediction_id", pa.string()), *_LABEL])
REFERENCE = pa.schema([*PREDICTIONS, *_LABEL])


def objects(served: Served, last: date) -> Iterator[tuple[str, bytes]]:
    """Yield key and content of every object in the archive at the end of the day `last`."""
    for month, rows in served.reference.groupby(served.reference["date"].dt.strftime("%Y-%m")):
        yield f"flights/reference/{month}.parquet", to_parquet(rows, REFERENCE)
    archive = served.archive
    part = pd.Series(stable_hash(archive["prediction_id"]) // 100 % PARTS, index=archive.index, name="part")
    for (day, number), rows in archive.groupby([archive["date"], part]):
        yield f"flights/predictions/dt={day:%Y-%m-%d}/part-{number}.parquet", to_parquet(rows, PREDICTIONS)
    for day in archive["date"].unique():
        yield f"flights/predictions/dt={day:%Y-%m-%d}/_SUCCESS", b""
    delivered = archive["date"] + pd.to_timedelta(delivery_delay(archive["prediction_id"]), unit="D")
    for day, rows in archive[delivered <= pd.Timestamp(last)].groupby(delivered):
        yield f"flights/labels/dt={day:%Y-%m-%d}/part-0.parquet", to_parquet(rows, LABELS)


def to_parquet(rows: pd.DataFrame, schema: pa.Schema) -> bytes:
    """Encode the columns of a schema as a Parquet file."""
    table = pa.Table.from_pandas(rows[schema.names], schema=schema, preserve_index=False)
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(), buffer, compression="zstd")
    return buffer.getvalue()


def write_archive(client: Any, first: date, last: date, content: Content = objects) -> int:
    """Write the days `first` to `last`, the 28 before them, and the reference; return the number of objects.

    Days before 1 March are only in the reference: the model was not in service.
    """
    served = _serve(first, last)
    # another call may have made it
    with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)

    def put(item: tuple[str, bytes]) -> None:
        client.put_object(Bucket=BUCKET, Key=item[0], Body=item[1])

    with ThreadPoolExecutor(_THREADS) as threads:
        return sum(1 for _ in threads.map(put, content(served, last)))


def write_folder(folder: Path, first: date, last: date, content: Content = objects) -> int:
    """Write the same objects as `write_archive` to a folder; return their number."""

    def put(item: tuple[str, bytes]) -> None:
        path = folder / item[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item[1])

    return sum(1 for _ in map(put, content(_serve(first, last), last)))


def _serve(first: date, last: date) -> Served:
    return serve(read_flights(max(IN_SERVICE, first - HISTORY), last))


def main(content: Content = objects) -> None:
    """Write the archive of the days given on the command line."""
    parser = argparse.ArgumentParser(description="Write the flights' predictions and labels to S3, or to a folder.")
    parser.add_argument("first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("last", type=date.fromisoformat, help="last day, YYYY-MM-DD")
    parser.add_argument("--folder", type=Path, help="folder to write to, in the place of the bucket")
    args = parser.parse_args()
    if args.folder is not None:
        print(f"{write_folder(args.folder, args.first, args.last, content)} objects written to {args.folder}")
        return
    # endpoint, region and credentials come from the AWS_ variables that boto reads
    client = boto3.client("s3", config=botocore.config.Config(max_pool_connections=_THREADS))
    print(f"{write_archive(client, args.first, args.last, content)} objects written to s3://{BUCKET}")


if __name__ == "__main__":
    main()
