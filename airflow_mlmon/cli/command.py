"""Commands as they are declared: name, function, arguments, examples and exit codes.

A function is named as `module:function` of `airflow_mlmon.cli` and imported when its command is called, so that
`mlmon --help` stays light. It is given the `Call` and each argument by name, and returns False for exit code 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from airflow_mlmon.cli.call import BAD_CALL, BAD_DAY, OK, Call
from airflow_mlmon.cli.shell import login
from airflow_mlmon.cli.stream import reserve_output
from airflow_mlmon.partition import check_range, parse_day
from airflow_mlmon.settings import Settings

if TYPE_CHECKING:
    from airflow_mlmon.spec import ModelSpec

ReadSettings = Callable[..., Settings]


class _Day(click.ParamType[date]):
    """A day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, _param: click.Parameter | None, _context: click.Context | None) -> date:
        return value if isinstance(value, date) else parse_day(value)


class _SpecFile(click.Path):
    """A spec file, which is read."""

    name = "spec"

    def convert(self, value: Any, _param: click.Parameter | None, context: click.Context | None) -> str | ModelSpec:  # type: ignore[override]
        # a shell that completes a word needs no spec
        if context is not None and context.resilient_parsing:
            return str(value)
        from airflow_mlmon.loading import load_spec  # noqa: PLC0415 - imports pydantic

        return load_spec(value)


DAY = _Day()
SPEC = click.Argument(["spec"], type=_SpecFile(), help="spec file")
BY = click.Option(["--by", "who"], metavar="NAME", default=login, help="person who does it (default: the login name)")
WHY = click.Option(["--why"], metavar="TEXT", required=True, help="the reason")
RANGE = (
    click.Option(["--from", "first"], type=DAY, metavar="DAY", required=True, help="first day, YYYY-MM-DD"),
    click.Option(["--to", "last"], type=DAY, metavar="DAY", required=True, help="last day, included"),
)
DRUID = click.Option(["--druid"], is_flag=True, help="also load into Druid, by the spec's connection")
SEND_ALERTS = click.Option(["--send-alerts"], is_flag=True, help="send the alerts of these days")
PLACES = (
    click.Option(
        ["--store"],
        metavar="URL",
        help="SQLAlchemy URL of the metric store (default: AIRFLOW__MLMON__STORE, else SQLite below AIRFLOW_HOME)",
    ),
    click.Option(
        ["--workspace"],
        metavar="URI",
        help="folder of the results: s3://, abfs://, gs:// or a path (default: AIRFLOW__MLMON__WORKSPACE, else "
        "mlmon/workspace below AIRFLOW_HOME)",
    ),
)
_JSON = click.Option(["--json", "as_json"], is_flag=True, help="print JSON, one object per line")


class Command(click.Command):
    """A command that calls a function of `airflow_mlmon.cli`."""

    def __init__(
        self,
        name: str,
        function: str,
        text: str,
        *params: click.Parameter,
        examples: Sequence[str],
        ok: str,
        bad: str,
        wrong: str = "an argument or the spec is wrong",
        note: str = "",
    ) -> None:
        """Declare the command; `ok`, `bad` and `wrong` say when it exits with 0, 1 and 2."""
        super().__init__(name, params=[*params, _JSON], help=f"{text[0].upper()}{text[1:]}.", short_help=text)
        self.function = function
        self.examples = examples
        self.exits = {OK: ok, BAD_DAY: bad, BAD_CALL: wrong}
        self.note = note

    def find_function(self) -> Callable[..., bool | None]:
        """Import the function."""
        module, _, name = self.function.partition(":")
        found: Callable[..., bool | None] = getattr(import_module(f"airflow_mlmon.cli.{module}"), name)
        return found

    def invoke(self, ctx: click.Context) -> bool | None:
        """Call the function, with standard output for its answer alone."""
        given = dict(ctx.params)
        read_settings: ReadSettings = ctx.obj
        settings = read_settings(**{option.name: given.pop(option.name) for option in PLACES if option.name in given})
        call = Call(settings=settings, as_json=given.pop("as_json"), now=datetime.now(UTC))
        if given.get("first") and given.get("last"):
            check_range(given["first"], given["last"])
        with reserve_output():
            return self.find_function()(call, **given)

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, the exit codes and what else is to know."""
        with formatter.section("Examples"):
            formatter.write("".join(f"{'':{formatter.current_indent}}{line}\n" for line in self.examples))
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in self.exits.items()])
        if self.note:
            formatter.write_paragraph()
            formatter.write_text(self.note)


class Group(click.Group):
    """A group of commands, under the headings of their modules; old names lead to the new ones, with a warning."""

    def __init__(
        self,
        name: str,
        text: str,
        commands: Mapping[str, Iterable[click.Command]],
        old: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self.sections = {title: list(found) for title, found in commands.items()}
        self.old = old or {}
        super().__init__(
            name,
            commands=[one for found in self.sections.values() for one in found],
            help=f"{text[0].upper()}{text[1:]}.",
            short_help=text,
            **more,
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a name, new or old."""
        if cmd_name in self.old:
            new = self.old[cmd_name]
            click.echo(
                f"mlmon {cmd_name}: is an old spelling, which the next release refuses; write mlmon {new}", err=True
            )
            cmd_name = new
        return super().get_command(ctx, cmd_name)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under their headings, in order."""
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(one.name or "", one.get_short_help_str(formatter.width)) for one in commands])
