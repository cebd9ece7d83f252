"""What the commands of the command line share: their places, their settings, and who calls."""

from __future__ import annotations

import argparse
import getpass
import os
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.settings import Settings, settings_from_environment

EPILOG = """exit codes:
  0  every partition was judged on data that came: OK or PARTIAL
  1  a partition ended as FAILED, QUARANTINED or NO_DATA, or a system that is needed failed
  2  the call or a spec is wrong

The store and the workspace come from --store and --workspace, else from AIRFLOW__MLMON__STORE and
AIRFLOW__MLMON__WORKSPACE, else they lie in mlmon/ below AIRFLOW_HOME. S3 is reached by the spec's
Airflow connection (such as AIRFLOW_CONN_AWS_DEFAULT) or by boto3's own chain of credentials."""


def add_command(
    commands: argparse._SubParsersAction[Any], name: str, function: object, text: str
) -> argparse.ArgumentParser:
    """Add a command, which `function` carries out."""
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=function)
    command.add_argument("--json", action="store_true", help="print JSON for machines, one object a line")
    return command


def add_places(command: argparse.ArgumentParser) -> None:
    """Add the options that say where the store and the workspace are."""
    command.add_argument("--store", metavar="URL", help="SQLAlchemy URL of the metric store")
    command.add_argument("--workspace", metavar="URI", help="folder of results: s3:// or a path")


def settings_of(parsed: argparse.Namespace) -> Settings:
    """The settings of a call, from its options and the environment."""
    return settings_from_environment(os.environ, store=parsed.store, workspace=parsed.workspace)


def login() -> str:
    """The name of the user who calls.

    Raises:
        ConfigError: they have none.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise ConfigError("Nobody is logged in here by a name.", hint="say who does it, with --by") from None
