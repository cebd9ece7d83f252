"""Commands for auditors: evidence bundles, and their verification."""

from __future__ import annotations

from pathlib import Path

import click

from airflow_mlmon.cli.command import BY, PLACES, RANGE, SPEC, Command, Group

TITLE = "Evidence"

_FILE = click.Path(path_type=Path, dir_okay=False)


class _EvidenceGroup(Group):
    """Group in which a call without a command makes a bundle: `mlmon evidence fraud.yaml --from …`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names; of another word the one that makes bundles."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["make", *args])


COMMANDS = (
    _EvidenceGroup(
        "evidence",
        "make, list and verify evidence bundles",
        {
            "Commands": (
                Command(
                    "make",
                    "evidence:make_evidence",
                    "write what was monitored, found and done on a range of days to one archive",
                    SPEC,
                    *RANGE,
                    click.Option(
                        ["--output", "-o"], type=_FILE, required=True, metavar="FILE", help="archive to write, FILE.zip"
                    ),
                    click.Option(
                        ["--key"], type=_FILE, metavar="FILE", help="private Ed25519 key (PEM) that signs the head"
                    ),
                    click.Option(["--why"], metavar="TEXT", default="", help="the reason, which is registered"),
                    click.Option(
                        ["--no-hold", "is_held"],
                        is_flag=True,
                        flag_value=False,
                        default=True,
                        help="let `mlmon prune` delete the metrics of these days, which are in the bundle",
                    ),
                    BY,
                    *PLACES,
                    examples=(
                        "mlmon evidence make fraud.yaml --from 2026-03-01 --to 2026-03-31 -o march.zip",
                        "mlmon evidence make fraud.yaml --from 2026-03-01 --to 2026-03-31 -o march.zip --key key.pem",
                    ),
                    ok="the bundle was written; what it lacks is named",
                    bad="no day has a record, somebody acted or a day was run meanwhile, or the store failed",
                    wrong="an argument or the spec is wrong, or the archive exists",
                    note="It has no row of the data, personal value or secret; the same content gives the same bytes.",
                ),
                Command(
                    "verify",
                    "evidence:verify_evidence",
                    "say what of a bundle was changed, added, taken away or moved",
                    click.Argument(["file"], type=_FILE),
                    click.Option(
                        ["--public-key"], type=_FILE, metavar="FILE", help="public Ed25519 key (PEM) of who signed it"
                    ),
                    click.Option(["--head"], metavar="HASH", default="", help="head that was printed when it was made"),
                    click.Option(
                        ["--against"], type=_FILE, metavar="FILE", help="earlier bundle: name what differs in its days"
                    ),
                    examples=(
                        "mlmon evidence verify march.zip --public-key key.pub",
                        "mlmon evidence verify march.zip --against march_of_april.zip",
                    ),
                    ok="nothing was changed, and nothing differs from the earlier bundle",
                    bad="something was changed or differs, or it is no bundle",
                    wrong="an argument is wrong: no such file or key, or bundles of two models",
                ),
                Command(
                    "list",
                    "evidence:list_evidence",
                    "list the bundles that were made of a model, with their heads",
                    SPEC,
                    *PLACES,
                    examples=("mlmon evidence list fraud.yaml",),
                    ok="they were listed, also if there are none",
                    bad="the store failed",
                ),
            )
        },
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    ),
)
