"""`mlmon evidence`: make, verify and list evidence bundles."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.fleet import BundleEntry
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.evidence_bundle.differences import compare_bundles
from airflow_mlmon.pipeline.evidence_bundle.make import MadeBundle, make_bundle
from airflow_mlmon.pipeline.evidence_bundle.signature import read_private_key, read_public_key
from airflow_mlmon.pipeline.evidence_bundle.verify import Verification, verify_bundle
from airflow_mlmon.reports.bundle import group_gaps, range_text
from airflow_mlmon.spec import ModelSpec


def make_evidence(
    call: Call,
    *,
    spec: ModelSpec,
    first: date,
    last: date,
    output: Path,
    key: Path | None,
    why: str,
    is_held: bool,
    who: str,
) -> None:
    """Write the bundle of a range of days, register it, and print its head and what it lacks."""
    sign = None if key is None else read_private_key(key).sign
    with open_run(spec, call.settings, must_exist=True) as run:
        before = [entry for entry in run.store.bundles(spec.model) if (entry.first, entry.last) == (first, last)]
        made = make_bundle(run, first, last, output, sign)
        run.store.add_bundle(
            spec.model,
            BundleEntry(first=first, last=last, head=made.head, is_held=is_held, who=who, why=why, at=call.now),
        )
    gaps = group_gaps((gap.day, gap.what, gap.why) for gap in made.gaps)
    if call.as_json:
        lacks = [{"what": what, "why": cause, "days": [str(day) for day in days]} for what, cause, days in gaps]
        print_json(_content(made) | {"lacks": lacks, "signed": sign is not None})
        return
    out = open_output()
    out.write(f"{output}: {made.days} days, {made.deeds} acts of people\n")
    for what, cause, days in gaps:
        out.write(f"lacks {what} of {range_text(days)}: {cause}\n")
    if before:
        same = "the same head as" if before[-1].head == made.head else "another head than (--against says why)"
        out.write(
            f"{same} the bundle of these days by {line_text(before[-1].who)}, {before[-1].at:%Y-%m-%d %H:%M} UTC\n"
        )
    out.write(f"head {made.head}{'' if sign is None else ', signed'}\n")


def verify_evidence(call: Call, *, file: Path, public_key: Path | None, head: str, against: Path | None) -> bool:
    """Print what of a bundle does not follow from its chain; return True if all does and nothing differs."""
    key = None if public_key is None else read_public_key(public_key)
    found = verify_bundle(file, key=key, head=head)
    earlier = Verification() if against is None else verify_bundle(against, key=key)
    faults = [*found.faults, *(f"{against}: {fault}" for fault in earlier.faults)]
    differences = compare_bundles(file, against) if against is not None and not faults else []
    if call.as_json:
        about = {name: found.statement.get(name) for name in ("model", "first", "last")}
        print_json(
            {**about, "head": found.head, "faults": faults, "notes": list(found.notes), "differences": differences}
        )
        return not faults and not differences
    out = open_output()
    for line in (*faults, *differences, *found.notes):
        out.write(f"{line_text(line)}\n")
    if not faults:
        told = "; ".join(
            [
                f"{found.files} files follow from the chain",
                *(["signed by the owner of the key"] if key is not None else []),
                *([f"{len(differences) or 'no'} differences"] if against is not None else []),
            ]
        )
        out.write(f"{line_text(_range(found.statement))}: {told}; head {found.head}\n")
    return not faults and not differences


def list_evidence(call: Call, *, spec: ModelSpec) -> None:
    """Print the bundles that were made of a model."""
    with open_run(spec, call.settings, must_exist=True) as run:
        entries = run.store.bundles(spec.model)
    if call.as_json:
        for entry in entries:
            days = {"first": str(entry.first), "last": str(entry.last), "head": entry.head, "held": entry.is_held}
            print_json({**days, "who": entry.who, "why": entry.why, "at": entry.at.isoformat()})
        return
    for entry in entries:
        made = f"{entry.at:%Y-%m-%d %H:%M} UTC by {line_text(entry.who)}"
        why = f": {line_text(entry.why)}" if entry.why else ""
        open_output().write(f"{entry.first} to {entry.last}, made {made}{why}\n  head {entry.head}\n")


def _content(made: MadeBundle) -> dict[str, Any]:
    return {"file": str(made.path), "head": made.head, "days": made.days, "acts": made.deeds}


def _range(statement: Any) -> str:
    return f"{statement.get('model')}, {statement.get('first')} to {statement.get('last')}"
