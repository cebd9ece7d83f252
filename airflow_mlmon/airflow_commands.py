"""The commands of `mlmon` as `airflow mlmon …`: the same, with the settings and the connections of Airflow."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any

import click
from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand

from airflow_mlmon.cli.command import Command
from airflow_mlmon.cli.main import MLMON, main
from airflow_mlmon.cli.stream import detach_output


def get_airflow_commands() -> list[CLICommand]:
    """Return the commands as Airflow's command line takes them from a provider."""
    return [_translate(MLMON)]


def _translate(command: click.Command, *path: str) -> CLICommand:
    name, text = str(command.name), command.short_help or ""
    if isinstance(command, click.Group):
        below = [_translate(one, *path, str(one.name)) for one in command.commands.values()]
        return GroupCommand(name=name, help=text, description=command.help, subcommands=below)
    return ActionCommand(
        name=name,
        help=text,
        description=command.help,
        epilog=_epilog(command) if isinstance(command, Command) else None,
        func=_caller(command, path),
        args=[_argument(param) for param in command.params],
    )


def _epilog(command: Command) -> str:
    examples = "\n".join(f"  airflow {example}" for example in command.examples)
    exits = "\n".join(f"  {code}  {text}" for code, text in command.exits.items())
    return f"examples:\n{examples}\n\nexit codes:\n{exits}" + (f"\n\n{command.note}" if command.note else "")


def _argument(param: click.Parameter) -> Arg:
    """Translate an argument or an option; its value stays text, which the command itself reads."""
    text = (getattr(param, "help", None) or "").replace("%", "%%")
    if isinstance(param, click.Argument):
        several = {"nargs": "+" if param.required else "*"} if param.nargs < 0 else {}
        return Arg(flags=(param.name,), help=text, **several)  # type: ignore[no-untyped-call]
    more: dict[str, Any] = {"action": "store_true"} if getattr(param, "is_flag", False) else {}
    if not more:
        more = {"metavar": param.metavar, "required": param.required}
        more |= {"action": "append"} if param.multiple else {}
        more |= {"nargs": param.nargs, "metavar": tuple((param.metavar or "").split())} if param.nargs > 1 else {}
    return Arg(flags=tuple(param.opts), help=text, dest=param.name, **more)  # type: ignore[no-untyped-call]


def _caller(command: click.Command, path: tuple[str, ...]) -> Callable[[argparse.Namespace], None]:
    def call(parsed: argparse.Namespace) -> None:
        detach_output()
        from airflow_mlmon.hooks.configuration import read_airflow_settings  # noqa: PLC0415 - heavy

        # as Airflow's own commands do that read connections, which are in its database too
        os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "server"
        sys.exit(main([*path, *_words(command, parsed)], read_airflow_settings))

    return call


def _words(command: click.Command, parsed: argparse.Namespace) -> list[str]:
    """Return the words of a call that Airflow has parsed."""
    options, arguments = [], ["--"]
    for param in command.params:
        value = getattr(parsed, str(param.name))
        if isinstance(param, click.Argument):
            arguments += value if isinstance(value, list) else [value]
        elif value is True:
            options.append(param.opts[0])
        elif param.nargs > 1 and value is not None:
            options += [param.opts[0], *value]
        elif value is not None and value is not False:
            options += [f"{param.opts[0]}={one}" for one in (value if isinstance(value, list) else [value])]
    return [*options, *arguments]
