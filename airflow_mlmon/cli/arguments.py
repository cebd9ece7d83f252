"""Options and settings that all commands share, and the name of the caller."""

from __future__ import annotations

import argparse
import getpass
import os
from typing import Any

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.settings import Settings, read_environment_settings

EPILOG = """exit codes:
  0  every day was evaluated: OK or PARTIAL
  1  a day ended as FAILED, QUARANTINED or NO_DATA, or a required system failed
  2  an argument or a spec is wrong

Store and workspace: --store and --workspace, otherwise AIRFLOW__MLMON__STORE and
AIRFLOW__MLMON__WORKSPACE, otherwise mlmon/ in AIRFLOW_HOME. Access to S3: the spec's
Airflow connection (for example AIRFLOW_CONN_AWS_DEFAULT) or the default credentials of boto3."""


def add_command(
    commands: argparse._SubParsersAction[Any], name: str, function: object, text: str
) -> argparse.ArgumentParser:
    """Add a command that calls `function`."""
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(command=function)
    command.add_argument("--json", action="store_true", help="print JSON, one object per line")
    return command


def add_places(command: argparse.ArgumentParser) -> None:
    """Add the options for the store and the workspace."""
    command.add_argument("--store", metavar="URL", help="SQLAlchemy URL of the metric store")
    command.add_argument("--workspace", metavar="URI", help="folder for results: s3://, abfs://, gs:// or a path")


def add_range(command: argparse.ArgumentParser) -> None:
    """Add the options for a range of days."""
    command.add_argument("--from", required=True, dest="first", metavar="DAY", help="first day, YYYY-MM-DD")
    command.add_argument("--to", required=True, dest="last", metavar="DAY", help="last day, included")


def settings_of(parsed: argparse.Namespace) -> Settings:
    """Return the settings of a call from its options and the environment."""
    return read_environment_settings(os.environ, store=parsed.store, workspace=parsed.workspace)


def login() -> str:
    """Return the name of the user.

    Raises:
        ConfigError: the user has no name.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise ConfigError("The login name cannot be determined.", hint="give your name with --by") from None
