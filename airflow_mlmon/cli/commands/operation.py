"""Commands for whoever operates a deployment."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import PLACES, Command, Group

TITLE = "Operation"

COMMANDS = (
    Command(
        "doctor",
        "doctor:examine_deployment",
        "examine the deployment: versions, clocks, disks, store, workspace, archives, services, channels",
        click.Argument(["paths"], nargs=-1, metavar="[SPEC]...", help="specs, or folders of them, to examine too"),
        *PLACES,
        examples=("mlmon doctor", "mlmon doctor include/models", "mlmon doctor fraud.yaml --json"),
        ok="nothing is wrong, whatever there is to warn of",
        bad="something is wrong: the finding says what to do",
        wrong="an argument is wrong, or there is no such file or folder",
        note="It writes one object to the workspace and removes it, lets Druid run one task that does nothing, and "
        "sends no message: a mail server is greeted, a webhook asked with an empty GET. The store is neither created "
        "nor upgraded.",
    ),
    Group(
        "store",
        "migrate the metric store to this release, or back to an earlier one",
        {
            "Commands": (
                Command(
                    "upgrade",
                    "store:upgrade_store",
                    "create or upgrade the tables of the store, as opening it does",
                    PLACES[0],
                    examples=("mlmon store upgrade",),
                    ok="the tables are those of this release",
                    bad="the database cannot be reached, or refuses",
                    wrong="an argument is wrong, or the store was written by a later release",
                ),
                Command(
                    "downgrade",
                    "store:downgrade_store",
                    "take the tables back to the schema of an earlier release, before it is installed",
                    click.Option(
                        ["--to", "target"], metavar="SCHEMA", required=True, help="schema to go back to, such as 0021"
                    ),
                    click.Option(["--yes"], is_flag=True, help="do it; without it the steps are only listed"),
                    PLACES[0],
                    examples=("mlmon store downgrade --to 0021", "mlmon store downgrade --to 0021 --yes"),
                    ok="the steps were listed, or taken back",
                    bad="the store does not exist, or the database refuses",
                    wrong="an argument is wrong, there is no such schema, or the store was written by a later release",
                    note="Stop what opens the store before, for this release upgrades it whenever it does. What only "
                    "later schemas hold is lost: back the store up first.",
                ),
            )
        },
    ),
)
