"""Commands of mlmon as they are declared, and calls of them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from airflow_mlmon.cli.command import Command
from airflow_mlmon.cli.main import MLMON


def declared(group: click.Group = MLMON, *path: str) -> Iterator[tuple[str, Command]]:
    """Every command by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from declared(command, *path, name)
        else:
            assert isinstance(command, Command)
            yield " ".join((*path, name)), command


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command of mlmon that the words begin with, and the words of its arguments."""
    command, rest = MLMON, list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"mlmon has no command {name!r}"
        command = command.commands[name]
    return command, rest


def options_of(words: list[str]) -> set[str]:
    """The options of the command of mlmon that the words begin with."""
    command, _ = command_of(words)
    return {name for param in command.get_params(click.Context(command)) for name in param.opts}


def parse_mlmon(words: list[str]) -> None:
    """Parse the words as a call of mlmon, without what the files hold that it names."""
    command, rest = command_of(words)
    given, left, _ = command.make_parser(click.Context(command)).parse_args(rest)
    assert left == []
    assert {param.name for param in command.params if param.required} <= set(given)
