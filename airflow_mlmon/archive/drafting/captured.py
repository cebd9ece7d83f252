"""What the marks of capture say of a sample: the roles of its columns and their protection, which are no guesses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from airflow_mlmon.archive.drafting.guess import Answers, GuessedModel
from airflow_mlmon.archive.drafting.guess_column import GuessedColumn
from airflow_mlmon.archive.layouts.sidecars import marks_uri
from airflow_mlmon.capture.marks import METADATA_KEY, Marks, Protection, read_marks
from airflow_mlmon.errors import NotFoundError
from airflow_mlmon.spec import ColumnType, PersonalData, Role
from airflow_mlmon.spec.choices import SHARED_ROLES
from airflow_mlmon.storage import Storage
from airflow_mlmon.tables.piece import Piece

_TREATED = {Protection.HASHED: PersonalData.HASH, Protection.DROPPED: PersonalData.DROP}
_SAID = {
    Protection.HASHED: "hashed by capture, with the key that AIRFLOW__MLMON__HASH_KEY must be",
    Protection.DROPPED: "dropped by capture; its type is not known",
    Protection.COARSENED: "coarsened by capture: copy truncate or generalise from the spec of the service",
}


def find_sample_marks(storage: Storage, uri: str, piece: Piece) -> Marks | None:
    """Find the marks of a file, by its first piece or by the sidecar of a text; None if it has none of use."""
    text = piece.metadata.get(METADATA_KEY)
    try:
        if text is None and ".jsonl" in uri:
            text = storage.at(uri).read(marks_uri(uri))
        return read_marks(text) if text is not None else None
    except (NotFoundError, ValueError):
        return None


def answer_by(marks: Marks | None, answers: Answers) -> Answers:
    """Answer by marks what a person has not said: the columns of roles that one column has."""
    known: dict[Role | None, str] = {
        Role(role): name for name, role in (marks.roles if marks else {}).items() if role in set(Role)
    }
    roles = {role: name for role, name in known.items() if role not in SHARED_ROLES}
    return answers._replace(roles={**roles, **answers.roles})


def apply_marks(guessed: GuessedModel, marks: Marks | None) -> GuessedModel:
    """Put what marks say of the columns in the place of guesses."""
    if marks is None:
        return guessed
    columns = [_marked(column, marks) for column in guessed.columns]
    return replace(guessed, columns=(*columns, *_dropped(guessed, marks)))


def _marked(column: GuessedColumn, marks: Marks) -> GuessedColumn:
    role = marks.roles.get(column.name, "feature" if marks.roles else None)
    if role in set(Role):
        column = replace(column, role=Role(role), reason="", others=())
    if column.role in {Role.ID, Role.TRACE}:
        column = replace(column, type=ColumnType.STRING)
    done = marks.protected.get(column.name)
    if done is None:
        return replace(column, personal=None, suspicion="")
    kind = ColumnType.STRING if done is Protection.HASHED else column.type
    return replace(column, type=kind, personal=_TREATED.get(done), reason=_SAID[done], is_answered=True, suspicion="")


def _dropped(guessed: GuessedModel, marks: Marks) -> Iterator[GuessedColumn]:
    there = {column.name for column in guessed.columns}
    for name, done in marks.protected.items():
        if done is Protection.DROPPED and name not in there:
            yield GuessedColumn(
                name=name,
                arrow="",
                type=ColumnType.STRING,
                personal=PersonalData.DROP,
                reason=_SAID[done],
                is_answered=True,
            )
