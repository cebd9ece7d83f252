"""Questions of `mlmon init` in a terminal: each offers its guess, which an empty answer takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rich.console import Console
from rich.markup import escape
from rich.prompt import Confirm, Prompt

from airflow_mlmon.archive.drafting.beside import FoundSets
from airflow_mlmon.archive.drafting.guess import Answers, GuessedModel
from airflow_mlmon.archive.drafting.guess_column import GuessedColumn, PersonalAnswer
from airflow_mlmon.reports.wording import name_text
from airflow_mlmon.spec import Role

_ASKED_ROLES = {
    Role.ID: "the prediction's id",
    Role.TIME: "the time of the prediction",
    Role.SCORE: "the score",
    Role.PREDICTION: "the predicted class or number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was given or answered.

    Attributes:
        model: Name of the model; None for the guess.
        owner: Person or team responsible for it.
        labels: Path of the labels; None for what is found.
        reference: Path of the reference; None for what is found.
        refused: Paths that were found and are not wanted.
        answers: Answers about columns.
    """

    model: str | None = None
    owner: str = ""
    labels: str | None = None
    reference: str | None = None
    refused: tuple[str, ...] = ()
    answers: Answers = field(default_factory=Answers)

    def labels_among(self, told: FoundSets) -> str | None:
        """Return the path of the labels: the given one, or the found one unless it was refused."""
        return self.labels or self._found(told.labels.path if told.labels else None)

    def reference_among(self, told: FoundSets) -> str | None:
        """Return the path of the reference, in the same way."""
        return self.reference or self._found(told.training.path if told.training else None)

    def _found(self, path: str | None) -> str | None:
        return None if path in self.refused else path


def is_terminal() -> bool:
    """Return whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_of_paths(asked: Asked, told: FoundSets, name: str, *, is_dated: bool) -> Asked:
    """Ask for the name, the owner, and the paths that were not given."""
    console = Console(stderr=True, highlight=False)
    if asked.model is None:
        asked = replace(asked, model=_ask(console, "Name of the model", name))
    asked = replace(asked, owner=_ask(console, "Person or team responsible for it", ""))
    refused: list[str] = []
    if asked.labels is None and told.labels is not None:
        if not _confirm(
            console, f"Labels were found in {_shown(told.labels.path)}. Are they those of the predictions?"
        ):
            refused.append(told.labels.path)
    elif asked.labels is None and is_dated:
        asked = replace(
            asked, labels=_ask(console, "Path of the labels, if they are in files of their own", "") or None
        )
    if asked.reference is None and told.training is not None:
        path = told.training.path
        if not _confirm(console, f"Data without days was found in {_shown(path)}. Was the model trained on it?"):
            refused.append(path)
    elif asked.reference is None and is_dated:
        console.print(
            "No training data was found. Without it the watched days are their own reference: what is wrong in"
        )
        console.print("them counts as normal.")
        asked = replace(asked, reference=_ask(console, "Path of the data that it was trained on", "") or None)
    return replace(asked, refused=tuple(refused))


def ask_of_columns(guessed: GuessedModel) -> Answers:
    """Ask for the columns that are not certain: of roles that others may have, and those that may be personal."""
    console = Console(stderr=True, highlight=False)
    roles: dict[Role | None, str] = {}
    for role, text in _ASKED_ROLES.items():
        column = guessed.column_of(role)
        if column is not None and column.others:
            roles[role] = _choose(console, text, column)
    if guessed.label is not None and guessed.label.others:
        roles[None] = _choose(console, "the label", guessed.label)
    personal = {
        column.name: _ask_personal(console, column)
        for column in guessed.columns
        if column.personal is not None or column.suspicion
    }
    return Answers(roles=roles, personal=personal)


def _choose(console: Console, text: str, column: GuessedColumn) -> str:
    names: Sequence[str] = (column.name, *column.others)
    for number, name in enumerate(names, 1):
        console.print(f"  {number} {_shown(name)}")
    choices = [str(number) for number in range(1, len(names) + 1)]
    return names[int(_ask(console, f"Which column is {text}?", "1", choices)) - 1]


def _ask_personal(console: Console, column: GuessedColumn) -> PersonalAnswer:
    reason = column.reason if column.personal is not None else column.suspicion
    default = PersonalAnswer.HASH if column.personal is not None else PersonalAnswer.KEEP
    console.print(f"{_shown(column.name)}: {escape(reason)}.")
    console.print(
        "  hash: only a keyed hash is kept; drop: nothing is kept; keep: it is no personal data, and monitored"
    )
    return PersonalAnswer(_ask(console, "How is it treated?", default.value, [one.value for one in PersonalAnswer]))


def _ask(console: Console, text: str, default: str, choices: list[str] | None = None) -> str:
    try:
        return Prompt.ask(text, console=console, default=default, choices=choices, show_default=bool(default)).strip()
    except EOFError:
        raise KeyboardInterrupt from None


def _confirm(console: Console, text: str) -> bool:
    try:
        return Confirm.ask(text, console=console, default=True)
    except EOFError:
        raise KeyboardInterrupt from None


def _shown(name: str) -> str:
    return escape(name_text(name, 120))
