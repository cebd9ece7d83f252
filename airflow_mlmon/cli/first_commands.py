"""Arguments of the first commands on an archive: `mlmon init` and `mlmon check`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_mlmon.cli.arguments import add_command, add_places, settings_of
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.partition import parse_day

if TYPE_CHECKING:
    from airflow_mlmon.pipeline.inspection import Inspection
    from airflow_mlmon.spec import ModelSpec

_BAD_DATA, _BAD_CALL = 1, 2

_CHECK_EPILOG = """exit codes:
  0  the specs have no mistakes; with --data, a run of the day would end as OK or PARTIAL
  1  with --data, the day, or the reference, cannot be used
  2  an argument or a spec is wrong

--data reads one day, the newest delivery of labels and the reference as a run does, and keeps nothing.
Access to S3: the spec's Airflow connection or the default credentials of boto3."""


def add_first_commands(commands: argparse._SubParsersAction) -> None:  # type: ignore[type-arg]
    """Add `mlmon check` and `mlmon init`."""
    check = add_command(commands, "check", _check, "validate specs and list mistakes with file, line and key")
    check.epilog = _CHECK_EPILOG
    check.add_argument("spec", nargs="+", help="spec file")
    check.add_argument("--data", action="store_true", help="also read one day, the labels and the reference")
    check.add_argument("--partition", metavar="DAY", help="day to read, YYYY-MM-DD (default: the newest with files)")
    add_places(check)
    init = add_command(commands, "init", _init, "draft a commented spec from a sample of the archive")
    init.add_argument("data", help="file, folder or glob of any format; local, s3://, abfs:// or gs://")
    init.add_argument("--labels", metavar="PATH", help="labels in files of their own: file, folder or glob")
    init.add_argument("--reference", metavar="PATH", help="reference: file, folder or glob")
    init.add_argument("--output", metavar="FILE", help="file to write (default: standard output)")
    init.add_argument("--model", metavar="NAME", help="name of the model (default: from the path)")


def _check(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.check import check_specs  # noqa: PLC0415 - heavy

    if parsed.partition and not parsed.data:
        raise ConfigError("--partition is of use only with --data.", hint="add --data")
    day = parse_day(parsed.partition) if parsed.partition else None
    settings, today = settings_of(parsed), datetime.now(UTC).date()
    found: list[Inspection] = []

    def inspect(spec: ModelSpec) -> Inspection:
        from airflow_mlmon.cli.findings import inspect_spec  # noqa: PLC0415 - heavy

        found.append(inspect_spec(spec, settings, day, today))
        return found[-1]

    is_sound = check_specs(
        parsed.spec, as_json=parsed.json, settings=settings, inspect=inspect if parsed.data else None
    )
    if not is_sound:
        return _BAD_CALL
    return 0 if all(one.is_good for one in found) else _BAD_DATA


def _init(parsed: argparse.Namespace) -> int:
    from airflow_mlmon.cli.init import write_draft  # noqa: PLC0415 - heavy

    write_draft(
        parsed.data,
        parsed.output,
        datetime.now(UTC).date(),
        parsed.model,
        labels=parsed.labels,
        reference=parsed.reference,
    )
    return 0
