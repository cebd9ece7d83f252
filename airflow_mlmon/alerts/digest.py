"""Morning message of an owner: what is new, open, without results and resolved of all models of the owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from airflow_mlmon.alerts.breach import plain
from airflow_mlmon.alerts.message import Message

_MOST_LINES = 30
_LINE_LENGTH, _SUBJECT_LENGTH = 300, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLine:
    """One thing that a morning message says of a model.

    Attributes:
        kind: Severity of an incident, or status of a model without results.
        text: What it is, in words.
        href: Address of the page that shows it; empty if there is none.
    """

    model: str
    kind: str
    text: str
    href: str = ""

    @property
    def words(self) -> str:
        """Return the line in words."""
        words = plain(
            f"{self.kind}: {self.model}: {self.text}" if self.kind else f"{self.model}: {self.text}", _LINE_LENGTH
        )
        return f"{words} {self.href}" if self.href else words


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Content of a morning message.

    Attributes:
        owner: Owner of the models; empty for models without one.
        models: Number of models that it is about.
        new: Incidents that the last message did not have.
        open: The other open incidents.
        absent: Models that are silent, have failed, or whose specs cannot be loaded.
        resolved: What the last message had and is over.
        report: Address of the page of these models.
    """

    owner: str
    day: date
    models: int
    new: tuple[DigestLine, ...] = ()
    open: tuple[DigestLine, ...] = ()
    absent: tuple[DigestLine, ...] = ()
    resolved: tuple[str, ...] = ()
    report: str = ""

    @property
    def is_quiet(self) -> bool:
        """Return whether there is nothing to say."""
        return not (self.new or self.open or self.absent or self.resolved)


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestMessage(Message):
    """Morning message."""

    owner: str
    day: date

    @property
    def parts(self) -> tuple[str, ...]:
        """Return what a repeat of it has in common with it, and no other message."""
        return "digest", self.owner, self.day.isoformat()


def digest_message(digest: Digest, severity: str) -> DigestMessage:
    """Build the morning message; `severity` is the worst of its open incidents, or empty."""
    name = digest.owner or "models without an owner"
    subject = plain(f"[digest] {name} {digest.day}: {_summary(digest)}", _SUBJECT_LENGTH)
    text = "".join(f"{line}\n" for line in _lines(digest, name))
    return DigestMessage(
        owner=digest.owner,
        day=digest.day,
        severity=severity,
        subject=subject,
        text=text,
        payload={
            "digest": digest.day.isoformat(),
            "owner": digest.owner,
            "models": digest.models,
            "subject": subject,
            "text": text,
            "report": digest.report,
            **{name: list(map(_as_json, lines)) for name, lines in _sections(digest).items()},
            "resolved": list(digest.resolved),
        },
    )


def _summary(digest: Digest) -> str:
    counts = {
        "new": digest.new,
        "still open": digest.open,
        "without results": digest.absent,
        "resolved": digest.resolved,
    }
    return ", ".join(f"{len(found)} {name}" for name, found in counts.items() if found) or "nothing open"


def _sections(digest: Digest) -> dict[str, Sequence[DigestLine]]:
    return {"new": digest.new, "open": digest.open, "absent": digest.absent}


def _lines(digest: Digest, name: str) -> Iterator[str]:
    models = "1 model" if digest.models == 1 else f"{digest.models} models"
    yield plain(f"{name}: {models}, {_summary(digest)}", _LINE_LENGTH)
    titles = {"new": "New", "open": "Still open", "absent": "Without results"}
    for key, lines in _sections(digest).items():
        yield from _section(titles[key], [line.words for line in lines])
    yield from _section("Resolved", [plain(line, _LINE_LENGTH) for line in digest.resolved])
    if digest.report:
        yield ""
        yield f"all: {digest.report}"


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"- {line}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"- and {len(lines) - _MOST_LINES} more"


def _as_json(line: DigestLine) -> dict[str, Any]:
    return {"model": line.model, "kind": line.kind, "text": line.text, "report": line.href}
