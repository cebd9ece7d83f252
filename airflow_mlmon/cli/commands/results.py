"""Commands that answer questions about stored days, or about two data sets."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import DAY, PLACES, RANGE, SPEC, Command, Group

TITLE = "Results"

_FILES = (
    "Parquet, CSV, JSON, Avro, ORC (texts also .gz, .zst, .bz2, .lz4) or a Delta table: file, folder or quoted glob; "
    "local or of an object store"
)

COMMANDS = (
    Command(
        "show",
        "show:print_day",
        "show a day: its status, alerts, verdicts, drifted columns and performance",
        SPEC,
        click.Option(["--partition", "day"], type=DAY, metavar="DAY", required=True, help="day to show, YYYY-MM-DD"),
        *PLACES,
        examples=("mlmon show fraud.yaml --partition 2026-03-01",),
        ok="the day was shown, whatever its status",
        bad="the day was never run, or the store does not exist or failed",
    ),
    Command(
        "trace",
        "trace:show_traced",
        "show the archived rows of a request by its trace id",
        SPEC,
        click.Argument(["trace"], help="trace id of 32 hexadecimal digits, or a whole traceparent"),
        click.Option(["--partition", "day"], type=DAY, metavar="DAY", required=True, help="day of the request"),
        *PLACES,
        examples=("mlmon trace fraud.yaml 4bf92f3577b34da6a3ce929d0e0e4736 --partition 2026-03-01",),
        ok="at least one row was found",
        bad="no accepted row of the day has this trace, the day was never run, or the store failed",
        wrong="an argument or the spec is wrong, or the spec has no column of role trace",
        note="Personal columns and vectors are not shown; the id is, or its hash.",
    ),
    Command(
        "export",
        "export:export_months",
        "write the metrics of a model as Parquet, a file for each month",
        SPEC,
        click.Option(
            ["--output", "-o", "folder"], required=True, metavar="FOLDER", help="folder, or s3://, abfs://, gs://"
        ),
        click.Option(["--from", "first"], type=DAY, metavar="DAY", help="day in the first month (default: all months)"),
        click.Option(["--to", "last"], type=DAY, metavar="DAY", help="day in the last month"),
        *PLACES,
        examples=(
            "mlmon export fraud.yaml -o metrics",
            "mlmon export fraud.yaml -o s3://lake/mlmon --from 2026-03-01 --to 2026-03-31",
        ),
        ok="the files were written",
        bad="nothing is stored of these months, or the store or the folder failed",
        note="Writes FOLDER/<model>/<YYYY-MM>.parquet in place of what is there, months as a whole, with the columns "
        "of the model's SQL view.",
    ),
    Command(
        "drift",
        "windows:show_windows",
        "show the drift of windows of days, from stored profiles",
        SPEC,
        *RANGE,
        click.Option(
            ["--window"], default="7d", show_default=True, metavar="DAYS", help="length of a window: 7d or 4w"
        ),
        click.Option(
            ["--baseline"],
            metavar="NAME",
            help="reference, previous, trailing:28, same_weekday:8 or dates:DAY:DAY, instead of the spec's baselines",
        ),
        *PLACES,
        examples=(
            "mlmon drift fraud.yaml --window 7d --from 2026-03-01 --to 2026-03-28",
            "mlmon drift fraud.yaml --from 2026-03-01 --to 2026-03-07 --baseline trailing:28",
        ),
        ok="at least one window has days",
        bad="no day of the range has a profile, or the store failed",
    ),
    Command(
        "slice",
        "slices:show_slices",
        "rank slices of past days by drift and loss of performance",
        SPEC,
        click.Option(["--by"], required=True, metavar="COLUMNS", help="columns to slice by, separated by commas"),
        click.Option(["--cross"], is_flag=True, help="also slice by all combinations of the columns"),
        click.Option(
            ["--metric"],
            metavar="NAME",
            help="metric of performance to compare (default: the first of the kind of model)",
        ),
        click.Option(
            ["--top"], type=int, default=40, show_default=True, metavar="N", help="number of slices in the table"
        ),
        *RANGE,
        *PLACES,
        examples=("mlmon slice fraud.yaml --by country,channel --cross --from 2026-03-01 --to 2026-03-28",),
        ok="at least one slice was evaluated",
        bad="no slice was evaluated: too few rows, or no day in the range",
        wrong="an argument or the spec is wrong, or a column cannot be sliced by",
        note="A slice is all rows with the same value of a column, or with the same values of several with --cross. "
        "It is compared with the same slice of the reference and, with labels, with the other rows of the window. "
        "P-values are corrected for all tests: without any real difference, at most 5 % of calls report one.",
    ),
    Command(
        "calibrate",
        "calibrate:show_calibration",
        "replay stored days at several sensitivities and compare the alerts",
        SPEC,
        click.Option(["--from", "first"], type=DAY, metavar="DAY", help="first day (default: the spec's start)"),
        click.Option(
            ["--to", "last"], type=DAY, metavar="DAY", help="last day, included (default: the last evaluated day)"
        ),
        click.Option(
            ["--rate", "rates"],
            type=float,
            multiple=True,
            metavar="RATE",
            help="false alarm rate per day; repeatable",
        ),
        click.Option(
            ["--effect", "effects"],
            type=float,
            multiple=True,
            metavar="EFFECT",
            help="smallest effect size that alerts; repeatable",
        ),
        *PLACES,
        examples=("mlmon calibrate fraud.yaml --from 2026-03-01 --to 2026-05-31 --effect 0.1 --effect 0.3",),
        ok="the days were replayed",
        bad="no day of the range can be replayed, or the store failed",
    ),
    Command(
        "pages",
        "pages:write_pages_again",
        "write pages of stored days on demand: of columns, or of a day against another",
        SPEC,
        click.Option(
            ["--feature", "features"],
            multiple=True,
            metavar="COLUMN",
            help="column to write the page of; repeatable (default: all, without --partition)",
        ),
        click.Option(["--partition", "day"], type=DAY, metavar="DAY", help="day to write the page of, YYYY-MM-DD"),
        click.Option(
            ["--against", "other"], type=DAY, metavar="DAY", help="with --partition: compare the day with this one"
        ),
        *PLACES,
        examples=(
            "mlmon pages fraud.yaml",
            "mlmon pages fraud.yaml --feature amount",
            "mlmon pages fraud.yaml --partition 2026-03-08 --against 2026-03-01",
        ),
        ok="the pages are written; their addresses are printed",
        bad="a day was not run, there is no such column, or the store or the workspace failed",
        note="A run writes the pages of its day, of the model, and of the columns that alert. A page of a column is "
        "as of the last evaluated day, and the model's page links to those that are written.",
    ),
    Group(
        "schema",
        "show the pinned profile schema",
        {
            "Commands": (
                Command(
                    "show",
                    "schema:show_schema",
                    "show the pinned profile schema of a spec's model",
                    SPEC,
                    *PLACES,
                    examples=("mlmon schema show fraud.yaml",),
                    ok="the schema was shown",
                    bad="no schema is pinned yet, or the store failed",
                ),
            )
        },
    ),
    Command(
        "compare",
        "compare:print_comparison",
        "compare two data sets, without a spec or a store",
        click.Argument(["reference"], help=_FILES),
        click.Argument(["current"], help="data set to compare with it, given in the same way"),
        click.Option(
            ["--method"], default="psi", show_default=True, metavar="NAME", help="drift method, by Evidently's name"
        ),
        click.Option(["--limit"], type=float, metavar="EFFECT", help="smallest effect size that counts as drift"),
        click.Option(["--null"], multiple=True, metavar="TEXT", help="text that stands for null in CSV; repeatable"),
        click.Option(
            ["--text"],
            multiple=True,
            metavar="COLUMN",
            help="column of texts, which are compared by their length, pattern and so on; repeatable",
        ),
        click.Option(["--label"], metavar="COLUMN", help="column of the label of both, to compare performance"),
        click.Option(["--prediction"], metavar="COLUMN", help="column of the predicted class or number"),
        click.Option(["--score"], metavar="COLUMN", help="column of the score"),
        click.Option(["--task"], metavar="KIND", help="kind of model, where the values leave it open"),
        click.Option(["--html"], metavar="FILE", help="also write an HTML page"),
        click.Option(["--fail-on-drift"], is_flag=True, help="exit with 1 if a column has drifted"),
        examples=(
            "mlmon compare reference.parquet current.parquet",
            "mlmon compare 'train/*.csv.gz' s3://ml-archive/today/ --null n/a --html drift.html",
            "mlmon compare last.csv this.csv --label paid --score score --fail-on-drift",
        ),
        ok="the data sets were compared",
        bad="a data set cannot be read; with --fail-on-drift: a column has drifted, or none could be evaluated",
        wrong="an argument is wrong",
        note="A column has drifted if a two-sample test is significant after the Holm correction over all columns and "
        "the effect is at least the limit of the method, or if its null rate has changed by at least 5 %. Access to "
        "S3: the credentials of the environment (AWS_PROFILE, AWS_ENDPOINT_URL and so on).",
    ),
)
