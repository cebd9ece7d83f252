"""Command line of airflow_mlmon."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from airflow_mlmon import __version__
from airflow_mlmon.cli.call import BAD_CALL, BAD_DAY, INTERRUPTED, OK, READER_GONE
from airflow_mlmon.cli.command import Group, ReadSettings
from airflow_mlmon.cli.commands import alerts, days, evidence, first, models, operation, results
from airflow_mlmon.cli.shell import PROGRAM, complete, install_completion, read_shell_settings
from airflow_mlmon.cli.stream import close_output, print_json
from airflow_mlmon.errors import ConfigError, MlmonError, describe_unexpected

# commands that the first release had under another name
OLD_COMMANDS = {"judge": "evaluate", "layout": "schema"}


def _install(context: click.Context, _: click.Parameter, is_asked: bool) -> None:  # noqa: FBT001 - as click calls it
    if is_asked:
        click.echo(install_completion(context.command))
        context.exit()


MLMON = Group(
    PROGRAM,
    "monitor machine-learning models without Airflow: run days, and query their results",
    {module.TITLE: module.COMMANDS for module in (first, days, results, models, alerts, evidence, operation)},
    OLD_COMMANDS,
    params=[
        click.Option(
            ["--install-completion"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_install,
            help="let bash, zsh or fish complete commands and options",
        )
    ],
    epilog="Each command has examples and its exit codes in mlmon COMMAND --help. Access to S3: the spec's Airflow "
    "connection (for example AIRFLOW_CONN_AWS_DEFAULT) or the default credentials of boto3.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")(MLMON)


def main(arguments: Sequence[str] | None = None, read_settings: ReadSettings = read_shell_settings) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        return _run(given, read_settings)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else PROGRAM
        _print_error(error, f"{path}: {error.format_message()} See {path} --help.", as_json=as_json)
        return BAD_CALL
    except MlmonError as error:
        _print_error(error, str(error), as_json=as_json)
        return BAD_CALL if isinstance(error, ConfigError) else BAD_DAY
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    except BrokenPipeError:
        # the reader of the answer has gone; nothing can be said to it
        close_output()
        return READER_GONE
    except Exception as error:
        # a command ends in one line, whatever happened; python -X dev shows where
        if sys.flags.dev_mode:
            raise
        _print_error(error, describe_unexpected(error), as_json=as_json)
        return BAD_DAY


def _run(arguments: list[str], read_settings: ReadSettings) -> int:
    code = complete(MLMON)
    if code is None:
        try:
            with MLMON.make_context(PROGRAM, arguments, obj=read_settings) as context:
                code = BAD_DAY if MLMON.invoke(context) is False else OK
        except click.exceptions.NoArgsIsHelpError as asked:
            asked.show()
            code = BAD_CALL
        except click.exceptions.Exit as end:
            code = end.exit_code
    # a reader that has gone is met here, and not when the process ends
    sys.stdout.flush()
    return code


def _print_error(error: Exception, message: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"error": type(error).__name__, "message": message})
    else:
        sys.stderr.write(f"{message}\n")


if __name__ == "__main__":
    sys.exit(main())
