"""Environment of a call: settings, the name of the user, and the completion of the shell."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_mlmon.errors import ConfigError
from airflow_mlmon.settings import Settings, read_environment_settings

if TYPE_CHECKING:
    import click

PROGRAM = "mlmon"
_VARIABLE = f"_{PROGRAM.upper()}_COMPLETE"


def read_shell_settings(**given: str | None) -> Settings:
    """Read the settings of a call: its options, else the environment, else the defaults."""
    return read_environment_settings(os.environ, **given)


def login() -> str:
    """Return the name of the user.

    Raises:
        ConfigError: the user has no name.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise ConfigError("The login name cannot be determined.", hint="give your name with --by") from None


def complete(program: click.Command) -> int | None:
    """Answer the shell that completes a word of a call, and return the exit code; None if no shell asks."""
    instruction = os.environ.get(_VARIABLE)
    if not instruction:
        return None
    from click.shell_completion import shell_complete  # noqa: PLC0415 - rarely asked for

    return shell_complete(program, {}, PROGRAM, _VARIABLE, instruction)


def install_completion(program: click.Command) -> str:
    """Write the completion of the user's shell where that shell looks for it, and return what is left to do.

    Raises:
        ConfigError: the shell is none of bash, zsh and fish.
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - rarely asked for

    shell = Path(os.environ.get("SHELL", "")).name
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = {
        "bash": (
            data / "bash-completion" / "completions" / PROGRAM,
            "New shells complete; without the package bash-completion, source that file in ~/.bashrc.",
        ),
        "zsh": (
            data / "zsh" / "site-functions" / f"_{PROGRAM}",
            "Add its folder to fpath in ~/.zshrc, before compinit is called.",
        ),
        "fish": (config / "fish" / "completions" / f"{PROGRAM}.fish", "New shells complete."),
    }
    maker = get_completion_class(shell)
    if shell not in places or maker is None:
        raise ConfigError(f"SHELL is {shell or 'not set'}.", hint=f"completion is for {', '.join(places)}")
    path, left = places[shell]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(maker(program, {}, PROGRAM, _VARIABLE).source(), encoding="utf-8")
    return f"{path} written. {left}"
