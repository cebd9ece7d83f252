"""Pages of all models as static files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from airflow_mlmon.pipeline.pages.fleet import Fleet, arrange_page, fill_rows, read_fleet
from airflow_mlmon.pipeline.pages.inbox import inbox_page
from airflow_mlmon.reports.fleet import INBOX, PAGE_ROWS, FleetRow, FleetView, ViewKind, page_numbers, render_fleet
from airflow_mlmon.reports.inbox import inbox_file, render_inbox
from airflow_mlmon.storage import ObjectStore, join_uri
from airflow_mlmon.store.metric_store import MetricStore
from airflow_mlmon.tracing import TracedPool

_WRITERS = 8
# the name of a model has no hyphen, so nothing else in the folder begins so
_NAMES = tuple(f"{name}-" for name in (*ViewKind, INBOX.partition(".")[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFleet:
    """Pages of all models that were written.

    Attributes:
        uri: Address of the first of them.
        pages: Number of pages.
        models: Number of models by status, the worst first.
    """

    uri: str
    pages: int
    models: dict[str, int]


def write_fleet(store: MetricStore, files: ObjectStore, folder: str, now: datetime) -> WrittenFleet:
    """Write the pages of all models and the inbox, and delete those of selections that no model belongs to any more.

    Args:
        store: the metric store.
        files: object store of the reports.
        folder: folder of the reports.
        now: time against which models are late.
    """
    fleet = read_fleet(store, now)
    pages = {name: text.encode() for name, text in (*_fleet_pages(store, fleet), *_inbox_pages(store, fleet))}
    with TracedPool(_WRITERS) as pool:
        for _ in pool.map(lambda name: files.write(join_uri(folder, name), pages[name]), pages):
            pass
    for name in _NAMES:
        for stored in files.list(join_uri(folder, name)):
            last = stored.uri.rsplit("/", 1)[-1]
            if last not in pages and stored.uri == join_uri(folder, last):
                files.delete(stored.uri)
    first = FleetView().file()
    counts = {str(view.value): view.models for view in fleet.views(ViewKind.STATUS)}
    return WrittenFleet(uri=join_uri(folder, first), pages=len(pages), models=counts)


def _fleet_pages(store: MetricStore, fleet: Fleet) -> Iterator[tuple[str, str]]:
    filled: dict[str, FleetRow] = {}
    for at in range(0, len(fleet.rows), PAGE_ROWS):
        filled |= {row.model: row for row in fill_rows(store, fleet.rows[at : at + PAGE_ROWS])}
    for kind in ViewKind:
        for view in fleet.views(kind):
            rows = [filled[row.model] for row in fleet.select(view)]
            pages = page_numbers(rows)
            for number in range(1, pages + 1):
                shown = rows[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
                yield view.file(number), render_fleet(arrange_page(fleet, view, shown, number=number, pages=pages))


def _inbox_pages(store: MetricStore, fleet: Fleet) -> Iterator[tuple[str, str]]:
    first = inbox_page(store, fleet)
    yield inbox_file(1), render_inbox(first)
    for number in range(2, first.pages + 1):
        yield inbox_file(number), render_inbox(inbox_page(store, fleet, number))
