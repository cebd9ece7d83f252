"""`mlmon pages`: write pages of stored days on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.errors import ConfigError
from airflow_mlmon.hooks.run import open_run
from airflow_mlmon.pipeline.pages.feature import featured_columns
from airflow_mlmon.pipeline.pages.pages import PAGE
from airflow_mlmon.pipeline.pages.report import write_against, write_features, write_model, write_pages
from airflow_mlmon.pipeline.run import Run
from airflow_mlmon.spec import ModelSpec
from airflow_mlmon.spec.metrics import DRIFT


def write_pages_again(
    call: Call, *, spec: ModelSpec, features: Sequence[str], day: date | None, other: date | None
) -> None:
    """Write the pages that are asked for, and print their addresses.

    Raises:
        ConfigError: a day to compare with is given without the day.
        NotFoundError: a day was not run, or there is no such column.
    """
    if other is not None and day is None:
        raise ConfigError("--against needs the day that is compared.", hint="add --partition")
    with open_run(spec, call.settings, must_exist=True) as run:
        for uri in _write(run, features, day, other):
            if call.as_json:
                print_json({"page": uri})
            else:
                open_output().write(f"{uri}\n")
            open_output().flush()


def _write(run: Run, features: Sequence[str], day: date | None, other: date | None) -> Iterator[str]:
    if features or day is None:
        yield from write_features(run, features or _shown(run))
        yield write_model(run)
    if day is not None and other is not None:
        yield write_against(run, run.partition(day), run.partition(other))
    elif day is not None:
        write_pages(run, [run.partition(day)])
        yield run.report_uri(str(day), PAGE)


def _shown(run: Run) -> list[str]:
    """Return the columns of which any day has a verdict on the drift, in the order of the spec."""
    last = run.store.last_evaluated_day(run.model)
    known = set(run.store.most_breached(run.model, DRIFT, date.min, last)) if last else set()
    return [column for column in featured_columns(run.spec) if column in known]
