"""Pages made of the store when they are asked for, by the same functions as the written ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_mlmon.plugins.access import broken_specs
from airflow_mlmon.plugins.specs import open_model

if TYPE_CHECKING:
    from airflow_mlmon.links import LinkTemplates
    from airflow_mlmon.partition import Partition
    from airflow_mlmon.pipeline.pages.fleet import Fleet
    from airflow_mlmon.store.metric_store import MetricStore

_PLACE = "<!--now-->"
# days before a day with which its page offers to compare it
_COMPARED = (timedelta(days=1), timedelta(days=7), timedelta(days=28))
Readable = Callable[[Collection[str]], Collection[str]]


def read_readable(store: MetricStore, readable: Readable, now: datetime) -> Fleet:
    """Read the status of the models that a user may read, of which no spec can be loaded too."""
    from airflow_mlmon.pipeline.pages.fleet import read_fleet  # noqa: PLC0415 - heavy

    broken = broken_specs()
    models = readable({found.model for found in (*store.registered(), *broken)})
    return read_fleet(store, now, models=models, broken=broken)


def fleet_html(store: MetricStore, fleet: Fleet, name: str) -> str | None:
    """Render a page of models by its file name; None if there is no such page."""
    from airflow_mlmon.pipeline.pages.fleet import fleet_page  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.fleet import render_fleet  # noqa: PLC0415 - heavy

    found = fleet.find(name)
    return None if found is None else render_fleet(fleet_page(store, fleet, *found))


def metrics_text(store: MetricStore, now: datetime) -> str:
    """Return the state of all models in the text format of Prometheus."""
    from airflow_mlmon.pipeline.pages.fleet import read_fleet  # noqa: PLC0415 - heavy
    from airflow_mlmon.pipeline.pages.fleet_gauges import fleet_gauges  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.exposition import exposition  # noqa: PLC0415 - heavy

    return exposition(fleet_gauges(store, read_fleet(store, now, broken=broken_specs())))


def inbox_html(store: MetricStore, fleet: Fleet, number: int, tokens: Mapping[str, str]) -> str | None:
    """Render a page of the incidents of models, with forms for those with a token; None if there is no such page."""
    from airflow_mlmon.pipeline.pages.inbox import inbox_page  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.inbox import render_inbox  # noqa: PLC0415 - heavy

    page = inbox_page(store, fleet, number, tokens=tokens)
    return render_inbox(page) if 1 <= number <= page.pages else None


def model_html(model: str, token: str | None, now: datetime) -> str:
    """Render the page of a model, with forms if there is a token."""
    from airflow_mlmon.pipeline.pages.model import model_page  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.model import render_model  # noqa: PLC0415 - heavy

    with open_model(model) as run:
        return render_model(replace(model_page(run, now=now), token=token))


def feature_html(model: str, slug: str, token: str | None) -> str:
    """Render the page of a feature of a model, with forms if there is a token.

    Raises:
        NotFoundError: the model has no such feature, or it is private.
    """
    from airflow_mlmon.pipeline.pages.feature import column_of_slug, feature_page  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.feature import render_feature  # noqa: PLC0415 - heavy

    with open_model(model) as run:
        return render_feature(replace(feature_page(run, column_of_slug(run, slug)), token=token))


def comparison_html(model: str, day: date, other: date) -> str:
    """Render two days of a model side by side.

    Raises:
        NotFoundError: a day was not run.
    """
    from airflow_mlmon.pipeline.pages.against import against_page  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.against import render_against  # noqa: PLC0415 - heavy

    with open_model(model) as run:
        return render_against(against_page(run, run.partition(day), run.partition(other)))


def put_now(
    page: str,
    store: MetricStore,
    partition: Partition,
    templates: LinkTemplates,
    *,
    edit: str | None = None,
    run: str | None = None,
) -> str:
    """Put the state of a day's alerts now, and how its steps ran, into its page, with the forms that have a token."""
    from airflow_mlmon.lifecycle.incidents import group_incidents  # noqa: PLC0415 - heavy
    from airflow_mlmon.pipeline.telemetry import link_step  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.against import against_file  # noqa: PLC0415 - heavy
    from airflow_mlmon.reports.page import render_page  # noqa: PLC0415 - heavy

    model, day = partition.model, partition.day
    alerts = store.alerts(model, day, day)
    steps = store.step_runs(partition)
    tracked = {
        alert.fingerprint: alert
        for alert in store.tracked_alerts(model, [alert.fingerprint for alert in alerts])
        if alert.since <= day and (alert.resolved_on is None or alert.resolved_on >= day)
    }
    evaluated = {state.partition.day for state in store.states(model, day - _COMPARED[-1], day) if state.evaluated}
    now = render_page(
        "now.html.j2",
        model=model,
        day=day,
        incidents=group_incidents(alerts),
        tracked=tracked,
        others={day - past: against_file(day - past) for past in _COMPARED if day - past in evaluated},
        steps=[(step, link_step(templates, partition, step, steps)) for step in steps],
        edit=edit,
        run=run,
    )
    return page.replace(_PLACE, now, 1)
