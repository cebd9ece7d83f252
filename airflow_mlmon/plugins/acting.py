"""What a person does in the browser: the same rows in the store as the shell writes, under the name of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Path, Request, Response, status
from fastapi.responses import RedirectResponse

from airflow_mlmon.errors import ConfigError, DataError, NotFoundError, StateError
from airflow_mlmon.fleet import AuditEntry, AuditKind
from airflow_mlmon.hooks.configuration import read_airflow_settings
from airflow_mlmon.partition import Partition, parse_day
from airflow_mlmon.plugins.access import (
    BaseUser,
    GetUserDep,
    editable_models,
    log_event,
    may_run,
    start_run,
)
from airflow_mlmon.plugins.answers import PAGE_POLICY, headers_of
from airflow_mlmon.plugins.forms import FormDep, FormSession, NowDep, Purpose, SentForm
from airflow_mlmon.plugins.specs import open_model
from airflow_mlmon.records import Action, ActionKind
from airflow_mlmon.spec.model import NAME_PATTERN
from airflow_mlmon.store.metric_store import MetricStore

if TYPE_CHECKING:
    from airflow_mlmon.lifecycle.tracked import TrackedAlert
    from airflow_mlmon.pipeline.run import Run
    from airflow_mlmon.spec.baseline import Baseline

_LONGEST_REASON = 1_000
_DONE = {
    ActionKind.ACKNOWLEDGE: "acknowledged",
    ActionKind.MUTE: "muted",
    ActionKind.RESOLVE: "resolved",
    ActionKind.ACCEPT: "resolved, and the change accepted as normal",
}
ModelName = Annotated[str, Path(pattern=NAME_PATTERN)]


def add_actions(pages: APIRouter) -> None:
    """Add the routes that change something; each takes POST alone."""
    pages.post("/{model}/alerts")(post_alert_action)
    pages.post("/{model}/baseline")(post_baseline)
    pages.post("/{model}/run")(post_run)


def post_alert_action(model: ModelName, form: FormDep, user: GetUserDep, request: Request, now: NowDep) -> Response:
    """Acknowledge, mute or resolve alerts of a model, or accept their change as normal."""
    session = _require_editor(model, form, user, request, now)
    with _told(form, model) as (run, why):
        kind = _kind(form.text("do"))
        until = _day(form, "until") if kind is ActionKind.MUTE else None
        names = form.texts("alert")
        log_event(f"mlmon_{kind.name.lower()}", user, model, {"alerts": names, "until": until, "why": why})
        text = _act(run, names, kind, until=until, who=user.get_name(), why=why, now=now)
    return _back(session, form, text)


def post_baseline(model: ModelName, form: FormDep, user: GetUserDep, request: Request, now: NowDep) -> Response:
    """Accept a baseline of a model for the days to come."""
    session = _require_editor(model, form, user, request, now)
    with _told(form, model) as (run, why):
        baseline = _baseline(form)
        version = form.text("version") or None
        facts = {"baseline": baseline.to_dict(), "version": version, "why": why}
        log_event("mlmon_accept_baseline", user, model, facts)
        text = _accept(run, baseline, version, who=user.get_name(), why=why, now=now)
    return _back(session, form, text)


def post_run(model: ModelName, form: FormDep, user: GetUserDep, request: Request, now: NowDep) -> Response:
    """Start a DAG run of a day of a model, and record it in its audit trail."""
    if not may_run(model, user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not start runs of the DAG {model}.")
    session = FormSession(request, user, now)
    session.require_token(form, Purpose.RUN, model)
    why = _reason(form)
    day = _day(form, "day")
    # the same form sent twice asks for one run
    run_id = f"mlmon__{day}__{sha256(form.text('token').encode()).hexdigest()[:12]}"
    with MetricStore(read_airflow_settings().store, must_exist=True) as store:
        zone = store.day_zone(model)
        if zone is None or store.state(Partition.of_day(model, day, zone)) is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"{model} has no day {day}.")
        log_event("mlmon_run_again", user, model, {"day": day, "run_id": run_id, "why": why})
        note = start_run(model, day, run_id, why=why, user=user, request=request)
        detail = f"DAG run {run_id}"
        if not any(entry.detail == detail for entry in store.audit(model)):
            entry = AuditEntry(kind=AuditKind.RUN_AGAIN, day=day, who=user.get_name(), why=why, detail=detail, at=now)
            store.add_to_audit(model, entry)
    return _back(session, form, f"{day} of {model} runs again as {run_id}. {note}".strip())


def _require_editor(model: str, form: SentForm, user: BaseUser, request: Request, now: datetime) -> FormSession:
    if not editable_models([model], user):
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"You may not edit the DAG {model}.")
    session = FormSession(request, user, now)
    session.require_token(form, Purpose.EDIT, model)
    return session


@contextmanager
def _told(form: SentForm, model: str) -> Iterator[tuple[Run, str]]:
    """Open the model for an action with its reason; what is not possible is told as it is in a shell.

    Raises:
        HTTPException: the action is not possible, with the cause.
    """
    why = _reason(form)
    try:
        with open_model(model) as run:
            yield run, why
    except (ConfigError, DataError, StateError) as error:
        code = status.HTTP_404_NOT_FOUND if isinstance(error, NotFoundError) else status.HTTP_409_CONFLICT
        raise HTTPException(code, str(error)) from error


def _act(run: Run, names: list[str], kind: ActionKind, *, until: date | None, who: str, why: str, now: datetime) -> str:
    from airflow_mlmon.pipeline.deciding.alerting import (  # noqa: PLC0415 - heavy
        AlertName,
        act_on_alerts,
        last_evaluated,
    )

    action = Action(kind=kind, day=last_evaluated(run), until=until, who=who, why=why, at=now)
    latest = {alert.fingerprint: alert for alert in run.store.tracked_alerts(run.model, names)}
    meant = [AlertName(fingerprint=name) for name in names if not _is_done(latest.get(name), action)]
    if not names:
        raise ConfigError("No alert was selected.")
    acted = act_on_alerts(run, meant, action) if meant else []
    titles = sorted({alert.title for alert in acted} or {latest[name].title for name in names})
    return f"{run.model}: {_DONE[kind]}{f' until {until}' if until else ''}: {'; '.join(titles)}."


def _is_done(alert: TrackedAlert | None, action: Action) -> bool:
    """Return whether the same person has done the same to an alert before, as by a form that is sent twice."""
    if alert is None:
        return False
    if action.kind is ActionKind.ACKNOWLEDGE:
        return alert.resolved_on is None and alert.acknowledged_by == action.who
    if action.kind is ActionKind.MUTE:
        return alert.resolved_on is None and alert.muted_until is not None and alert.muted_until == action.until
    return (alert.resolved_on, alert.resolved_by) == (action.day, action.who)


def _accept(run: Run, baseline: Baseline, version: str | None, *, who: str, why: str, now: datetime) -> str:
    from airflow_mlmon.pipeline.baselines.accept import accept, next_day  # noqa: PLC0415 - heavy

    pins = [pin for pin in run.store.baselines(run.model) if pin.version == version]
    first = next_day(run)
    is_done = bool(pins) and (pins[-1].baseline, pins[-1].first, pins[-1].who) == (baseline, first, who)
    pin = pins[-1] if is_done else accept(run, baseline, version=version, first=None, who=who, why=why, at=now)
    subject = f"version {version} of {run.model}" if version else run.model
    return f"From {pin.first} on, {subject} is compared with {baseline.title()}."


def _baseline(form: SentForm) -> Baseline:
    from pydantic import ValidationError  # noqa: PLC0415 - heavy

    from airflow_mlmon.spec.baseline import Baseline, BaselineKind  # noqa: PLC0415 - heavy

    kind = form.text("kind")
    value: object = True
    if kind in {BaselineKind.TRAILING, BaselineKind.SAME_WEEKDAY}:
        value = form.text(kind)
    elif kind == BaselineKind.DATES:
        value = {"from": _day(form, "from"), "to": _day(form, "to")}
    elif kind not in set(BaselineKind):
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "No baseline was selected.")
    try:
        return Baseline.model_validate({kind: value})
    except ValidationError as error:
        found = error.errors()[0]
        raise ConfigError(f"{(found.get('ctx') or {}).get('error') or found['msg']}.") from error


def _kind(name: str) -> ActionKind:
    try:
        return ActionKind(name)
    except ValueError:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "The form names no action.") from None


def _day(form: SentForm, name: str) -> date:
    try:
        return parse_day(form.text(name))
    except ConfigError:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, f"Give a day ({name}), as 2026-03-09.") from None


def _reason(form: SentForm) -> str:
    """Return the reason of a form that is whole, before anything is done."""
    _ = form.page
    why = " ".join(form.text("why").split())
    if not why:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Give the reason.")
    return why[:_LONGEST_REASON]


def _back(session: FormSession, form: SentForm, text: str) -> Response:
    """Send the browser back to the page that has the form, which shows the outcome."""
    # relative, because Airflow may be behind a sub-path, and below the root of the pages whatever the form names
    target = f"../{form.page}?notice={session.notice(text)}"
    return RedirectResponse(target, status.HTTP_303_SEE_OTHER, headers=headers_of(PAGE_POLICY))
