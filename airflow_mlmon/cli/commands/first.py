"""First commands on an archive."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import DAY, PLACES, SPEC, Command, Group

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
        click.Option(["--yes"], is_flag=True, help="take the guesses; do not ask in a terminal"),
        examples=(
            "mlmon init s3://ml-archive/fraud/predictions/ --output fraud.yaml",
            "mlmon init preds/ --labels labels/ --reference train.csv",
            "mlmon init archive/ --yes --output fraud.yaml",
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
    Group(
        "contract",
        "take over the checks of a data contract",
        {
            "Commands": (
                Command(
                    "import",
                    "contract:import_contract",
                    "print the checks of an Open Data Contract Standard 3.x contract as `quality` of a spec",
                    click.Argument(["path"], metavar="CONTRACT", help="contract, in YAML"),
                    click.Option(
                        ["--spec"], type=SPEC.type, metavar="SPEC", help="spec file, whose columns the checks must fit"
                    ),
                    click.Option(["--table"], metavar="NAME", help="table of the contract (default: its only one)"),
                    click.Option(["--write"], is_flag=True, help="add them to the spec, which must have none"),
                    examples=(
                        "mlmon contract import fraud.odcs.yaml --spec fraud.yaml",
                        "mlmon contract import fraud.odcs.yaml --table predictions --spec fraud.yaml --write",
                    ),
                    ok="checks were carried; what no check can say is named with its line on standard error",
                    bad="nothing of the contract can be carried",
                    wrong="it is no contract of a known version, or the spec is wrong or has checks of its own",
                ),
            )
        },
    ),
)
