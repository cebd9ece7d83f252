"""`mlmon baseline`: list, accept and compare baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from airflow_mlmon.baselines import BaselinePin
from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text, plain_table, print_table, versions_content
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.cli.windows import drift_table, verdict_content
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.evaluation.columns import evaluated
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.partition import parse_day
from airflow_mlmon.pipeline.baselines.accept import accept, next_day
from airflow_mlmon.pipeline.baselines.candidate import CandidateDrift, compare_candidate
from airflow_mlmon.pipeline.baselines.choose import ChosenBaseline
from airflow_mlmon.pipeline.baselines.in_force import BaselineEntry, EntryState, list_baselines
from airflow_mlmon.pipeline.baselines.write_back import write_back
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.baseline import Baseline, BaselineKind

_STYLES = {EntryState.IN_FORCE: "bold", EntryState.TO_COME: "", EntryState.REPLACED: "dim"}


def parse_baseline(options: Mapping[str, Any]) -> Baseline:
    """Parse the baseline from the options of a command, which are named as in a spec.

    >>> parse_baseline({"why": "retrained", "dates": None, "trailing": 28}).title()
    'the trailing 28 days'
    """
    given = {kind.value: options.get(kind) for kind in BaselineKind}
    # a zero is a given value too, and an invalid one
    asked = {name: value for name, value in given.items() if value is not None and value is not False}
    if len(asked) != 1:
        names = [f"--{kind.value.replace('_', '-')}" for kind in BaselineKind]
        raise ConfigError(
            f"{' and '.join(f'--{name}' for name in asked) or 'No baseline'} given.",
            hint=f"give one of {', '.join(names)}",
        )
    [(name, value)] = asked.items()
    if name == BaselineKind.DATES:
        first, last = (parse_day(text) for text in value)
        value = {"from": first, "to": last}
    try:
        return Baseline.model_validate({name: value})
    except ValidationError as error:
        found = error.errors()[0]
        cause = (found.get("ctx") or {}).get("error") or f"{found['msg'].lower()}, not {value}"
        raise ConfigError(f"--{name.replace('_', '-')}: {cause}.") from error


def show_baselines(call: Call, *, spec: ModelSpec) -> None:
    """Print the baseline of the spec and the accepted ones, the newest last."""
    with open_run(spec, call.settings) as run:
        day = next_day(run)
        entries = list_baselines(spec, run.store.baselines(spec.model), day)
    if call.as_json:
        for entry in entries:
            print_json(_entry(entry))
        return
    _print_lines([f"baselines of {spec.model} on {day}"])
    print_table(_history_table(entries))


def accept_baseline(
    call: Call,
    *,
    spec: ModelSpec,
    version: str | None,
    first: date | None,
    who: str,
    why: str,
    **options: Any,
) -> None:
    """Accept a baseline and print from which day it applies.

    Raises:
        MlmonError: the baseline is not accepted; the message gives the reason.
    """
    candidate = parse_baseline(options)
    with open_run(spec, call.settings) as run:
        before = list_baselines(spec, run.store.baselines(spec.model), next_day(run))
        pin = accept(run, candidate, version=version, first=first, who=who, why=why, at=call.now)
        problem = write_back(run)
    cancelled = [entry.pin.number for entry in before if entry.pin and _is_cancelled(entry, pin)]
    if call.as_json:
        print_json(_pin(pin) | {"cancels": cancelled} | ({"mlflow": problem} if problem else {}))
        return
    subject = f"version {line_text(version)} of {spec.model}" if version else spec.model
    lines = [f"From {pin.first} on, {subject} is compared with {candidate.title()}."]
    lines.append(f"Pin {pin.number}, accepted by {line_text(pin.who)}: {line_text(pin.why)}")
    if spec.baselines:
        own = ", ".join(line_text(name) for name in spec.baselines)
        lines.append(f"Columns with their own baseline in the spec keep it: {own}.")
    lines += [f"Pin {number} had not started yet and is cancelled." for number in cancelled]
    _print_lines([*lines, *([line_text(problem)] if problem else [])])


def _is_cancelled(entry: BaselineEntry, pin: BaselinePin) -> bool:
    """Return True for a future pin that is replaced before its first day."""
    is_later = entry.pin is not None and entry.pin.first >= pin.first
    return is_later and entry.state is EntryState.TO_COME and entry.version == pin.version


def show_candidate(call: Call, *, spec: ModelSpec, version: str | None, **options: Any) -> bool:
    """Print the drift between a candidate and the baseline in force; return True if both have days.

    Raises:
        MlmonError: the spec has changed since its profile schema was pinned, or has no versions.
    """
    with open_run(spec, call.settings) as run:
        found = compare_candidate(run, parse_baseline(options), version)
    answered = bool(found.before.facts.days and found.after.facts.days)
    if call.as_json:
        print_json(_difference(found, version))
        return answered
    by = f", accepted by {line_text(found.held.pin.who)}" if found.held.pin else ""
    _print_lines([f"in force:  {_side(found.before)}{by}", f"candidate: {_side(found.after)}"])
    if answered:
        print_table(drift_table(found.columns, found.verdicts))
    _print_lines(_remarks(found))
    return answered


def _side(side: ChosenBaseline) -> str:
    facts = side.facts
    return f"{facts.title}: {len(facts.days)} of {facts.asked} days, {side.profile.rows:,} rows"


def _remarks(found: CandidateDrift) -> list[str]:
    held = len(evaluated(found.verdicts))
    lines = [
        f"{found.drifted} of {held} columns have drifted from the baseline in force, by sampling error only."
        if held
        else "No column could be evaluated."
    ]
    if found.own:
        own = ", ".join(f"{line_text(name)} ({baseline.title()})" for name, baseline in found.own.items())
        lines.append(f"Not compared, because they have their own baseline in the spec: {own}.")
    if found.evidence.shortage:
        lines.append(f"The candidate cannot be accepted yet: {found.evidence.shortage}")
    return lines


def _history_table(entries: list[BaselineEntry]) -> Table:
    table = plain_table()
    table.add_column("pin", justify="right", no_wrap=True)
    for heading in ("of", "baseline", "from", "state", "accepted by", "on", "why"):
        table.add_column(heading, no_wrap=heading in {"from", "state", "on"})
    for entry in entries:
        pin = entry.pin
        cells = ["", entry.state, "the spec", "", ""]
        if pin:
            on = f"{pin.accepted_at:%Y-%m-%d}"
            cells = [pin.first.isoformat(), entry.state, line_text(pin.who), on, line_text(pin.why)]
        # Text, because user names may look like rich markup
        table.add_row(
            Text(str(pin.number) if pin else ""),
            *(Text(cell) for cell in (_subject(entry), entry.baseline.title(), *cells)),
            style=_STYLES[entry.state],
        )
    return table


def _subject(entry: BaselineEntry) -> str:
    if entry.column is not None:
        return f"column {line_text(entry.column)}"
    return "the model" if entry.version is None else f"version {line_text(entry.version)}"


def _entry(entry: BaselineEntry) -> dict[str, Any]:
    pinned = _pin(entry.pin) if entry.pin else dict.fromkeys(("number", "first", "who", "why", "accepted_at"))
    return pinned | {
        "version": entry.version,
        "column": entry.column,
        "baseline": entry.baseline.to_dict(),
        "title": entry.baseline.title(),
        "state": entry.state,
    }


def _pin(pin: BaselinePin) -> dict[str, Any]:
    return {
        "number": pin.number,
        "version": pin.version,
        "baseline": pin.baseline.to_dict(),
        "title": pin.baseline.title(),
        "first": pin.first.isoformat(),
        "who": pin.who,
        "why": pin.why,
        "accepted_at": pin.accepted_at.isoformat(),
    }


def _difference(found: CandidateDrift, version: str | None) -> dict[str, Any]:
    return {
        "day": found.day.isoformat(),
        "version": version,
        "in_force": _side_content(found.before) | {"pin": _pin(found.held.pin) if found.held.pin else None},
        "candidate": _side_content(found.after) | {"shortage": found.evidence.shortage or None},
        "drifted_columns": found.drifted,
        "columns": [
            {
                **verdict_content(column, found.verdicts.get(column.column)),
                "rows_in_force": column.rows_reference,
                "rows_candidate": column.rows_current,
            }
            for column in found.columns
        ],
        "own": {name: baseline.to_dict() for name, baseline in found.own.items()},
    }


def _side_content(side: ChosenBaseline) -> dict[str, Any]:
    return {
        "title": side.facts.title,
        "asked": side.facts.asked,
        "rows": side.profile.rows,
        "days": versions_content(side.facts.days),
    }


def _print_lines(lines: Sequence[str]) -> None:
    open_output().write("".join(f"{line}\n" for line in lines))
