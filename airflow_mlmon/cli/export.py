"""`mlmon export`: the metrics of a model as Parquet files."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import plain_table, print_table
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.history.export import export_metrics
from airflow_mlmon.spec import ModelSpec


def export_months(call: Call, *, spec: ModelSpec, folder: str, first: date | None, last: date | None) -> None:
    """Write the metrics of the months of a range, and print the files.

    Raises:
        NotFoundError: nothing is stored of them.
    """
    with open_run(spec, call.settings, must_exist=True) as run:
        exported = export_metrics(run, folder, first, last)
    if call.as_json:
        for one in exported:
            print_json({"month": f"{one.month:%Y-%m}", "uri": one.uri, "rows": one.rows, "bytes": one.size})
        return
    table = plain_table()
    for name in ("month", "rows", "KB"):
        table.add_column(name, justify="right")
    table.add_column("file")
    for one in exported:
        table.add_row(f"{one.month:%Y-%m}", f"{one.rows:,}", f"{one.size / 1000:,.0f}", one.uri)
    print_table(table)
