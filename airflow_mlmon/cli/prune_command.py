"""Arguments of `mlmon prune`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from airflow_mlmon.cli.arguments import add_command, add_places, settings_of

_EPILOG = """Without --yes nothing is deleted. Kept whatever its age is what later days rest on: the baselines in
force, the history, alerts that are open, the reference, and days whose labels may still come.

exit codes:
  0  it was listed, and with --yes deleted
  1  the store or the workspace failed; a second call deletes the rest
  2  an argument or the spec is wrong, or the spec has no `retention`"""


def add_prune_command(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add `mlmon prune`."""
    command = add_command(commands, "prune", _prune, "list what is older than the spec's retention, and delete it")
    command.epilog = _EPILOG
    command.add_argument("spec", help="spec file")
    command.add_argument("--yes", action="store_true", help="delete it")
    add_places(command)


def _prune(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.prune import prune_days  # noqa: PLC0415 - heavy

    prune_days(parsed.spec, settings_of(parsed), now=datetime.now(UTC), as_json=parsed.json, is_meant=parsed.yes)
    return 0
