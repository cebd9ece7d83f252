"""Content of a day's page on its rows by hour of event time."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsByHour:
    """Rows of a day by hour of event time.

    Attributes:
        picture: Chart of the rows by hour, with those expected if they are known.
        zone: Time zone of the hours.
        lack: Reason why nothing is expected; empty if the expected rows are drawn.
    """

    picture: Markup
    zone: str
    lack: str = ""
