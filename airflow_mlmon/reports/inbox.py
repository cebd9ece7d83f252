"""Content of the inbox: what somebody should look at, of all models, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from airflow_mlmon.lifecycle.tracked_incidents import OPEN_STATES, TrackedIncident
from airflow_mlmon.reports.fleet import INBOX, FleetRow
from airflow_mlmon.reports.page import render_page
from airflow_mlmon.store.across_models import Undelivered

# of models without results, and of undelivered messages, on the first page
MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxPage:
    """Content of one page of the inbox.

    Attributes:
        incidents: Incidents of this page: open, acknowledged, muted; the worst first.
        total: Number of incidents of all pages.
        absent: Models without results: silent, failed, with broken specs or without data; on the first page only.
        undelivered: Messages about alerts that did not arrive; on the first page only.
        at: Time of which the page is true.
        tokens: By model, the token of the forms of who may act on it; empty in a static file.
    """

    incidents: tuple[TrackedIncident, ...]
    at: datetime
    total: int = 0
    absent: tuple[FleetRow, ...] = ()
    undelivered: tuple[Undelivered, ...] = ()
    number: int = 1
    pages: int = 1
    tokens: Mapping[str, str] = field(default_factory=dict)


def render_inbox(page: InboxPage) -> str:
    """Render one page of the inbox."""
    sections = [(state, [one for one in page.incidents if one.state is state]) for state in OPEN_STATES]
    return render_page(
        "inbox.html.j2",
        page=page,
        sections=[(state, found) for state, found in sections if found],
        file=inbox_file(page.number),
        previous=inbox_file(page.number - 1),
        following=inbox_file(page.number + 1),
        MOST_LISTED=MOST_LISTED,
    )


def inbox_file(number: int) -> str:
    """Return the name of the file of a page of the inbox."""
    return INBOX if number <= 1 else INBOX.replace(".", f"-{number}.")
