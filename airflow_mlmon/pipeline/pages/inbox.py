"""Content of the inbox, from the store alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from airflow_mlmon.lifecycle.tracked_incidents import TrackedIncident, group_tracked
from airflow_mlmon.pipeline.pages.fleet import Fleet
from airflow_mlmon.records import Status
from airflow_mlmon.reports.fleet import PAGE_ROWS, FleetRow, ModelStatus, page_numbers
from airflow_mlmon.reports.inbox import InboxPage
from airflow_mlmon.store.metric_store import MetricStore

_ABSENT = frozenset({ModelStatus.SILENT, ModelStatus.BROKEN, ModelStatus.FAILED})
_WITHOUT_DATA = frozenset({Status.NO_DATA, Status.QUARANTINED})


def inbox_page(
    store: MetricStore, fleet: Fleet, number: int = 1, *, tokens: Mapping[str, str] | None = None
) -> InboxPage:
    """Collect one page of the inbox of some models.

    Args:
        store: the metric store.
        fleet: the models.
        number: number of the page.
        tokens: by model, the token of the forms of who may act on it.
    """
    names = [row.model for row in fleet.rows]
    incidents = group_tracked(store.unresolved_alerts(names))
    shown = incidents[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    return InboxPage(
        incidents=tuple(_with_messages(store, shown)),
        total=len(incidents),
        absent=tuple(row for row in fleet.rows if is_absent(row)) if number == 1 else (),
        undelivered=tuple(store.undelivered(names)) if number == 1 else (),
        at=fleet.at,
        number=number,
        pages=page_numbers(incidents),
        tokens=tokens or {},
    )


def is_absent(row: FleetRow) -> bool:
    """Return whether a model has no results of its last day: it is silent, has failed, is broken or has no data."""
    has_no_data = row.evaluated is not None and row.evaluated.status in _WITHOUT_DATA
    return row.status in _ABSENT or (row.status is not ModelStatus.INACTIVE and has_no_data)


def _with_messages(store: MetricStore, incidents: Iterable[TrackedIncident]) -> list[TrackedIncident]:
    incidents = list(incidents)
    sent = store.last_messages([(one.model, name) for one in incidents for name in one.fingerprints])
    return [
        replace(
            one,
            message=max(
                (sent[one.model, name] for name in one.fingerprints if (one.model, name) in sent),
                key=lambda message: message.at,
                default=None,
            ),
        )
        for one in incidents
    ]
