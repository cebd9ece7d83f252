"""First commands on an archive."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import DAY, PLACES, Command

TITLE = "First steps"

COMMANDS = (
    Command(
        "init",
        "init:init_spec",
        "draft a commented spec from a sample of the archive",
        click.Argument(["data"], help="file, folder or glob of any format; local, s3://, abfs:// or gs://"),
        click.Option(["--labels"], metavar="PATH", help="labels in files of their own: file, folder or glob"),
        click.Option(["--reference"], metavar="PATH", help="reference: file, folder or glob"),
        click.Option(["--output"], metavar="FILE", help="file to write (default: standard output)"),
        click.Option(["--model"], metavar="NAME", help="name of the model (default: from the path)"),
        examples=(
            "mlmon init s3://ml-archive/fraud/predictions/ --output fraud.yaml",
            "mlmon init preds/ --labels labels/ --reference train.csv",
        ),
        ok="the spec was written",
        bad="the sample cannot be read",
        wrong="an argument is wrong, there is no sample, or the file exists",
    ),
    Command(
        "check",
        "check:check",
        "validate specs and list mistakes with file, line and key",
        click.Argument(["paths"], nargs=-1, required=True, metavar="SPEC...", help="spec files, or folders of them"),
        click.Option(["--data"], is_flag=True, help="also read one day, the labels and the reference"),
        click.Option(
            ["--partition", "day"],
            type=DAY,
            metavar="DAY",
            help="day to read, YYYY-MM-DD (default: the newest with files)",
        ),
        *PLACES,
        examples=(
            "mlmon check fraud.yaml",
            "mlmon check include/models",
            "mlmon check fraud.yaml --data --partition 2026-03-01",
        ),
        ok="the specs have no mistakes; with --data, a run of the day would end as OK or PARTIAL",
        bad="with --data, the day, or the reference, cannot be used",
        note="Of a folder every .yaml and .yml file is read, in folders below it too; hidden ones are passed over. "
        "--data reads one day, the newest delivery of labels and the reference as a run does, and keeps nothing.",
    ),
)
