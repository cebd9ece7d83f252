"""Layout of an archive: the objects that belong to a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import NamedTuple

from airflow_mlmon.partition import Partition
from airflow_mlmon.spec.archives import Predictions
from airflow_mlmon.storage import ObjectStore, StoredObject, is_hidden


class ListedFile(NamedTuple):
    """Listed object that is data, and the columns whose values its path gives."""

    item: StoredObject
    values: Mapping[str, str | None] = MappingProxyType({})


class PassedOver(NamedTuple):
    """Listed object that is no data."""

    uri: str
    reason: str


class Listing(NamedTuple):
    """Objects of a day."""

    files: tuple[ListedFile, ...]
    passed_over: tuple[PassedOver, ...] = ()
    folders: tuple[str, ...] = ()


def format_day_folder(path: str, day: date) -> str:
    """Return the folder of one day, ending in a slash, so that dt=2013-03-1 does not match dt=2013-03-10.

    >>> format_day_folder("s3://b/dt={date}", date(2013, 3, 8))
    's3://b/dt=2013-03-08/'
    """
    folder = path.format(date=day.isoformat(), year=f"{day:%Y}", month=f"{day:%m}", day=f"{day:%d}")
    return folder.rstrip("/") + "/"


def list_day(store: ObjectStore, predictions: Predictions, partition: Partition) -> Listing:
    """List the objects of a day."""
    return list_below(store, format_day_folder(predictions.path, partition.day))


def list_below(store: ObjectStore, path: str) -> Listing:
    """List the objects below a folder."""
    folder = path.rstrip("/") + "/"
    found = store.list(folder)
    return Listing(
        files=tuple(ListedFile(item) for item in found if not is_hidden(item.uri)),
        passed_over=tuple(PassedOver(item.uri, "marker or hidden") for item in found if is_hidden(item.uri)),
        folders=(folder,),
    )
