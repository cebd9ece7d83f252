"""Commands about all models at once."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import PLACES, Command

TITLE = "All models"

COMMANDS = (
    Command(
        "fleet",
        "fleet:write_fleet_pages",
        "write the pages of all models, and the inbox, to the folder of the reports",
        click.Argument(["folders"], nargs=-1, metavar="[FOLDER]...", help="folders of specs, whose models are listed"),
        click.Option(
            ["--digest"],
            is_flag=True,
            help="also send the morning message of each owner, on the shared channels with `digest`",
        ),
        *PLACES,
        examples=("mlmon fleet", "mlmon fleet specs/ --digest"),
        ok="the pages are written",
        bad="a spec cannot be loaded, which is on the pages too, or the store, the folder or a channel failed",
        wrong="an argument is wrong, or there is no such folder",
        note="Models that have run are on the pages without a folder too. A folder adds those that have not run yet, "
        "and specs that cannot be loaded. A message that was sent is not sent again on the same day.",
    ),
)
