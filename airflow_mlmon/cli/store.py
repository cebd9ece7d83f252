"""`mlmon store`: migrate the tables of the metric store, up and down."""

from __future__ import annotations

from contextlib import closing

from airflow_mlmon import __version__
from airflow_mlmon.cli.call import Call
from airflow_mlmon.cli.stream import open_output, print_json
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.migration import bring_to_head, list_migrations, read_revision, take_back
from airflow_mlmon.store.schema import SCHEMA_VERSION


def upgrade_store(call: Call) -> None:
    """Create or upgrade the tables, and print the schema before and now.

    Raises:
        ConfigError: the store was written by a later release.
        ServiceError: the database cannot be reached, or refuses.
    """
    with closing(Database(call.settings.store)) as database:
        before = read_revision(database)
        bring_to_head(database)
        content = {"store": database.shown, "before": before, "schema": SCHEMA_VERSION, "release": __version__}
    if call.as_json:
        print_json(content)
    else:
        was = "" if before == SCHEMA_VERSION else f", before {before or 'without tables'}"
        open_output().write(f"{content['store']}: schema {SCHEMA_VERSION} of airflow-mlmon {__version__}{was}\n")


def downgrade_store(call: Call, *, target: str, yes: bool) -> None:
    """Print the steps back to an earlier schema, and take them with `yes`.

    Raises:
        ConfigError: there is no such schema, or the store was written by a later release.
        NotFoundError: the store does not exist.
        ServiceError: the database cannot be reached, or refuses.
    """
    with closing(Database(call.settings.store, must_exist=True)) as database:
        steps = list_migrations(database, target)
        if yes:
            take_back(database, target)
        shown, schema = database.shown, read_revision(database)
    if call.as_json:
        taken = [{"schema": step.revision, "brought": step.brought, "taken_back": step.taken_back} for step in steps]
        print_json({"store": shown, "schema": schema, "steps": taken, "done": yes})
        return
    open_output().writelines(f"{step.revision}: {step.brought} {step.taken_back}\n" for step in steps)
    if yes:
        open_output().write(f"{shown}: schema {schema}. Install the release of that schema before anything opens it.\n")
    elif steps:
        open_output().write(f"{shown}: schema {schema}. --yes takes back these {len(steps)}; back it up first.\n")
    else:
        open_output().write(f"{shown}: schema {schema} already.\n")
