"""Pages of the monitored models below /mlmon of Airflow's API server, for users who may read the DAG.

They have the file names of the written pages, so that links between pages are the same in both.
"""

from __future__ import annotations

import hmac
import logging
from datetime import date
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from airflow_mlmon.errors import ConfigError, MlmonError, NotFoundError, StateError
from airflow_mlmon.hooks.configuration import read_airflow_settings
from airflow_mlmon.hooks.storage import open_storage
from airflow_mlmon.partition import Partition, parse_day
from airflow_mlmon.plugins import live
from airflow_mlmon.plugins.access import (
    BaseUser,
    GetUserDep,
    editable_models,
    get_user,
    may_run,
    partition_of_run,
    readable_models,
)
from airflow_mlmon.plugins.acting import ModelName, add_actions
from airflow_mlmon.plugins.answers import (
    EVIDENTLY_POLICY,
    PAGE_POLICY,
    answer_live,
    answer_page,
    headers_of,
    render_message,
)
from airflow_mlmon.plugins.forms import FormSession, NowDep, Purpose
from airflow_mlmon.reports.evidently_script import put_script_in
from airflow_mlmon.reports.exposition import CONTENT_TYPE
from airflow_mlmon.storage import ObjectStore, join_uri
from airflow_mlmon.store.metric_store import MetricStore

_log = logging.getLogger(__name__)
_TITLE = "Model monitoring"
_INDEX = "index.html"


class ReportFile(StrEnum):
    """Files of a day that are served."""

    PAGE = "report.html"
    COLUMNS = "columns.html"
    EVIDENTLY = "evidently.html"
    EVIDENTLY_JSON = "evidently.json"


_MEDIA_TYPE = {ReportFile.EVIDENTLY_JSON: "application/json"}
_POLICY = {ReportFile.EVIDENTLY: EVIDENTLY_POLICY}


def create_app() -> FastAPI:
    """Create the application that Airflow mounts; every page checks the access rights of the user."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # Prometheus is no user of Airflow's: it has a token of its own
    app.get("/metrics")(show_metrics)
    pages = APIRouter(dependencies=[Depends(get_user)])
    pages.get("/")(show_fleet)
    pages.get("/run")(show_run)
    pages.get("/model")(show_dag)
    pages.get("/inbox.html")(show_inbox)
    pages.get("/inbox-{number}.html")(show_inbox)
    pages.get("/{name}.html")(show_fleet)
    pages.get("/{model}/index.html")(show_model)
    pages.get("/{model}/feature-{slug}.html")(show_feature)
    pages.get("/{model}/{day}/against-{other}.html")(show_comparison)
    pages.get("/{model}/{day}/{name}")(show_day)
    add_actions(pages)
    app.include_router(pages)
    app.exception_handler(AnyHTTPException)(_refuse)
    app.exception_handler(RequestValidationError)(_refuse_address)
    app.exception_handler(MlmonError)(_report_failure)
    return app


def show_fleet(user: GetUserDep, now: NowDep, name: str = "index") -> Response:
    """Show a page of the models that the user may read, or of a selection of them."""
    with _open_store() as store:
        fleet = live.read_readable(store, lambda models: readable_models(models, user), now)
        content = live.fleet_html(store, fleet, f"{name}.html")
    return answer_page(_found(content))


def show_metrics(now: NowDep, authorization: Annotated[str, Header()] = "") -> Response:
    """Show the state of all models as Prometheus gauges, to whoever has the token for it."""
    token = read_airflow_settings().metrics_token
    if token is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "This page does not exist.")
    if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return Response(status_code=status.HTTP_401_UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
    with _open_store() as store:
        return Response(live.metrics_text(store, now), media_type=CONTENT_TYPE)


def show_inbox(user: GetUserDep, request: Request, now: NowDep, number: int = 1) -> Response:
    """Show the incidents of the models that the user may read, with forms for those whose DAG he may edit."""
    session = FormSession(request, user, now)
    with _open_store() as store:
        fleet = live.read_readable(store, lambda models: readable_models(models, user), now)
        editable = editable_models([row.model for row in fleet.rows], user)
        tokens = {model: session.token(Purpose.EDIT, model) for model in editable}
        content = live.inbox_html(store, fleet, number, tokens)
    return session.remember(answer_live(_found(content), session.shown_notice))


def show_model(model: ModelName, user: GetUserDep, request: Request, now: NowDep) -> Response:
    """Show the page of a model as the store is now; the page that its last run wrote where its spec is not at hand."""
    _require_reader(model, user)
    session = FormSession(request, user, now)
    try:
        content, notice = live.model_html(model, _edit_token(session, model, user), now), session.shown_notice
    except (ConfigError, NotFoundError) as error:
        _log.warning("The page of %s is served as it was written: its spec cannot be opened.", model, exc_info=error)
        written = _written(model, _INDEX)
        if written is None:
            return _no_report(f"{model}: {error}")
        content, notice = written.decode(), f"As the last run wrote it: {error}"
    return session.remember(answer_live(content, notice))


def show_feature(model: ModelName, slug: str, user: GetUserDep, request: Request, now: NowDep) -> Response:
    """Show the page of a feature of a model as the store is now."""
    _require_reader(model, user)
    session = FormSession(request, user, now)
    try:
        content = live.feature_html(model, slug, _edit_token(session, model, user))
    except NotFoundError as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from None
    return session.remember(answer_live(content, session.shown_notice))


def show_comparison(model: ModelName, day: str, other: str, user: GetUserDep) -> Response:
    """Show two days of a model side by side."""
    _require_reader(model, user)
    try:
        return answer_page(live.comparison_html(model, _day(day), _day(other)))
    except (ConfigError, StateError) as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from None


def show_day(
    model: ModelName, day: str, name: ReportFile, user: GetUserDep, *, request: Request, now: NowDep
) -> Response:
    """Show a file of one day; its page with the state of its alerts now, and with forms."""
    _require_reader(model, user)
    key = _day(day)
    content = _read(model, key.isoformat(), name)
    if name is ReportFile.PAGE:
        session = FormSession(request, user, now)
        run = session.token(Purpose.RUN, model) if may_run(model, user) else None
        with _open_store() as store:
            partition, templates = Partition.of_day(model, key), read_airflow_settings().links
            edit = _edit_token(session, model, user)
            page = live.put_now(content.decode(), store, partition, templates, edit=edit, run=run)
        return session.remember(answer_live(page, session.shown_notice))
    if name is ReportFile.EVIDENTLY:
        # without an origin it can load no script with the user's rights
        content = put_script_in(content, lambda script: _read(model, script))
    return answer_page(
        content,
        policy=_POLICY.get(name, PAGE_POLICY),
        media_type=_MEDIA_TYPE.get(name, HTMLResponse.media_type),
    )


def show_dag(dag_id: str, user: GetUserDep) -> Response:
    """Redirect to the page of the model of a DAG, or explain why there is none."""
    _require_reader(dag_id, user)
    if _zone_of(dag_id) is None:
        return _no_report(f"{dag_id} is not the DAG of a model, or the model has not been run yet.")
    # relative, because Airflow may be behind a sub-path
    return RedirectResponse(f"{dag_id}/{_INDEX}", headers=headers_of(PAGE_POLICY))


def show_run(dag_id: str, run_id: str, user: GetUserDep) -> Response:
    """Redirect to the report of the day that a DAG run processes, or explain why there is none."""
    _require_reader(dag_id, user)
    zone = _zone_of(dag_id)
    if zone is None:
        return _no_report(f"{dag_id} is not the DAG of a model, or the model has not been run yet.")
    try:
        partition: Partition = partition_of_run(dag_id, run_id, zone)
    except (NotFoundError, ConfigError) as error:
        return _no_report(str(error))
    if not _has_report(dag_id, partition.key):
        return _no_report(f"{partition} has no report yet. The task write_report writes it, also if the run failed.")
    return RedirectResponse(f"{dag_id}/{partition.key}/{ReportFile.PAGE}", headers=headers_of(PAGE_POLICY))


def _require_reader(model: str, user: BaseUser) -> None:
    if not readable_models([model], user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not read the DAG {model}.")


def _edit_token(session: FormSession, model: str, user: BaseUser) -> str | None:
    return session.token(Purpose.EDIT, model) if editable_models([model], user) else None


def _found(content: str | None) -> str:
    if content is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "This page does not exist.")
    return content


def _day(text: str) -> date:
    try:
        return parse_day(text)
    except ConfigError as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, str(error)) from None


def _open_store() -> MetricStore:
    return MetricStore(read_airflow_settings().store)


def _zone_of(model: str) -> str | None:
    with _open_store() as store:
        return store.day_zone(model)


def _reports(*parts: str) -> tuple[ObjectStore, str]:
    settings = read_airflow_settings()
    files = open_storage().at(settings.workspace, settings.workspace_connection)
    return files, join_uri(settings.reports, *parts)


def _written(*parts: str) -> bytes | None:
    files, uri = _reports(*parts)
    try:
        return files.read(uri)
    except NotFoundError:
        return None


def _read(*parts: str) -> bytes:
    content = _written(*parts)
    if content is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"The report {'/'.join(parts)} does not exist.")
    return content


def _has_report(model: str, day: str) -> bool:
    files, uri = _reports(model, day)
    return any(found.uri.endswith(f"/{ReportFile.PAGE}") for found in files.list(uri))


def _no_report(text: str) -> Response:
    return answer_page(render_message("No report", text), status_code=status.HTTP_404_NOT_FOUND)


def _refuse(request: Request, error: AnyHTTPException) -> Response:
    if error.status_code != status.HTTP_401_UNAUTHORIZED:
        return answer_page(_refusal(request, str(error.detail)), status_code=error.status_code)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    login = f"{request.base_url.path}api/v2/auth/login?next={quote(here, safe='')}"
    message = render_message("Not logged in", "Log in to Airflow to see this page.", login, "Log in")
    return answer_page(message, status_code=error.status_code)


def _refusal(request: Request, text: str) -> str:
    """Render a refusal; that of a form with the way back to its page."""
    sent_from = urlsplit(request.headers.get("referer", "")).path
    if request.method == "POST" and sent_from.startswith(f"{request.scope.get('root_path', '')}/"):
        return render_message(_TITLE, text, sent_from, "Back")
    return render_message(_TITLE, text)


def _refuse_address(_request: Request, _error: RequestValidationError) -> Response:
    return answer_page(render_message(_TITLE, "This page does not exist."), status_code=status.HTTP_404_NOT_FOUND)


def _report_failure(_request: Request, error: MlmonError) -> Response:
    # the message names servers and folders: only for readers of the log
    _log.error("A page of a monitored model could not be rendered.", exc_info=error)
    text = "The metric store or the reports cannot be read. See the log of the API server for the cause."
    return answer_page(render_message(_TITLE, text), status_code=status.HTTP_503_SERVICE_UNAVAILABLE)
