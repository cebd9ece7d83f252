"""What people do in the browser: the rows in the store, Airflow's log of events and runs, and who is refused."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from airflow_mlmon.fleet import AuditKind
from airflow_mlmon.records import AlertState
from airflow_mlmon.store.metric_store import MetricStore
from tests.support.api_server import Answer, ApiServer
from tests.support.hostile import SCRIPT
from tests.support.monitored import LAST
from tests.support.sent_form import PageForm, count_forms, form_of

pytestmark = pytest.mark.service

DAY = f"loans/{LAST}/report.html"
# a form of each kind, with what a person fills in
RETRAINED = f"retrained {SCRIPT}"
FORMS = {
    "alerts": (DAY, "/alerts", {"do": "ack", "why": "seen"}),
    "baseline": ("loans/index.html", "/baseline", {"kind": "reference", "why": RETRAINED}),
    "run": (DAY, "/run", {"why": "late files"}),
}


@pytest.fixture
def store(server: ApiServer) -> Iterator[MetricStore]:
    with MetricStore(f"sqlite:///{server.home / 'store.db'}") as opened:
        yield opened


def form(server: ApiServer, kind: str, user: str = "user", **headers: str) -> tuple[PageForm, dict[str, str]]:
    page, action, filled = FORMS[kind]
    return form_of(server, user, page, action, headers=headers), dict(filled)


def shown(server: ApiServer, sent: PageForm, answer: Answer) -> str:
    """The page after an action, as the browser is led to it."""
    assert answer.status == 303, answer.text
    target = answer.headers["location"].removeprefix("../")
    cookies = f"_token={server.tokens[sent.user]}; mlmon_session={sent.session}"
    return server._ask("GET", f"/mlmon/{target}", {"Cookie": cookies}).text


def events(server: ApiServer, event: str) -> list[dict[str, Any]]:
    return server.call("GET", f"/eventLogs?event={event}&dag_id=loans&order_by=-event_log_id")["event_logs"]


def alerts_of(store: MetricStore, sent: PageForm) -> list[Any]:
    names = {value for name, value in sent.fields if name == "alert"}
    return [alert for alert in store.tracked_alerts("loans") if alert.fingerprint in names]


def test_acknowledged_alerts_are_so_in_the_store_with_the_user_and_the_reason(server, store):
    sent, filled = form(server, "alerts")

    answer = sent.send(**filled | {"why": f"seen {SCRIPT}"})

    assert {(alert.state, alert.acknowledged_by) for alert in alerts_of(store, sent)} == {
        (AlertState.ACKNOWLEDGED, "user")
    }
    page = shown(server, sent, answer)
    assert 'role="status">loans: acknowledged' in page
    assert "acknowledged by <bdi>user</bdi>" in page
    (event, *_) = events(server, "mlmon_acknowledge")
    assert (event["owner"], json.loads(event["extra"])["why"]) == ("user", f"seen {SCRIPT}")


def test_form_that_is_sent_twice_does_one_thing(server, store):
    sent, filled = form(server, "alerts", "admin")

    answers = [sent.send(**filled), sent.send(**filled)]

    assert [answer.status for answer in answers] == [303, 303]
    assert actions(server, "admin") == [("ack", "seen")] * len(alerts_of(store, sent))


def test_muted_alerts_are_so_until_the_day(server, store):
    sent, filled = form(server, "alerts")

    answer = sent.send(**filled | {"do": "mute", "until": "2026-03-20"})

    assert {alert.muted_until for alert in alerts_of(store, sent)} == {date(2026, 3, 20)}
    assert "muted until 2026-03-20" in shown(server, sent, answer)


def test_alerts_that_are_resolved_and_accepted_have_no_form_any_more(server, store):
    sent = form_of(server, "user", "inbox.html", "claims/alerts")
    before = count_forms(server, "user", "inbox.html")

    answers = [sent.send(do="accept", why="new prices") for _ in range(2)]

    assert [answer.status for answer in answers] == [303, 303]
    (alert,) = store.tracked_alerts("claims")
    assert (alert.state, alert.resolved_by) == (AlertState.RESOLVED, "user")
    assert actions(server, "user", "claims") == [("accept", "new prices")]
    assert count_forms(server, "user", "inbox.html") == before - 1
    assert sent.send(do="ack", why="late").status == 409


def test_accepted_baseline_is_that_of_the_days_to_come(server, store):
    sent, filled = form(server, "baseline")

    answers = [sent.send(**filled), sent.send(**filled)]

    (pin,) = store.baselines("loans")
    assert (pin.who, pin.why, str(pin.first)) == ("user", RETRAINED, "2026-03-08")
    assert "From 2026-03-08 on, loans is compared with" in shown(server, sent, answers[1])
    assert {json.loads(event["extra"])["why"] for event in events(server, "mlmon_accept_baseline")} == {RETRAINED}


def test_baseline_that_cannot_be_accepted_is_refused_with_the_cause(server, store):
    before = store.baselines("loans")
    sent, filled = form(server, "baseline", Referer=f"{server.origin}/sub/mlmon/loans/index.html")

    few = sent.send(**filled | {"kind": "dates", "from": "2026-03-07", "to": "2026-03-07"})
    later = sent.send(**filled | {"kind": "dates", "from": "2026-03-07", "to": "2026-03-09"})
    none = sent.send(**filled | {"kind": "trailing", "trailing": "-1"})

    assert [answer.status for answer in (few, later, none)] == [409, 409, 409]
    assert "at least 5 are needed" in few.text
    assert "after the last evaluated day 2026-03-07" in later.text
    assert '<a href="/sub/mlmon/loans/index.html">Back</a>' in none.text
    assert store.baselines("loans") == before


@pytest.mark.parametrize("user", ["user", "starter"])
def test_day_runs_again_as_a_dag_run_with_the_reason(server, store, user):
    sent, filled = form(server, "run", user)

    answers = [sent.send(**filled), sent.send(**filled)]

    run_id = shown(server, sent, answers[1]).partition("runs again as ")[2].partition(".")[0]
    run = server.call("GET", f"/dags/loans/dagRuns/{run_id}")
    assert (run["conf"], run["note"], run["triggering_user_name"]) == (
        {"partition": str(LAST), "force": True},
        "late files",
        user,
    )
    entries = [entry for entry in store.audit("loans") if entry.kind is AuditKind.RUN_AGAIN and entry.who == user]
    assert [(str(entry.day), entry.why, entry.detail) for entry in entries] == [
        (str(LAST), "late files", f"DAG run {run_id}")
    ]
    assert events(server, "mlmon_run_again")[0]["owner"] == user


def test_day_that_was_never_run_is_not_run_by_a_form(server):
    sent, filled = form(server, "run")

    assert sent.send(**filled, day="2026-03-20").status == 404
    assert sent.send(**filled, day="tomorrow").status == 400


@pytest.mark.parametrize(
    ("user", "forms"), [("viewer", {"run": 403, "alerts": 403}), ("starter", {"run": 303, "alerts": 403})]
)
def test_who_may_not_act_sees_no_form_and_is_refused(server, user, forms):
    for kind, status in forms.items():
        sent, filled = form(server, kind, "admin")
        own = server.get(f"/mlmon/{sent.page}", user, cookie=True)

        assert (f'action="../../{sent.action.removeprefix("/mlmon/")}"' in own.text) is (status == 303)
        if status == 403:
            assert sent.send(user=user, **filled).status == 403


@pytest.mark.parametrize("kind", FORMS)
def test_form_is_refused_without_a_login_or_for_another_model(server, kind):
    sent, filled = form(server, kind)
    fields = [*sent.fields, *filled.items()]
    cookie = f"mlmon_session={sent.session}"

    assert server.post(sent.action, fields, {"Origin": server.origin, "Cookie": cookie}).status == 401
    # the clerk may edit and start this one, but the token is of loans
    other = sent.action.replace("loans", "churn")
    headers = {"Origin": server.origin, "Cookie": f"_token={server.tokens['user']}; {cookie}"}
    assert server.post(other, fields, headers).status == 403
    prices = {**headers, "Cookie": f"_token={server.tokens['clerk']}; {cookie}"}
    assert server.post(sent.action.replace("loans", "prices"), fields, prices).status == 403


@pytest.mark.guards("attack-csrf")
@pytest.mark.parametrize("kind", FORMS)
def test_form_is_refused_without_its_token(server, store, kind):
    before = rows(store)
    sent, filled = form(server, kind)
    token = dict(sent.fields)["token"]
    other, _ = form(server, kind, "admin")
    purpose = dict(form(server, "run" if kind != "run" else "alerts")[0].fields)["token"]

    assert sent.send(**filled, token=None).status == 403
    assert sent.send(**filled, token="").status == 403
    assert sent.send(**filled, token=token[:-2] + "xx").status == 403
    assert sent.send(**filled, token=dict(other.fields)["token"]).status == 403
    assert sent.send(**filled, token=purpose).status == 403
    assert sent.send(**filled, session="another").status == 403
    assert sent.send(**filled, session=other.session, token=dict(other.fields)["token"]).status == 403
    assert rows(store) == before


@pytest.mark.guards("attack-origin")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="other-origin"),
        pytest.param({"Origin": "null"}, id="no-origin"),
        pytest.param({"Origin": ""}, id="nothing-about-its-origin"),
        pytest.param({"Origin": "", "Referer": "https://evil.example/sub/mlmon/"}, id="other-referer"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="same-site"),
    ],
)
def test_form_from_elsewhere_is_refused(server, store, headers):
    before = rows(store)
    sent, filled = form(server, "alerts", **headers)

    assert sent.send(**filled).status == 403
    assert rows(store) == before


def test_form_is_taken_by_its_referer_where_a_browser_sends_no_origin(server):
    sent, filled = form(server, "run", Origin="", Referer=f"{server.origin}/sub/mlmon/{DAY}")

    assert sent.send(**filled).status == 303


def test_token_expires(server):
    sent, filled = form(server, "run")
    content, until, mac = dict(sent.fields)["token"].split(".")

    assert 4 * 3600 - 120 < int(until) - time.time() <= 4 * 3600
    assert sent.send(**filled, token=f"{content}.{int(until) + 9999}.{mac}").status == 403


@pytest.mark.parametrize("path", ["loans/alerts", "loans/baseline", "loans/run"])
def test_nothing_is_changed_by_get(server, path):
    assert server.get(f"/mlmon/{path}", "admin").status in {404, 405}


@pytest.mark.parametrize(
    ("kind", "changed", "status"),
    [
        pytest.param("alerts", {"why": " "}, 400, id="no-reason"),
        pytest.param("run", {"why": None}, 400, id="reason-left-out"),
        pytest.param("alerts", {"do": "delete"}, 400, id="unknown-action"),
        pytest.param("alerts", {"do": "mute"}, 400, id="mute-without-a-day"),
        pytest.param("alerts", {"do": "mute", "until": "2026-01-01"}, 409, id="mute-that-is-over"),
        pytest.param("alerts", {"alert": None}, 409, id="no-alert"),
        pytest.param("alerts", {"alert": "none such"}, 404, id="unknown-alert"),
        pytest.param("baseline", {"kind": "average"}, 400, id="unknown-baseline"),
        pytest.param("baseline", {"version": "v1", "kind": "trailing", "trailing": "many"}, 409, id="no-number"),
        pytest.param("run", {"here": "https://evil.example/"}, 400, id="way-back-to-another-site"),
        pytest.param("run", {"here": "//evil.example/x.html"}, 400, id="way-back-to-another-host"),
        pytest.param("run", {"here": "../../x.html"}, 400, id="way-back-out-of-the-pages"),
    ],
)
def test_form_that_says_nothing_sensible_is_refused(server, store, kind, changed, status):
    before = rows(store)
    sent, filled = form(server, kind)

    assert sent.send(**filled | changed).status == status
    assert rows(store) == before


def test_body_that_is_no_form_is_refused(server):
    sent, filled = form(server, "run")
    headers = {"Origin": server.origin, "Cookie": f"_token={server.tokens['user']}; mlmon_session={sent.session}"}

    assert (
        server.post(sent.action, [*sent.fields, *filled.items()], {**headers, "Content-Type": "text/plain"}).status
        == 415
    )
    assert server.post(sent.action, [("why", "x" * 300_000)], headers).status == 413
    assert server.post(sent.action, [("a", "b")] * 3_000, headers).status == 400


def test_outcome_is_shown_to_nobody_else(server):
    sent, filled = form(server, "run")
    target = sent.send(**filled).headers["location"].removeprefix("../")

    assert "runs again as" not in server.get(f"/mlmon/{target}", "admin").text
    assert "runs again as" not in server.get(f"/mlmon/{target.replace('?notice=', '?notice=x')}", "user").text


def rows(store: MetricStore) -> list[Any]:
    return [store.tracked_alerts("loans"), store.baselines("loans"), store.audit("loans")]


def actions(server: ApiServer, who: str, model: str = "loans") -> list[tuple[str, str]]:
    """What somebody has done to alerts, by the store's own rows."""
    with sqlite3.connect(server.home / "store.db") as database:
        found = database.execute("SELECT kind, why FROM mlmon_alert_actions WHERE who = ? AND model = ?", (who, model))
        return [(str(kind), str(why)) for kind, why in found]
