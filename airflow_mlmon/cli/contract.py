"""`mlmon contract import`: take the schema and quality of a data contract over as the checks of a spec."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.documents import read_text
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.loading import parse_spec
from airflow_mlmon.quality.contract import ContractChecks, LeftOut, fit_to_spec, read_contract
from airflow_mlmon.reports.wording import name_text
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.choices import Severity
from airflow_mlmon.spec.quality import Check

_LONGEST = 120


def import_contract(call: Call, *, path: str, spec: ModelSpec | None, table: str | None, write: bool) -> bool:
    """Print the checks of a contract as the section `quality` of a spec, or add it to a spec that has none.

    Returns:
        Whether any part of the contract was carried.

    Raises:
        ConfigError: it is no contract of a known version, or the spec cannot take its checks.
    """
    if write and spec is None:
        raise ConfigError("--write adds the checks to a spec.", hint="name it with --spec")
    found = read_contract(read_text(Path(path)), path, table)
    if spec is not None:
        found = fit_to_spec(found, spec)
    _check_expectations([one.check for one in found.carried])
    text = "\n".join(_section(found, path)) + "\n"
    if write and spec is not None and found.carried:
        _add_to_spec(spec, text)
    if call.as_json:
        print_json(_content(found, path, is_written=write and bool(found.carried)))
    elif not write:
        open_output().write(text)
    else:
        open_output().write(f"{len(found.carried)} checks were added to {spec.file if spec else ''}\n")
    for one in found.left_out:
        sys.stderr.write(f"{path}:{one.line}: not carried: {_shown(one)}\n")
    return bool(found.carried)


def _check_expectations(checks: list[Check]) -> None:
    from airflow_mlmon.quality.great_expectations import check_arguments  # noqa: PLC0415 - takes seconds

    check_arguments(checks)


def _shown(one: LeftOut) -> str:
    return f"{name_text(one.where, _LONGEST)}: {name_text(one.reason, _LONGEST)}"


def _section(found: ContractChecks, path: str) -> Iterator[str]:
    of, table = name_text(Path(path).name, _LONGEST), name_text(found.table, _LONGEST)
    yield f"# Checks of the data contract {of}, table {table}."
    yield "# Those that must stop a day need `severity: blocking`, which a person decides."
    for one in found.left_out:
        yield f"# line {one.line}, not carried: {_shown(one)}"
    if not found.carried:
        yield "quality: []"
        return
    yield "quality:"
    for carried in found.carried:
        yield f"  # line {carried.line}"
        entry = yaml.safe_dump([_entry(carried.check)], sort_keys=False, allow_unicode=True, width=10**6)
        yield from (f"  {line}" for line in entry.splitlines())


def _entry(check: Check) -> dict[str, Any]:
    entry: dict[str, Any] = {"expectation": check.expectation}
    if check.column is not None:
        entry["column"] = check.column
    if check.arguments:
        entry["arguments"] = check.arguments
    if check.severity is not Severity.WARNING:
        entry["severity"] = check.severity.value
    return entry


def _add_to_spec(spec: ModelSpec, section: str) -> None:
    """Add the section to the text of a spec, whose comments stay.

    Raises:
        ConfigError: the spec has checks already, or would be none with these.
    """
    if spec.quality is not None:
        raise ConfigError(
            f"{spec.file}: quality: the spec has checks of its own.",
            hint="leave out --write, and copy what is wanted",
        )
    text = read_text(Path(spec.file))
    joined = text + ("" if text.endswith("\n") else "\n") + section
    parse_spec(joined, spec.file)
    Path(spec.file).write_text(joined, encoding="utf-8")


def _content(found: ContractChecks, path: str, *, is_written: bool) -> dict[str, Any]:
    return {
        "contract": path,
        "table": found.table,
        "written": is_written,
        "quality": [_entry(one.check) | {"line": one.line} for one in found.carried],
        "not_carried": [{"line": one.line, "where": one.where, "reason": one.reason} for one in found.left_out],
    }
