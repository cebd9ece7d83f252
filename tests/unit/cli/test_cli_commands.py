"""Every command as it is declared: its arguments, examples, exit codes, and what a wrong call says."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mlmon.cli.command import PLACES
from airflow_mlmon.cli.main import MLMON, OLD_COMMANDS, main
from tests.support.commands import declared, parse_mlmon

COMMANDS = dict(declared())
SPEC = Path(__file__).parents[3] / "include" / "models" / "flights.yaml"
EACH = pytest.mark.parametrize("name", COMMANDS)


def mlmon(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow_mlmon.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


@EACH
def test_help_has_examples_that_are_calls_of_the_command(name, capsys):
    assert main([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert COMMANDS[name].examples
    for example in COMMANDS[name].examples:
        assert f"  {example}\n" in shown
        program, *words = shlex.split(example)
        assert (program, words[: len(name.split())]) == ("mlmon", name.split())
        parse_mlmon(words)


def test_no_two_commands_exit_for_the_same_reasons_but_by_design():
    said = [tuple(command.exits.values()) for command in COMMANDS.values()]
    shared = {name for name, command in COMMANDS.items() if said.count(tuple(command.exits.values())) > 1}

    assert shared == {"run", "backfill", "alerts ack", "alerts mute", "alerts resolve"}


@EACH
def test_function_takes_the_arguments_of_its_command(name):
    """They are passed by name, so a misspelt one would show in a call alone."""
    command = COMMANDS[name]
    given = {param.name for param in command.params} - {"as_json"} - {option.name for option in PLACES}
    call, *parameters = inspect.signature(command.find_function()).parameters.values()
    named = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}

    assert call.name == "call"
    if all(one.kind is not one.VAR_KEYWORD for one in parameters):
        assert named == given
    else:
        assert named <= given


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn"], "mlmon: No such command 'runn'."),
        (["run"], "mlmon run: Missing argument 'SPEC'. See mlmon run --help.\n"),
        (["compare", "a", "b", "--metod", "x"], "mlmon compare: No such option '--metod'. Did you mean '--method'?"),
        (["alerts", "list", "--state", "closed", "x"], "'closed' is not one of 'open', 'pending'"),
    ],
)
def test_a_call_that_is_none_is_told_in_one_line_and_as_json(capsys, arguments, message):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert message in err

    assert main([*arguments, "--json"]) == 2
    out, err = capsys.readouterr()
    assert message.strip() in json.loads(out)["message"]
    assert err == ""


@pytest.mark.parametrize("arguments", [[], ["alerts"], ["baseline"]])
def test_a_group_without_a_command_shows_its_help(capsys, arguments):
    assert main(arguments) == 2
    assert "Usage: mlmon" in capsys.readouterr().err


def test_old_names_lead_to_commands():
    assert set(OLD_COMMANDS.values()) <= set(MLMON.commands)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (".local/share/bash-completion/completions/mlmon", "complete -o nosort -F _mlmon_completion mlmon"),
        (".local/share/zsh/site-functions/_mlmon", "#compdef mlmon"),
        (".config/fish/completions/mlmon.fish", "complete --no-files --command mlmon"),
    ],
)
def test_completion_is_written_where_the_shell_looks_for_it(tmp_path, monkeypatch, capsys, path, says):
    shell = next(name for name in ("bash", "zsh", "fish") if name in path)
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    assert main(["--install-completion"]) == 0
    assert str(tmp_path / path) in capsys.readouterr().out
    assert says in (tmp_path / path).read_text()


def test_completion_for_another_shell_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("SHELL", "/bin/tcsh")

    assert main(["--install-completion"]) == 2
    assert "completion is for bash, zsh, fish" in capsys.readouterr().err


def test_a_shell_completes_commands_and_options():
    """As the installed script asks: no spec is read for it."""
    words = {"COMP_WORDS": "mlmon alerts l", "COMP_CWORD": "2", "_MLMON_COMPLETE": "bash_complete"}
    assert mlmon(**words).stdout == "plain,list\n"
    words |= {"COMP_WORDS": "mlmon run no.yaml --part", "COMP_CWORD": "3"}
    assert mlmon(**words).stdout == "plain,--partition\n"


@pytest.mark.parametrize("words", [["--help"], ["check", str(SPEC)], ["check", str(SPEC), "--json"]])
def test_a_reader_that_goes_ends_a_command_quietly(words):
    """As `| head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        command = [sys.executable, "-m", "airflow_mlmon.cli.main", *words]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (141, "")
