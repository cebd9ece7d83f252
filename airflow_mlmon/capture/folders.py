"""Folders of the archive: in which one a row lies, by the placeholders of the archive's path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from fnmatch import fnmatchcase
from urllib.parse import quote
from zoneinfo import ZoneInfo

from airflow_mlmon.capture.schema import CapturedColumn, CaptureError, CaptureSchema

OF_TIME = ("date", "year", "month", "day", "hour")
# as Hive, Spark and Trino write a missing value
_NULL = "__HIVE_DEFAULT_PARTITION__"
_PART = re.compile(r"{([^}]*)}")
_WITH_ENDING = re.compile(r"[^/]*\.[A-Za-z][^/]*")
_SAMPLE = "0123456789ab-000000000001.{format}"
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
# bytes of the name of a folder, of which file systems take 255
_LONGEST = 200
_MINUTE = 60_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def read_zone(name: str) -> tzinfo:
    """Read the name of a time zone, or an offset such as +01:00.

    Raises:
        CaptureError: this machine knows no such zone.
    """
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-offset if found[1] == "-" else offset)
    if name == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise CaptureError(f"{name!r} is no time zone of this machine; is the package tzdata missing?") from error


class ArchivePath:
    """Path of an archive, with a root and the folder of each row below it.

    Attributes:
        root: what lies before the first placeholder, up to a slash.
        columns: columns among the placeholders, whose values the path gives.
    """

    def __init__(self, schema: CaptureSchema, root: str | None = None) -> None:
        begin = _PART.split(schema.path, maxsplit=1)[0].split("*", maxsplit=1)[0]
        own = f"{begin.rstrip('/')}/" if begin == schema.path else "".join(begin.rpartition("/")[:2])
        self.root = f"{root.rstrip('/')}/" if root else own or "./"
        if begin == schema.path and _WITH_ENDING.fullmatch(begin.rpartition("/")[2]):
            raise _names_one_file(schema)
        self._template = _folder_of(schema.path.removeprefix(own).removeprefix(own.rstrip("/")), schema)
        self.columns = tuple(dict.fromkeys(name for name in _PART.findall(self._template) if name not in OF_TIME))
        self._zone = read_zone(schema.path_zone)
        self._of_minute: dict[int, str] = {}

    def folder_of(self, microseconds: int) -> str:
        """Return the folder of a moment since 1970, with the placeholders of columns; the root itself is empty."""
        minute = microseconds // _MINUTE
        if (found := self._of_minute.get(minute)) is None:
            at = (EPOCH + timedelta(minutes=minute)).astimezone(self._zone)
            found = self._fill(at)
            if len(self._of_minute) > 10_000:  # noqa: PLR2004 - a week of minutes
                self._of_minute.clear()
            self._of_minute[minute] = found
        return found

    def folder_at(self, moment: datetime) -> str:
        """Return the folder of a moment in which a file of no rows lies: columns in the path are missing values."""
        folder = self.folder_of((moment - EPOCH) // timedelta(microseconds=1))
        return self.with_values(folder, dict.fromkeys(self.columns))

    def _fill(self, at: datetime) -> str:
        texts = {
            "date": f"{at.year:04d}-{at.month:02d}-{at.day:02d}",
            "year": f"{at.year:04d}",
            "month": f"{at.month:02d}",
            "day": f"{at.day:02d}",
            "hour": f"{at.hour:02d}",
        }
        return _PART.sub(lambda found: texts.get(found[1], found[0]), self._template)

    @staticmethod
    def with_values(folder: str, values: Mapping[str, str | None]) -> str:
        """Return a folder with the values of its columns, as `to_folder_name` writes them."""
        return _PART.sub(lambda found: to_folder_name(values[found[1]]), folder) if values else folder


def to_folder_name(value: str | None) -> str:
    """Write the text of a value as a part of a path that no other value has.

    >>> to_folder_name("a/b"), to_folder_name(".."), to_folder_name(None)
    ('a%2Fb', '%2E.', '__HIVE_DEFAULT_PARTITION__')
    """
    if value is None:
        return _NULL
    text = quote(value, safe=" =:+,@")
    # neither hidden, nor the folder above, nor a missing value
    return f"%{ord(text[0]):02X}{text[1:]}" if text[:1] in (".", "_") else text


def is_folder_name(value: str) -> bool:
    """Return whether a value can be a part of a path."""
    return 0 < len(to_folder_name(value)) <= _LONGEST


def _folder_of(below: str, schema: CaptureSchema) -> str:
    """Return the path below the root as that of a folder, with a slash at its end unless it is empty."""
    if below and not below.endswith("/"):
        folder, _, last = below.rpartition("/")
        if "*" in last and fnmatchcase(_SAMPLE.format(format=schema.format), last):
            below = folder
        elif _WITH_ENDING.fullmatch(_PART.sub("", last)):
            raise _names_one_file(schema)
    if "*" in below:
        raise CaptureError(f"path {schema.path}: * may be any text; give capture the path to write to, without one")
    for name in _PART.findall(below):
        if name not in OF_TIME:
            _check_column(name, schema.columns.get(name), schema)
    return f"{below.strip('/')}/" if below.strip("/") else ""


def _names_one_file(schema: CaptureSchema) -> CaptureError:
    return CaptureError(
        f"path {schema.path}: names one file; capture writes many. Name their folder, such as …/dt={{date}}/"
    )


def _check_column(name: str, column: CapturedColumn | None, schema: CaptureSchema) -> None:
    if column is None:
        raise CaptureError(f"path {schema.path}: {{{name}}} is neither a part of the time nor a column of the spec")
    if column.personal == "drop" or column.type in ("vector", "label"):
        raise CaptureError(f"path {schema.path}: the column {name} cannot be a part of the path")
