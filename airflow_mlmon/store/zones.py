"""Zone of the stored days of a model, for checks of a spec."""

from __future__ import annotations

from contextlib import closing

from airflow_mlmon.store import pins
from airflow_mlmon.store.database import Database
from airflow_mlmon.store.migration import is_current


def read_day_zone(url: str, model: str) -> str | None:
    """Read the zone of a model's stored days, from a store that is neither created nor upgraded.

    Returns:
        None if there are no days, or if the store was written by an earlier release.

    Raises:
        NotFoundError: the store does not exist.
        ServiceError: the database cannot be reached, or refuses the request.
    """
    with closing(Database(url, must_exist=True)) as database:
        if not is_current(database):
            return None
        with database.reading() as connection:
            return pins.day_zone(connection, model)
