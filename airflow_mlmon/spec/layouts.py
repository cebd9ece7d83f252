"""Spec keys of the layout of an archive: the paths of a day's files, and when a day is complete."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from airflow_mlmon.spec.section import Section
from airflow_mlmon.spec.stores import check_store
from airflow_mlmon.spec.zones import Zone

PLACEHOLDER = re.compile(r"{([^}]*)}")
OF_TIME = ("date", "year", "month", "day", "hour")
_DAY = {"year", "month", "day"}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Globs = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Ready(Section):
    """Signs that a day is complete; all that are given must be there."""

    marker: str | None = Field(
        default=None,
        description="Name of a file directly in the day's folder, such as _SUCCESS; if the path has {hour}, in the "
        "folder of every hour. `ready: _SUCCESS` is short for it.",
    )
    root: str | None = Field(
        default=None,
        description="Name of a file in the folder that holds all days, written after the end of the day.",
    )
    manifest: str | None = Field(
        default=None,
        description="Name of a manifest in the day's folder, which lists the files that must be there: JSON as of "
        "Redshift's UNLOAD or SageMaker, a JSON list, or one file per line.",
    )
    min_files: int | None = Field(default=None, ge=1, description="Smallest number of files of the day.")
    unchanged_minutes: float | None = Field(
        default=None, gt=0, description="Minutes since the last write of a file of the day, after its end."
    )

    @model_validator(mode="before")
    @classmethod
    def _in_short(cls, value: Any) -> Any:
        return {"marker": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for key in ("marker", "root", "manifest"):
            if (name := getattr(self, key)) is not None and (not name or "/" in name):
                raise ValueError(f"{key}: the name of a file, without folders")
        if self == Ready.model_construct():
            raise ValueError(
                "names no sign of a complete day; write one of marker, root, manifest, min_files, unchanged_minutes"
            )
        return self

    @property
    def names(self) -> frozenset[str]:
        """Names of files that are signs, and no data."""
        return frozenset(name for name in (self.marker, self.root, self.manifest) if name)


class Layout(Section):
    """Objects of an archive that belong to a day."""

    path: str | tuple[str, ...] = Field(
        description="Folder of one day's files, or one file a day; several in a list. {date} or {year} {month} {day} "
        "stand for the day, {hour} for each of its hours, the name of a declared column for any value of it, and * for "
        "any part of a name."
    )
    include: Globs = Field(
        default=(),
        description="Globs of the files to read, such as *.parquet, below the folder; with a slash of a path below it.",
    )
    exclude: Globs = Field(default=(), description="Globs of the files not to read.")
    path_zone: Zone | None = Field(
        default=None,
        description="Time zone of the days and hours in the path; by default UTC if it has {hour}, else `day_zone`.",
    )
    dates: Literal["path", "modified", "event"] = Field(
        default="path",
        description="What tells the day of a file: its path; when it was last written (modified); or the event times "
        "of its rows alone (event).",
    )
    written_within_hours: float | None = Field(
        default=None,
        ge=0,
        description="For dates: modified, files written so many hours after the end of a day still belong to it (0), "
        "and those of its first hours to the day before; for dates: event, hours between an event and the last write "
        "of its file at most (`wait_hours`).",
    )
    ready: Ready | None = Field(
        default=None,
        description="Signs that a day is complete; a text is the name of the marker file, such as _SUCCESS.",
    )
    wait_hours: float = Field(
        default=6, ge=0, description="Hours after the end of a day after which it is processed even without its marker."
    )

    @field_validator("path")
    @classmethod
    def _stored(cls, path: str | tuple[str, ...]) -> str | tuple[str, ...]:
        paths = (path,) if isinstance(path, str) else path
        if not paths:
            raise ValueError("names no path")
        if len({check_store(one).partition("://")[0] if "://" in one else "" for one in paths}) > 1:
            raise ValueError("the paths must be of one object store")
        return path

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths with placeholders."""
        return (self.path,) if isinstance(self.path, str) else self.path

    @property
    def written_within(self) -> float:
        """Hours after the end of a day within which its files are written, where their paths do not tell."""
        if self.written_within_hours is not None:
            return self.written_within_hours
        return self.wait_hours if self.dates == "event" else 0.0

    @property
    def deadline_hours(self) -> float:
        """Hours after the end of a day after which it is processed in any case."""
        return self.wait_hours if self.dates == "path" else max(self.wait_hours, self.written_within)


def check_layout(layout: Layout, columns: Collection[str]) -> None:
    """Check that each path names the day, if paths tell it, and that its other placeholders are columns."""
    if layout.dates == "path" and layout.written_within_hours is not None:
        raise ValueError("written_within_hours: is of use only with dates: modified or dates: event")
    for path in layout.paths:
        try:
            if layout.dates == "path":
                check_dated_path(path, columns)
            else:
                _check_placeholders(path, columns)
        except ValueError as error:
            raise ValueError(f"path: {error}") from error


def check_tables(layout: Layout) -> None:
    """Check that each path is the folder of a Delta table, whose log tells the day of each file."""
    if any(PLACEHOLDER.search(path) for path in layout.paths):
        raise ValueError("path: name the folder of the Delta table, without placeholders: its log tells the day")
    if layout.dates == "modified":
        raise ValueError("dates: of a Delta table path, for a partition by day, or event")


def check_dated_path(path: str, columns: Collection[str] = ()) -> str:
    """Check that a path names a day by {date}, or by {year}, {month} and {day}, in a supported store."""
    check_store(path)
    found = _check_placeholders(path, columns)
    if "date" not in found and not found >= _DAY:
        raise ValueError("the path must name the day: put {date}, or {year}, {month} and {day}, into it")
    return path


def _check_placeholders(path: str, columns: Collection[str]) -> set[str]:
    found = set(PLACEHOLDER.findall(path))
    if unknown := found - set(OF_TIME) - set(columns):
        valid = " ".join(f"{{{name}}}" for name in OF_TIME)
        also = " and the names of columns" if columns else ""
        raise ValueError(f"unknown placeholder {{{min(unknown)}}}; valid: {valid}{also}")
    return found
