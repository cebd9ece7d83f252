"""Pages of the monitored models below /mlmon of Airflow's API server, for users who may read the DAG."""

from __future__ import annotations

import logging
from datetime import date
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, FastAPI, HTTPException, Path, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from airflow_mlmon.errors import ConfigError, MlmonError, NotFoundError
from airflow_mlmon.hooks.configuration import read_airflow_settings
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.partition import parse_day
from airflow_mlmon.plugins.access import GetUserDep, get_user, partition_of_run, readable_models
from airflow_mlmon.plugins.pages import ModelRow, render_message, render_models
from airflow_mlmon.reports.evidently_script import put_script_in
from airflow_mlmon.reports.tone import headline, tone_of
from airflow_mlmon.spec.model import NAME_PATTERN
from airflow_mlmon.storage import ObjectStore, join_uri
from airflow_mlmon.store.metric_store import MetricStore

_log = logging.getLogger(__name__)

# These pages have no scripts and may have none. They keep their origin: a browser sends no cookie of
# Airflow's with a link that is followed from a page without one, so no link would work in the UI's frame.
_PAGE_POLICY = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# The Evidently page needs its scripts: they run without an origin, and so cannot access Airflow;
# blob: allows the download of its charts
_EVIDENTLY_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


class ReportFile(StrEnum):
    """Files of a day that are served."""

    PAGE = "report.html"
    COLUMNS = "columns.html"
    EVIDENTLY = "evidently.html"
    EVIDENTLY_JSON = "evidently.json"


_MEDIA_TYPE = {ReportFile.EVIDENTLY_JSON: "application/json"}
_POLICY = {ReportFile.EVIDENTLY: _EVIDENTLY_POLICY}


def create_app() -> FastAPI:
    """Create the application that Airflow mounts; every route checks the access rights of the user."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])
    app.get("/")(list_models)
    app.get("/run")(show_run)
    app.get("/{model}/index.html")(show_index)
    app.get("/{model}/{day}/{name}")(show_day)
    app.exception_handler(AnyHTTPException)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_address)
    app.exception_handler(MlmonError)(_report_failure)
    return app


def list_models(user: GetUserDep) -> Response:
    """Show the models that the user may read, with their latest days."""
    with MetricStore(read_airflow_settings().store) as store:
        rows = [_model_row(store, model) for model in readable_models(store.models(), user)]
    return _page(render_models(rows))


def show_run(dag_id: str, run_id: str, user: GetUserDep) -> Response:
    """Redirect to the report of the day that a DAG run processes, or explain why there is none."""
    _require_reader(dag_id, user)
    zone = _zone_of(dag_id)
    if zone is None:
        return _no_report(f"{dag_id} is not the DAG of a model, or the model has not been run yet.")
    try:
        partition = partition_of_run(dag_id, run_id, zone)
    except (NotFoundError, ConfigError) as error:
        return _no_report(str(error))
    if not _has_report(dag_id, partition.key):
        return _no_report(f"{partition} has no report yet. The task write_report writes it, also if the run failed.")
    # relative, because Airflow may be behind a sub-path
    return RedirectResponse(f"{dag_id}/{partition.key}/{ReportFile.PAGE}", headers=_headers(_PAGE_POLICY))


def show_index(model: Annotated[str, Path(pattern=NAME_PATTERN)], user: GetUserDep) -> Response:
    """Show the index of a model's days."""
    _require_reader(model, user)
    return _page(_read(model, "index.html"))


def show_day(
    model: Annotated[str, Path(pattern=NAME_PATTERN)], day: str, name: ReportFile, user: GetUserDep
) -> Response:
    """Show a file of one day."""
    _require_reader(model, user)
    try:
        key = parse_day(day).isoformat()
    except ConfigError as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from None
    content = _read(model, key, name)
    if name is ReportFile.EVIDENTLY:
        # without an origin it can load no script with the user's rights
        content = put_script_in(content, lambda script: _read(model, script))
    return _page(
        content,
        policy=_POLICY.get(name, _PAGE_POLICY),
        media_type=_MEDIA_TYPE.get(name, HTMLResponse.media_type),
    )


def _require_reader(model: str, user: GetUserDep) -> None:
    if not readable_models([model], user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not read the DAG {model}.")


def _model_row(store: MetricStore, model: str) -> ModelRow:
    day = store.states(model, date.min, date.max)[-1]
    alerts = store.alerts(model, day.partition.day, day.partition.day)
    checks = store.checks(day.partition)
    verdicts = store.verdicts(day.partition)
    return ModelRow(state=day, tone=tone_of(day, alerts, checks), headline=headline(day, alerts, checks, verdicts))


def _zone_of(model: str) -> str | None:
    with MetricStore(read_airflow_settings().store) as store:
        return store.day_zone(model)


def _reports(*parts: str) -> tuple[ObjectStore, str]:
    settings = read_airflow_settings()
    files = open_storage().at(settings.workspace, settings.workspace_connection)
    return files, join_uri(settings.reports, *parts)


def _read(*parts: str) -> bytes:
    files, uri = _reports(*parts)
    try:
        return files.read(uri)
    except NotFoundError:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"The report {'/'.join(parts)} does not exist.") from None


def _has_report(model: str, day: str) -> bool:
    files, uri = _reports(model, day)
    return any(found.uri.endswith(f"/{ReportFile.PAGE}") for found in files.list(uri))


def _no_report(text: str) -> Response:
    return _page(render_message("No report", text), status_code=status.HTTP_404_NOT_FOUND)


def _refuse(request: Request, error: AnyHTTPException) -> Response:
    if error.status_code != status.HTTP_401_UNAUTHORIZED:
        return _page(render_message("Model monitoring", error.detail), status_code=error.status_code)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    login = f"{request.base_url.path}api/v2/auth/login?next={quote(here, safe='')}"
    message = render_message("Not logged in", "Log in to Airflow to see this page.", login, "Log in")
    return _page(message, status_code=error.status_code)


def _refuse_address(_request: Request, _error: RequestValidationError) -> Response:
    return _page(render_message("Model monitoring", "This page does not exist."), status_code=status.HTTP_404_NOT_FOUND)


def _report_failure(_request: Request, error: MlmonError) -> Response:
    # the message names servers and folders: only for readers of the log
    _log.error("A page of a monitored model could not be rendered.", exc_info=error)
    text = "The metric store or the reports cannot be read. See the log of the API server for the cause."
    return _page(render_message("Model monitoring", text), status_code=status.HTTP_503_SERVICE_UNAVAILABLE)


def _page(
    content: str | bytes,
    *,
    policy: str = _PAGE_POLICY,
    media_type: str | None = HTMLResponse.media_type,
    status_code: int = status.HTTP_200_OK,
) -> Response:
    return Response(content, status_code=status_code, media_type=media_type, headers=_headers(policy))


def _headers(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }
