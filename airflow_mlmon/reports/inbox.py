"""Content of the inbox: what somebody should look at, of all models, and its rendering to HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from airflow_mlmon.lifecycle.incidents import BY_ITSELF
from airflow_mlmon.lifecycle.states import worst
from airflow_mlmon.lifecycle.tracked import TrackedAlert
from airflow_mlmon.records import AlertState
from airflow_mlmon.reports.fleet import INBOX, FleetRow
from airflow_mlmon.reports.page import render_page
from airflow_mlmon.store.across_models import SentMessage, Undelivered

# of models without results, and of undelivered messages, on the first page
MOST_LISTED = 100
# from the state that needs somebody to the one that needs nobody
_STATES = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.MUTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedIncident:
    """Alerts of a model with one likely cause that have not resolved.

    Attributes:
        cause: Likely cause in words; for a single alert, its title.
        alerts: At least one, the cause first.
        message: Last message about any of them that arrived.
    """

    model: str
    cause: str
    alerts: tuple[TrackedAlert, ...]
    message: SentMessage | None = None

    @property
    def title(self) -> str:
        """Return the cause without its consequence."""
        return self.cause.partition(BY_ITSELF)[0]

    @property
    def consequence(self) -> str:
        """Return the expected consequence of the cause; empty if unknown."""
        return self.cause.removeprefix(self.title).strip(" ()")

    @property
    def severity(self) -> str:
        """Return the worst severity of its alerts."""
        return worst(alert.severity for alert in self.alerts)

    @property
    def state(self) -> AlertState:
        """Return open if any of its alerts is, else acknowledged if any is, else muted."""
        found = {AlertState.OPEN if alert.state not in _STATES else alert.state for alert in self.alerts}
        return next(state for state in _STATES if state in found)

    @property
    def since(self) -> date:
        """Return its first breaching day."""
        return min(alert.since for alert in self.alerts)

    @property
    def last_breached(self) -> date:
        """Return its last breaching day."""
        return max(alert.last_breached for alert in self.alerts)

    @property
    def days(self) -> int:
        """Return the number of breaching days of the alert that has most."""
        return max(alert.days for alert in self.alerts)

    @property
    def fingerprints(self) -> list[str]:
        """Return the fingerprints of its alerts."""
        return [alert.fingerprint for alert in self.alerts]

    @property
    def people(self) -> list[str]:
        """Return the people who acknowledged any of its alerts."""
        return sorted({alert.acknowledged_by for alert in self.alerts if alert.acknowledged_by})

    @property
    def muted_until(self) -> date | None:
        """Return the last day on which any of its alerts is muted."""
        return max((alert.muted_until for alert in self.alerts if alert.muted_until), default=None)


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
    sections = [(state, [one for one in page.incidents if one.state is state]) for state in _STATES]
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
