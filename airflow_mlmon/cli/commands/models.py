"""Commands about all models at once."""

from __future__ import annotations

import click

from airflow_mlmon.cli.command import PLACES, Command

TITLE = "All models"

_STATUSES = ("silent", "broken", "failed", "alerting", "notice", "healthy", "inactive")

COMMANDS = (
    Command(
        "status",
        "status:show_status",
        "list all models with their last day, the worst first",
        click.Option(["--owner", "owners"], multiple=True, metavar="NAME", help="only models of an owner; repeatable"),
        click.Option(["--tag", "tags"], multiple=True, metavar="NAME", help="only models with a tag; repeatable"),
        click.Option(
            ["--status", "statuses"],
            type=click.Choice(_STATUSES),
            multiple=True,
            metavar="STATUS",
            help=f"only models of this status: {', '.join(_STATUSES)}; repeatable",
        ),
        *PLACES,
        examples=("mlmon status", "mlmon status --owner risk-team --status silent --status alerting"),
        ok="the models were listed, or there are none",
        bad="the store does not exist or failed",
        wrong="an argument is wrong",
        note="silent: no day was evaluated for longer than expected; broken: the spec cannot be loaded; failed: the "
        "last run failed; alerting: open alerts, or no usable data; notice: data incomplete, or all alerts "
        "acknowledged or muted; inactive: ended, or not started.",
    ),
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
