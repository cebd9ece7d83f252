"""`mlmon forget`: take back a day that was run by mistake."""

from __future__ import annotations

from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import line_text
from airflow_mlmon.cli.prune import size_text
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.history.forget import Forgotten, forget_day
from airflow_mlmon.spec import ModelSpec


def forget(call: Call, *, spec: ModelSpec, day: date, who: str, why: str) -> None:
    """Remove a day from store, workspace, pages and Druid, and print what was removed and what is left to do.

    Raises:
        StateError: a baseline or the reference rests on the day; nothing is removed.
        NotFoundError: nothing is stored of the day.
    """
    with open_run(spec, call.settings, must_exist=True) as run:
        found = forget_day(run, run.partition(day), who=who, why=why, at=call.now)
    if call.as_json:
        print_json(_content(found))
    else:
        open_output().write("".join(f"{line_text(line)}\n" for line in _lines(found, spec.file)))


def _content(found: Forgotten) -> dict[str, object]:
    stored, state = found.stored, found.stored.state
    return {
        "model": found.partition.model,
        "partition": found.partition.key,
        "status": state.status if state else None,
        "version": state.version if state else None,
        **{name: getattr(stored, name) for name in ("metrics", "verdicts", "checks", "alerts")},
        "messages_sent": stored.sent,
        "messages_withdrawn": stored.withdrawn,
        "history": [day.key for day in found.filled],
        "labels_kept": stored.keeps_labels,
        "files": found.files,
        "bytes": found.size,
        "druid": list(found.datasources),
        "evidence_bundles": found.bundles,
        "stale": [day.isoformat() for day in found.stale],
        "run_again": [day.isoformat() for day in found.refused],
    }


def _lines(found: Forgotten, spec_path: str) -> list[str]:
    stored = found.stored
    lines = [f"{found.partition} is forgotten: {stored.results}; {found.files:,} files ({size_text(found.size)})"]
    if found.filled:
        lines.append(f"{len(found.filled)} days that were profiled as its history alone went with it")
    if found.datasources:
        lines.append(f"Druid no longer serves it in {', '.join(found.datasources)}")
    if stored.sent:
        lines.append(f"{stored.sent} messages about it were sent before; nobody is told that it is taken back")
    if stored.labelled:
        lines.append(f"labels delivered on it stay: the performance of {stored.labelled} other days rests on them")
    if found.bundles:
        lines.append(f"{found.bundles} evidence bundles still have it, and differ from the store in it from now on")
    if found.stale:
        lines.append(
            f"verdicts of {len(found.stale)} days rested on it and are stale: mlmon evaluate {spec_path} "
            f"--from {found.stale[0]} --to {found.stale[-1]}"
        )
    if found.refused:
        lines.append(
            f"rows of {len(found.refused)} days were refused as accepted on it: mlmon backfill {spec_path} "
            f"--from {found.refused[0]} --to {found.refused[-1]}"
        )
    return lines
