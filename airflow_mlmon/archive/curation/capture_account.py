"""Account of what capture says of a day: the rows that the service logged, and those of them that the archive lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_mlmon.capture.marks import SIDECARS, LostRows, Marks, read_lost, read_marks
from airflow_mlmon.storage import ObjectStore

_LOST, _CLOSED = "lost-", "closed-"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureAccount:
    """Account of the captured rows of a day.

    Attributes:
        files: Captured files.
        rows: Their rows.
        processes: Processes that wrote them, or have lost rows.
        dropped: Rows that were dropped, by reason.
        killed: Processes that were killed and are accounted for.
        lost: Rows that died with them.
        missing: Rows that are numbered, and in no file so far.
        silent: Processes without an orderly end that have written nothing since.
        unknown: Rows that these may have lost at most.
        refused: Values that could not be kept, beside those that the files themselves name, by column and reason.
        problems: What of the sidecars cannot be read.
        sidecars: Sidecars that were read, by name.
    """

    files: int = 0
    rows: int = 0
    processes: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    killed: int = 0
    lost: int = 0
    missing: int = 0
    silent: int = 0
    unknown: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    sidecars: tuple[str, ...] = ()

    @property
    def lacking(self) -> int:
        """Rows that the service logged and the archive lacks."""
        return sum(self.dropped.values()) + self.lost + self.missing

    @property
    def losses(self) -> dict[str, int]:
        """Rows that the archive lacks, by the reason in words."""
        losses = {f"dropped by capture ({reason})": count for reason, count in sorted(self.dropped.items())}
        losses["lost by capture with a process that was killed"] = self.lost
        losses["logged by the service, and in no file so far"] = self.missing
        return {reason: count for reason, count in losses.items() if count}

    @property
    def note(self) -> str:
        """What is not known, in words; empty if all is."""
        said = [f"capture: {problem}" for problem in self.problems]
        if self.silent:
            whose = "1 process has" if self.silent == 1 else f"{self.silent} processes have"
            said.append(
                f"capture: {whose} neither ended in order nor written since: unknown, at most {self.unknown:,} rows "
                "are lost"
            )
        return "; ".join(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSidecars:
    """Sidecars of a day that are of no file: what killed processes lost, and last words of others.

    `problems` say which of them cannot be read.
    """

    names: tuple[str, ...] = ()
    lost: tuple[LostRows, ...] = ()
    closed: tuple[Marks, ...] = ()
    problems: tuple[str, ...] = ()


def is_of_process(uri: str) -> bool:
    """Return whether an object is a sidecar of a process.

    >>> is_of_process("a/dt=1/_capture/lost-0f.json"), is_of_process("a/dt=1/_capture/x.jsonl.json")
    (True, False)
    """
    *_, folder, name = ["", *uri.split("/")][-2:]
    return folder == SIDECARS and name.startswith((_LOST, _CLOSED)) and name.endswith(".json")


def read_sidecars(store: ObjectStore, uris: Iterable[str]) -> CaptureSidecars:
    """Read the sidecars of processes among the objects of a day."""
    found = sorted(filter(is_of_process, uris))
    lost, closed, problems = [], [], []
    for uri in found:
        name, text = uri.rpartition("/")[2], store.read(uri)
        try:
            if name.startswith(_LOST):
                lost.append(read_lost(text))
            else:
                closed.append(read_marks(text))
        except ValueError as error:
            problems.append(f"{name} cannot be read: {error}")
    names = tuple(uri.rpartition("/")[2] for uri in found)
    return CaptureSidecars(names=names, lost=tuple(lost), closed=tuple(closed), problems=tuple(problems))


def account_for_capture(
    captured: Sequence[Mapping[str, Any]], sidecars: CaptureSidecars, beside: Collection[str], later: Collection[str]
) -> CaptureAccount | None:
    """Add up the marks of a day; None if none of its files is captured.

    Args:
        captured: marks of the day's files.
        sidecars: the sidecars of processes.
        beside: names of the files of the days around it.
        later: names of files and sidecars of the day after.
    """
    if not captured and not sidecars.names:
        return None
    marks = [*captured, *({"process": one.process, **_marks_of(one)} for one in sidecars.closed)]
    by_process: dict[str, list[Mapping[str, Any]]] = {}
    for one in marks:
        by_process.setdefault(one["process"], []).append(one)
    dropped: Counter[str] = Counter()
    for counts in (*(one["dropped"] for one in marks), *(one.dropped for one in sidecars.lost)):
        dropped.update(counts)
    heard = {process_of(name) for name in later} | {one.process for one in sidecars.lost}
    silent = {
        process: max(one["bound"] for one in own)
        for process, own in by_process.items()
        if process not in heard and not any(one["closing"] for one in own)
    }
    return CaptureAccount(
        files=len(captured),
        rows=sum(one["rows"] for one in captured),
        processes=len(by_process.keys() | {one.process for one in sidecars.lost}),
        dropped=dict(sorted(dropped.items())),
        killed=len(sidecars.lost),
        lost=sum(one.lost for one in sidecars.lost),
        missing=sum(_count_missing(process, own, beside) for process, own in by_process.items()),
        silent=len(silent),
        unknown=sum(silent.values()),
        refused=dict(sum((values_of(one.refused) for one in sidecars.closed), Counter())),
        problems=sidecars.problems,
        sidecars=sidecars.names,
    )


def values_of(refused: Mapping[str, int]) -> Counter[str]:
    """Return the values that capture could not keep, by column and reason; one for which no column is declared is none.

    >>> values_of({"amount is not a number": 4, "unknown_feature": 9})
    Counter({'amount is not a number': 4})
    """
    return Counter({reason: values for reason, values in refused.items() if " " in reason})


def account_for_losses(captured: Sequence[Mapping[str, Any]], sidecars: CaptureSidecars) -> CaptureAccount | None:
    """Add up what is known to be lost of rows whose days are not those of one folder; None if nothing is."""
    dropped: Counter[str] = Counter()
    for marks in captured:
        dropped.update(marks["dropped"])
    for one in sidecars.closed:
        dropped.update(one.dropped)
    for killed in sidecars.lost:
        dropped.update(killed.dropped)
    lost = sum(one.lost for one in sidecars.lost)
    return CaptureAccount(dropped=dict(dropped), killed=len(sidecars.lost), lost=lost) if dropped or lost else None


def _marks_of(marks: Marks) -> dict[str, Any]:
    return {name: getattr(marks, name) for name in ("first", "last", "rows", "dropped", "bound", "closing")}


def _count_missing(process: str, marks: Sequence[Mapping[str, Any]], beside: Collection[str]) -> int:
    """Count the numbers between the files of a process that are in none, and were not said to be dropped.

    Files of several days may be written together; where one of another day begins in between, nothing is said.
    """
    elsewhere = [number for name in beside if process_of(name) == process for number in _first_of(name)]
    gaps, end = 0, None
    for first, last in sorted({(one["first"], one["last"]) for one in marks if one["rows"]}):
        if end is not None and first > end + 1 and not any(end < number < first for number in elsewhere):
            gaps += first - end - 1
        end = last if end is None else max(end, last)
    return max(gaps - sum(sum(one["dropped"].values()) for one in marks), 0)


def process_of(name: str) -> str:
    """Return the process that a file or sidecar is of, by its name.

    >>> process_of("0f3a-000000000007.parquet"), process_of("lost-0f3a.json")
    ('0f3a', '0f3a')
    """
    plain = name.rpartition("/")[2].partition(".")[0]
    for beginning in (_LOST, _CLOSED):
        if plain.startswith(beginning):
            return plain.removeprefix(beginning)
    return plain.rpartition("-")[0]


def _first_of(name: str) -> Iterator[int]:
    number = name.rpartition("/")[2].partition(".")[0].rpartition("-")[2]
    if number.isdecimal():
        yield int(number)
