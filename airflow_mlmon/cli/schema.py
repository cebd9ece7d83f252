"""`mlmon schema show`: show the pinned profile schema of a model."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table
from rich.text import Text

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.output import open_console, plain_table, print_table
from airflow_mlmon.cli.stream import print_json
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.workspace.reference import StoredReference, latest_reference
from airflow_mlmon.profiles.schema import ColumnSchema
from airflow_mlmon.spec import ModelSpec

_DIGITS = 6


def show_schema(call: Call, *, spec: ModelSpec) -> None:
    """Print the pinned profile schema of the spec's model.

    Raises:
        NotFoundError: no schema has been pinned yet.
    """
    with open_run(spec, call.settings) as run:
        reference, is_current = latest_reference(run)
    if call.as_json:
        print_json(_content(reference, is_current=is_current))
        return
    console = open_console()
    console.print(
        f"profile schema {reference.schema.id} of {spec.model}: {len(reference.schema.columns)} columns, pinned from "
        f"{reference.profile.rows:,} rows {reference.period}",
        soft_wrap=True,
        markup=False,
    )
    if not is_current:
        console.print("The spec has changed since: the next run pins a new profile schema.", soft_wrap=True)
    print_table(_table(reference), console)


def _table(reference: StoredReference) -> Table:
    table = plain_table()
    for heading in ("column", "kind"):
        table.add_column(heading, no_wrap=heading == "kind")
    for heading in ("centre", "quantum", "vocabulary", "atoms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for column in reference.schema.columns:
        is_numeric = column.kind.is_numeric
        table.add_row(
            Text(column.name),
            _kind_text(column),
            f"{column.centre:.{_DIGITS}g}" if is_numeric else "",
            f"{column.quantum:.{_DIGITS}g}" if is_numeric else "",
            "" if is_numeric else str(len(column.vocabulary)),
            str(len(column.atoms)) if is_numeric else "",
        )
    return table


def _kind_text(column: ColumnSchema) -> str:
    if column.dimension is not None:
        return f"{column.kind} of {column.dimension}"
    return "integer" if column.integer else column.kind.value


def _content(reference: StoredReference, *, is_current: bool) -> dict[str, Any]:
    return {
        "model": reference.schema.model,
        "schema": reference.schema.id,
        "current": is_current,
        "reference": {
            "rows": reference.profile.rows,
            "days": len(reference.days),
            "first": reference.days[0].isoformat() if reference.days else None,
            "last": reference.days[-1].isoformat() if reference.days else None,
            "files": dict(reference.files),
        },
        "columns": [_column(column) for column in reference.schema.columns],
    }


def _column(column: ColumnSchema) -> dict[str, Any]:
    content = asdict(column)
    # category names stay in the workspace; the number of them is shown
    return content | {"vocabulary": len(column.vocabulary), "atoms": [column.centre + atom for atom in column.atoms]}
